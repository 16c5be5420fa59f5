"""Shards: consecutive rows of a value, which a class maps one after another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from selectlang.errors import MethodError
from selectlang.ports import Clusters, Labels, Replies, Scores, Vectors
from selectlang.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def sliced(value: Any, start: int, stop: int) -> Any:
    """The part of a value about rows `start` to `stop`."""
    import numpy as np

    index = np.arange(start, stop)
    if isinstance(value, Rows):
        return value.take(index)
    if isinstance(value, Vectors):
        return Vectors(value.rows.take(index), value.matrix[start:stop])
    if isinstance(value, Scores):
        return _scores(value, value.rows.take(index), slice(start, stop))
    if isinstance(value, Labels):
        why = {name: array[start:stop] for name, array in value.why.items()}
        return replace(value, rows=value.rows.take(index), codes=value.codes[start:stop], why=why)
    if isinstance(value, Replies):
        return Replies(value.rows.take(index))
    if isinstance(value, Clusters):
        distances = None if value.distances is None else value.distances[start:stop]
        labels = value.labels[start:stop]
        return Clusters(value.rows.take(index), labels, value.k, distances, value.centers, value.names)
    name = type(value).__name__
    raise MethodError(f"a class cannot map {name}; take Rows, Vectors, Scores, Clusters, Labels or Replies")


def by_length(rows: Rows[Any]) -> NDArray[np.int64]:
    """Rows of like length side by side, so that a batch has little padding."""
    import numpy as np

    return np.argsort(rows.lengths(), kind="stable")


def matched(value: Any, rows: Rows[Any]) -> Any:
    """A value about a batch, which may say in another order what it says, in the order of the batch."""
    import numpy as np

    have, want = value.rows.positions, rows.positions
    if np.array_equal(have, want):
        return value
    given, due = np.argsort(have, kind="stable"), np.argsort(want, kind="stable")
    if not np.array_equal(have[given], want[due]):
        name = type(value).__name__
        raise MethodError(f"returned {name} about other rows than those of its batch; give each row, once")
    order = np.empty(len(want), dtype=np.int64)
    order[given] = due
    return restored(value, rows, order)


def restored(value: Any, rows: Rows[Any], order: NDArray[np.int64]) -> Any:
    """A value about rows in `order`, as a value about the rows in their own order."""
    import numpy as np

    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    if isinstance(value, Vectors):
        return Vectors(rows, value.matrix[back])
    if isinstance(value, Scores):
        return _scores(value, rows, back)
    if isinstance(value, Labels):
        why = {name: array[back] for name, array in value.why.items()}
        return replace(value, rows=rows, codes=value.codes[back], why=why)
    return Replies(value.rows.take(back))


def _scores(value: Scores[Any], rows: Rows[Any], index: slice | NDArray[np.int64]) -> Scores[Any]:
    nearest = None if value.nearest is None else value.nearest[index]
    return Scores(rows, value.values[index], value.columns, nearest, value.nearest_ids)
