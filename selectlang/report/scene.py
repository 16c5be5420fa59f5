"""What of a run a report is about: each selection that it gives out, and the results that led to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from selectlang.engine.opened import Opened, base
from selectlang.engine.reread import split
from selectlang.errors import DataError
from selectlang.ports import Clusters, Scores, Selection, Vectors
from selectlang.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIELDS = ("source", "dataset", "task", "category", "_file")
"""Fields whose values say where a row comes from, or what it is about."""
CHARTED = 6  # selections that have charts: those of each take a few seconds in a large pool
MOST = 12  # scores, and clusterings, that are shown
GROUPS = 200  # values of a field that still make groups


@dataclass(frozen=True)
class Found:
    """A result: the path of its stage, the name that people know it by, and the round that it is of.

    The round is empty outside of loops.
    """

    path: str
    name: str
    value: Any
    round: str = ""

    @property
    def title(self) -> str:
        """The name with the round."""
        return f"{self.name} ({self.round})" if self.round else self.name


@dataclass
class Scene:
    """One selection that a run gives out: the output's `name`, and the `pool` it was chosen from."""

    opened: Opened
    name: str
    selection: Selection[Any]
    lost: list[str] = field(default_factory=list)  # stages whose results cannot be read

    @cached_property
    def pool(self) -> Rows[Any]:
        """All rows of the data set that the selection speaks about."""
        return Rows(self.selection.rows.data)

    @cached_property
    def data(self) -> str:
        """The name of the pool in the spec."""
        return self.opened.named(self.selection.rows.data.key)

    @cached_property
    def chosen(self) -> NDArray[np.bool_]:
        """Whether each row of the pool is chosen."""
        import numpy as np

        found = np.zeros(len(self.pool), dtype=bool)
        found[self.selection.rows.positions] = True
        return found

    @cached_property
    def stages(self) -> list[dict[str, Any]]:
        """The stages that led to the selection, the nearest first."""
        result = self.opened.record["outputs"][self.name]["result"]
        return list(upstream(self.opened, [result]))

    @cached_property
    def vectors(self) -> Found | None:
        """The nearest vectors of the pool, if the run made any."""
        return next(self._about(Vectors, "embed"), None)

    @cached_property
    def clusters(self) -> list[Found]:
        """The clusterings of the pool, the nearest first."""
        return list(islice(self._about(Clusters, "cluster"), MOST))

    @cached_property
    def scores(self) -> list[Found]:
        """The scores of rows of the pool, the nearest first; of equal ones the first."""
        import numpy as np

        found: list[Found] = []
        for each in islice(self._about(Scores, "score", "merge", "judge", "classify"), MOST):
            best = each.value.best()
            if not any(np.array_equal(best, other.value.best(), equal_nan=True) for other in found):
                found.append(each)
        return found

    def _about(self, port: type[Any], *kinds: str) -> Iterator[Found]:
        """The values of a type that speak about the pool, which the store still holds.

        Of a stage in a loop only that of its last round.
        """
        seen = set()
        for stage in self.stages:
            names = stage["rows_out"] if stage["kind"] in kinds and base(stage["path"]) not in seen else ()
            seen.add(base(stage["path"]))
            for name in names:
                try:
                    value: Any = self.opened.value(stage["path"], name)
                except DataError:
                    self.lost.append(stage["path"])
                    continue
                if isinstance(value, port) and value.rows.data.key == self.pool.data.key:
                    shown = base(stage["path"]) + (f".{name}" if len(names) > 1 else "")
                    yield Found(stage["path"], shown, value, round_of(self.opened.record["loops"], stage))


def cluster_names(clusters: Clusters[Any]) -> list[str]:
    """The name of each cluster: its own, or its number."""
    return clusters.names or [str(number) for number in range(clusters.k)]


def round_of(loops: list[dict[str, Any]], stage: dict[str, Any]) -> str:
    """The round that the result of a stage is of: `round 3 of 3`; empty where it is that of all rounds.

    In a loop within a loop `round 2 of 2, in it 1 of 4`.
    """
    path, *numbers = stage["path"].split("#")
    parts = []
    for depth, number in enumerate(numbers):
        around = "".join(f"#{outer}" for outer in numbers[:depth])
        loop = next((each for each in loops if _holds(each["path"], path, around)), None)
        rounds = {f"{path}{around}#{i + 1}" for i in range(loop["rounds"])} if loop else set()
        if len(rounds) > 1 and rounds - {stage["path"], *stage.get("also", ())}:
            parts.append(f"{number} of {len(rounds)}")
    return f"round {', in it '.join(parts)}" if parts else ""


def _holds(loop: str, path: str, around: str) -> bool:
    """Whether a loop, by its path with the rounds around it, is one that a stage stands in."""
    return loop == base(loop) + around and path.startswith(f"{base(loop)}/")


def scenes(opened: Opened) -> list[Scene]:
    """The selections that a run gives out; not the rows of a verdict, which nobody chose."""
    found: list[Scene] = []
    for name, output in opened.record["outputs"].items():
        result = output.get("result", "")
        if "file" not in output or ":" in result or split(result)[2]:
            continue
        with suppress(DataError):
            value = opened.output(name)
            if isinstance(value, Selection):
                found.append(Scene(opened, name, value))
    return found


def upstream(opened: Opened, results: list[str]) -> Iterator[dict[str, Any]]:
    """The stages that led to some results, by their entries in the record, the nearest first."""
    seen, waiting = set(), deque(results)
    while waiting:
        key = waiting.popleft().partition(".")[0]
        stage = opened.by_key.get(key)
        if key in seen or stage is None:
            continue
        seen.add(key)
        yield stage
        for inputs in stage["inputs"].values():
            waiting.extend(inputs)


def fields(rows: Rows[Any]) -> dict[str, list[str]]:
    """What says where rows come from: the group of each row, and the values of fields of FIELDS, as text.

    Only those with 2 to GROUPS different values; of fields that part the rows in the same way, the first.
    """
    every = {}
    with suppress(DataError):
        every["group"] = [str(value) for value in rows.groups()]
    for name in FIELDS:
        if name in rows.data.info.fields or (name == "_file" and len(rows.data.info.stems) > 1):
            every[name] = ["" if value is None else str(value) for value in rows.field(name)]
    found: dict[str, list[str]] = {}
    parted: list[list[int]] = []
    for name, values in every.items():
        number: dict[str, int] = {}
        parts = [number.setdefault(value, len(number)) for value in values]
        if 1 < len(number) <= GROUPS and parts not in parted:
            found[name] = values
            parted.append(parts)
    return found


Groups = dict[str, tuple[list[str], "NDArray[np.int64]"]]
"""Of each field that says where rows come from: its values, and the number of that of each row."""


def groups_of(rows: Rows[Any]) -> Groups:
    """The groups of rows by each such field."""
    import numpy as np

    found = {}
    for name, values in fields(rows).items():
        names, codes = np.unique(np.array(values, dtype=object), return_inverse=True)
        found[name] = names.tolist(), codes
    return found
