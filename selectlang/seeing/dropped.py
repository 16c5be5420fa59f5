"""What a run left out of an output, and why: each row at the stage at which it came furthest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectlang.data.dataset import Dataset
from selectlang.engine.handles import rows_of
from selectlang.engine.opened import Opened
from selectlang.errors import DataError
from selectlang.faults import quoted
from selectlang.ports import Selection
from selectlang.seeing.budgets import mask
from selectlang.seeing.rows import is_choice
from selectlang.seeing.walk import Walk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass
class Dropped:
    """The rows of `data` that an output does not hold, in arrays, those nearest to the line first.

    `at` are their positions; `stage`, `reason` and `group` index the lists of their names. Missing are
    group -1, rank 0, and NaN. `held` counts the rows that the output holds.
    """

    output: str
    name: str
    data: Dataset
    held: int
    notes: list[str]
    at: Ints
    stage: Ints
    reason: Ints
    group: Ints
    score: Floats
    rank: Ints
    line: Floats
    stages: list[str]
    reasons: list[str]
    groups: list[str]

    def __len__(self) -> int:
        return len(self.at)

    def counts(self) -> list[tuple[int, str, str]]:
        """How many rows were left out at each stage for each reason; the stages in their order."""
        import numpy as np

        pairs, counts = np.unique(np.stack([self.stage, self.reason]), axis=1, return_counts=True)
        known = zip(counts.tolist(), *pairs.tolist(), strict=True)
        return [(count, self.stages[stage], self.reasons[reason]) for count, stage, reason in known]


def dropped(opened: Opened, output: str | None = None) -> Dropped:
    """What an output of a run, by default the first selection, does not hold, and why.

    A DataError when there is no such output, or the store holds its value no more.
    """
    name, value = _output(opened, output)
    rows = rows_of(value)
    assert rows is not None
    held = mask(rows)
    walk = Walk(opened, rows.data)
    walk.push(opened.record["outputs"][name]["result"], ~held)
    walk.go()
    notes = [
        f"{stage['path']}: {note}"
        for stage in opened.stages
        if stage.get("asked")
        for note in stage.get("notes", ())
    ]
    for called, said in opened.record["data"].items():
        skipped = said.get("skipped")
        count = skipped.get("count") if isinstance(skipped, dict) else None
        if said["key"] == rows.data.key and isinstance(count, int) and count:
            notes.append(f"data {quoted(called)}: {count:,} bad rows were not read, and are no rows here")
    walk.tell(-1, "left out", ~held & ~walk.told)  # by nothing that is stored
    return _sorted(walk, output=name, name=opened.named(rows.data.key), held=int(held.sum()), notes=notes)


def _output(opened: Opened, name: str | None) -> tuple[str, Any]:
    """An output that holds rows, by name; by default a selection, or else rows of a verdict, or any other."""
    first = None
    for each in [name] if name is not None else opened.record["outputs"]:
        value = opened.output(each)
        if is_choice(opened.record["outputs"][each]["result"], value):
            return each, value
        if rows_of(value) is not None and (
            first is None or isinstance(value, Selection) > isinstance(first[1], Selection)
        ):
            first = each, value
    if first is not None:
        return first
    if name is not None:
        raise DataError(f"{opened.folder}: the output {quoted(name)} holds no rows; name one that does")
    raise DataError(f"{opened.folder}: no output of this run holds rows, so nothing was left out")


def _sorted(walk: Walk, **about: Any) -> Dropped:
    """All that a walk found, the last stages first, and of each the rows nearest to the line."""
    import numpy as np

    def joined(name: str) -> Any:
        parts = [getattr(said, name) for _, said in walk.found]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    names = ("at", "reason", "group", "score", "rank", "line")
    told = {name: joined(name) for name in names}
    numbers = [np.full(len(said.at), number) for number, said in walk.found]
    told["stage"] = np.concatenate(numbers) if numbers else np.zeros(0, np.int64)
    rank = np.where(told["rank"] > 0, told["rank"], np.iinfo(np.int64).max)
    by = np.lexsort((told["at"], rank, joined("far"), -told["stage"]))
    return Dropped(
        **about,
        data=walk.data,
        stages=[*(stage["path"] for stage in walk.opened.stages), "-"],
        reasons=list(walk.texts),
        groups=list(walk.groups),
        **{name: values[by] for name, values in told.items()},
    )
