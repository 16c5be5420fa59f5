"""What the values of a method say, in a form in which two runs can be compared: of each row, by its id."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selectlang.digests import file_digest
from selectlang.engine.handles import rows_of
from selectlang.ports import Clusters, Labels, Model, Replies, Scores, Selection, Vectors, Weights
from selectlang.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Said:
    """What one value says: of each row of `ids` under names, and of no row in `rest`.

    It is made of lists, numbers and texts, so that another process can send it as JSON.
    """

    ids: list[str]
    each: dict[str, list[Any]]
    rest: dict[str, Any] = field(default_factory=dict)
    ordered: bool = False  # whether the order of its rows means something

    def of(self) -> dict[str, list[tuple[Any, ...]]]:
        """What is said of each id, in the order of the names of what is said; once for each time it comes."""
        found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        columns = [self.each[name] for name in sorted(self.each)]
        for name, *entry in zip(self.ids, *columns, strict=True):
            found[name].append(tuple(entry))
        return found


Outcome = Mapping[str, Said]
"""What the values of all ports say, by the names of the ports."""


def said(value: Any) -> Said:
    """What a value says."""
    rows = rows_of(value)
    ids = [] if rows is None else rows.ids()
    if isinstance(value, Vectors):
        return Said(ids, {"vector": value.matrix.astype(float).tolist()})
    if isinstance(value, Clusters):
        names = value.labels.tolist() if value.names is None else [value.names[i] for i in value.labels]
        distances = {} if value.distances is None else {"distance": _list(value.distances)}
        return Said(ids, {"cluster": names, **distances}, {"number of clusters": value.k})
    if isinstance(value, Scores):
        if value.values.ndim == 1:
            return Said(ids, {"score": _list(value.values)})
        names = value.columns or [str(i) for i in range(value.values.shape[1])]
        return Said(ids, {f"score {name}": _list(value.values[:, i]) for i, name in enumerate(names)})
    if isinstance(value, Labels):
        verdicts = [*value.values, None]  # which code -1 is
        return Said(ids, {"verdict": [verdicts[code] for code in value.codes.tolist()], **_why(value)})
    if isinstance(value, Selection):
        scores = {} if value.scores is None else {"score": _list(value.scores)}
        return Said(ids, {**scores, **_why(value)}, ordered=True)
    if isinstance(value, Replies):
        return Said(ids, {"reply": value.rows.responses()})
    if isinstance(value, Rows):
        return Said(ids, {}, ordered=True)
    if isinstance(value, Weights):
        return Said([], {}, {"weights": _list(value.values)})
    if isinstance(value, Model):
        files = sorted(path for path in value.path.rglob("*") if path.is_file())
        return Said([], {}, {"files": {str(p.relative_to(value.path)): file_digest(p) for p in files}})
    return Said([], {}, {"number": float(value)})


def _list(array: NDArray[Any]) -> list[Any]:
    found: list[Any] = array.astype(float).tolist()
    return found


def _why(value: Labels[Any] | Selection[Any]) -> dict[str, list[Any]]:
    return {f"why {name}": array.tolist() for name, array in value.why.items()}


def difference(
    one: Outcome, other: Outcome, tolerance: float, *, ordered: bool = False, files: bool = False
) -> str:
    """The first thing in which two outcomes differ, in words; empty where they say the same.

    Numbers may differ by a share `tolerance` of the largest of their kind. The order of rows counts where
    `ordered`; the files of a model, which rounding changes too, where `files`.
    """
    for port, here in one.items():
        there = other[port]
        of = f" in {port!r}" if port else ""
        counts = files or "files" not in here.rest
        if counts and not _alike(here.rest, there.rest, tolerance * _scale([here.rest, there.rest])):
            return f"{_short(here.rest)} and {_short(there.rest)}{of}"
        if here.each.keys() != there.each.keys():
            return f"{list(here.each)} and {list(there.each)}{of}"
        if found := _of_rows(here, there, tolerance):
            return f"{found}{of}"
        if ordered and here.ordered and here.ids != there.ids:
            at = next(i for i, pair in enumerate(zip(here.ids, there.ids, strict=True)) if pair[0] != pair[1])
            return f"{here.ids[at]!r} and {there.ids[at]!r} at place {at + 1}{of}"
    return ""


def _of_rows(here: Said, there: Said, tolerance: float) -> str:
    names = sorted(here.each)
    scales = [_scale([here.each[name], there.each[name]]) * tolerance for name in names]
    first, second = here.of(), there.of()
    for row in dict.fromkeys([*here.ids, *there.ids]):
        entries, others = first.get(row, []), second.get(row, [])
        if len(entries) != len(others):
            return f"row {row!r} {_times(len(entries))} and {_times(len(others))}"
        for entry, twin in zip(entries, others, strict=True):
            for what, a, b, scale in zip(names, entry, twin, scales, strict=True):
                if not _alike(a, b, scale):
                    return f"{what} {_short(a)} and {_short(b)} for row {row!r}"
    return ""


def stayed(one: Outcome, other: Outcome, tolerance: float) -> bool:
    """Whether two outcomes about rows in different orders have the same entries in the same places."""
    pairs = [(here, other[port]) for port, here in one.items() if here.each and not here.ordered]
    return bool(pairs) and all(
        len(here.ids) == len(there.ids)
        and _alike(here.each, there.each, tolerance * _scale([here.each, there.each]))
        for here, there in pairs
    )


def _alike(one: Any, other: Any, allowed: float) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return one == other or abs(one - other) <= allowed
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_alike(a, b, allowed) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key], allowed) for key in one)
    return bool(one == other)


def _scale(value: Any) -> float:
    """The largest finite number in a value; 1 where there is none."""
    return max((abs(number) for number in _numbers(value) if math.isfinite(number)), default=1.0)


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, float | int):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _numbers(part)


def _times(count: int) -> str:
    return ("not at all", "once", "twice")[count] if count < 3 else f"{count} times"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(part)}" for name, part in value.items())
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value[:3]))}{', ...' if len(value) > 3 else ''}]"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)[:40]
