"""Where the fates of rows part in two runs: the first stage whose values for a row differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from selectlang.data.dataset import Dataset
from selectlang.engine.handles import rows_of
from selectlang.engine.opened import Opened
from selectlang.errors import DataError
from selectlang.ports import Clusters, Labels, Replies, Scores, Vectors
from selectlang.rows import Rows
from selectlang.seeing.budgets import standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Ints = NDArray[np.int64]

BLOCK = 4096  # rows whose vectors or texts are compared at once
DATA = "the data"
NOWHERE = "no stage that both have"


@dataclass
class Pair:
    """Rows, given by the hashes of their ids, in the data sets of two runs."""

    hashes: NDArray[np.uint64]
    sets: tuple[Dataset, Dataset]

    @cached_property
    def places(self) -> tuple[Ints, Ints]:
        """Where each row stands in each data set; -1 for nowhere."""
        first = _places(self.sets[0], self.hashes)
        same = self.sets[0].key == self.sets[1].key
        return first, first if same else _places(self.sets[1], self.hashes)


def _places(data: Dataset, hashes: NDArray[np.uint64]) -> Ints:
    import numpy as np

    known = data.hashes()
    if not len(known):
        return np.full(len(hashes), -1, dtype=np.int64)
    order = np.argsort(known)
    at = order[np.minimum(np.searchsorted(known, hashes, sorter=order), len(known) - 1)]
    return np.where(known[at] == hashes, at, -1)


def parted(old: Opened, new: Opened, pair: Pair) -> tuple[Ints, list[str], list[str]]:
    """For each row the number of the place where its fate parts, the names of the places, and notes.

    Places are the data, then the stages that both runs have by their paths, in the order of the first.
    """
    import numpy as np

    names, notes = [DATA], list[str]()
    found = np.full(len(pair.hashes), -1, dtype=np.int64)
    found[_other_rows(pair)] = 0
    for path in _common(old, new):
        left = np.flatnonzero(found < 0)
        if not len(left):
            break
        try:
            differs = _stage_differs(old, new, path, pair, left)
        except DataError:
            notes.append(f"{path}: its values are no longer in the store, and were not compared")
            continue
        names.append(path)
        found[left[differs]] = len(names) - 1
    names.append(NOWHERE)
    found[found < 0] = len(names) - 1
    return found, names, notes


def _common(old: Opened, new: Opened) -> Iterator[str]:
    """The paths of stages that both runs have with results of their own."""
    for stage in old.stages:
        other = new.by_path.get(stage["path"])
        if other is not None and other["key"] != stage["key"]:
            yield stage["path"]


def _other_rows(pair: Pair) -> Mask:
    """The rows that one data set lacks, or that hold another conversation in it."""
    import numpy as np

    first, second = pair.places
    found = (first < 0) | (second < 0)
    if pair.sets[0].key != pair.sets[1].key:
        both = np.flatnonzero(~found)
        for start in range(0, len(both), BLOCK):
            part = both[start : start + BLOCK]
            turns = (data.turns(places[part]) for data, places in zip(pair.sets, pair.places, strict=True))
            found[part] = [one != other for one, other in zip(*turns, strict=True)]
    return found


def _stage_differs(old: Opened, new: Opened, path: str, pair: Pair, left: Ints) -> Mask:
    """For which of the rows `left` an output of a stage differs."""
    import numpy as np

    found = np.zeros(len(left), dtype=bool)
    ports = [port for port in old.stage(path)["ports"] if port in new.stage(path)["ports"]]
    for port in ports:
        one, other = old.value(path, port), new.value(path, port)
        rows = rows_of(one), rows_of(other)
        if rows[0] is None or rows[1] is None:
            continue
        if (rows[0].data.key, rows[1].data.key) != (pair.sets[0].key, pair.sets[1].key):
            continue
        if type(one) is not type(other):
            return np.ones(len(left), dtype=bool)
        found |= _differs(one, other, pair, left)
    return found


def _differs(one: Any, other: Any, pair: Pair, left: Ints) -> Mask:
    """For which rows two values of one type differ."""
    import numpy as np

    spots = [
        _spots(value if isinstance(value, Rows) else value.rows, places[left])
        for value, places in zip((one, other), pair.places, strict=True)
    ]
    (first, many), (second, times) = spots
    found: Mask = many != times
    both = np.flatnonzero((first >= 0) & (second >= 0))
    for start in range(0, len(both), BLOCK):
        part = both[start : start + BLOCK]
        found[part] |= _unequal(one, other, first[part], second[part])
    return found


def _spots(rows: Rows[Any], at: Ints) -> tuple[Ints, Ints]:
    """Where in a value rows stand, the last time, and how often; -1 and 0 for nowhere."""
    import numpy as np

    return standing(rows)[at], np.bincount(rows.positions, minlength=len(rows.data))[at]


def _unequal(one: Any, other: Any, first: Ints, second: Ints) -> Mask:
    """For which rows, given by where they stand in each value, what is said of them differs."""
    import numpy as np

    if isinstance(one, Scores):
        if one.columns != other.columns or one.values.ndim != other.values.ndim:
            return _rows_differ(one.best()[first], other.best()[second])
        return _rows_differ(one.values[first], other.values[second])
    if isinstance(one, Vectors):
        return _rows_differ(one.matrix[first], other.matrix[second])
    if isinstance(one, Clusters):
        return _apart(_names(one.labels[first], one.names), _names(other.labels[second], other.names))
    if isinstance(one, Labels):
        return _apart(_names(one.codes[first], one.values), _names(other.codes[second], other.values))
    if isinstance(one, Replies):
        return _apart(one.rows.take(first).responses(), other.rows.take(second).responses())
    return np.zeros(len(first), dtype=bool)


def _names(codes: NDArray[Any], names: list[str] | None) -> list[str | None]:
    """The names of codes: two values may number theirs differently."""
    return [str(code) if names is None else names[code] if code >= 0 else None for code in codes.tolist()]


def _apart(one: Sequence[Any], other: Sequence[Any]) -> Mask:
    import numpy as np

    found: Mask = np.array([old != new for old, new in zip(one, other, strict=True)], dtype=bool)
    return found


def _rows_differ(one: NDArray[Any], other: NDArray[Any]) -> Mask:
    import numpy as np

    if one.shape != other.shape:
        return np.ones(len(one), dtype=bool)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    found: Mask = np.logical_not(same.reshape(len(one), -1).all(axis=1))
    return found
