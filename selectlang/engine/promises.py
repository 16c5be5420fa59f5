"""Whether a value that a method made holds what its type promises. What does not is refused, never stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.engine.handles import rows_of
from selectlang.ports import Clusters, Labels, Model, Replies, Scores, Selection, Vectors, Weights
from selectlang.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 8192  # rows whose vectors are checked at a time
WHOLE, NUMBERS, ANY = "i", "fiub", "fiubU"  # kinds of arrays, as numpy names them
WORDS = {WHOLE: "whole numbers with a sign", NUMBERS: "numbers", ANY: "numbers or texts"}


def check(value: Any, about: Rows[Any] | None) -> None:
    """A TypeError or ValueError says what is wrong with a value; `about` are rows of its data set."""
    if isinstance(value, Weights):
        _weights(value)
    elif isinstance(value, Model) and not (isinstance(value.path, Path) and value.path.is_dir()):
        raise ValueError(f"{value.path} is no folder")
    rows = rows_of(value)
    if rows is None:
        return
    _rows(rows, about)
    count = len(rows)
    if isinstance(value, Vectors):
        _array("matrix", value.matrix, NUMBERS, count, None)
        _finite(value)
    elif isinstance(value, Clusters):
        _clusters(value, count)
    elif isinstance(value, Scores):
        _scores(value, count)
    elif isinstance(value, Labels):
        _texts("values", value.values)
        _array("codes", value.codes, WHOLE, count)
        _range("codes", value.codes, -1, len(value.values) - 1)
        _why(value.why, count)
    elif isinstance(value, Selection):
        if value.scores is not None:
            _array("scores", value.scores, NUMBERS, count)
        _why(value.why, count)
        _texts("notes", value.notes)
    elif isinstance(value, Replies) and rows.replies is None:
        raise ValueError("its rows have no replies")


def _rows(rows: Any, about: Rows[Any] | None) -> None:
    if not isinstance(rows, Rows):
        raise TypeError(f"rows is of type {type(rows).__name__}, expected Rows")
    if about is not None and rows.data.key != about.data.key:
        raise ValueError("its rows are of another data set than those of the input")
    if not rows.whole:
        _array("positions", rows.positions, WHOLE, None)
        _range("positions", rows.positions, 0, len(rows.data) - 1)
    if rows.replies is not None:
        _texts("replies", list(rows.replies), len(rows))


def _clusters(value: Clusters[Any], count: int) -> None:
    _array("labels", value.labels, WHOLE, count)
    _range("labels", value.labels, 0, value.k - 1)
    if value.distances is not None:
        _array("distances", value.distances, NUMBERS, count)
    if value.centers is not None:
        _array("centers", value.centers, NUMBERS, value.k, None)
    if value.names is not None:
        _texts("names", value.names, value.k)


def _scores(value: Scores[Any], count: int) -> None:
    shape = (count,) if getattr(value.values, "ndim", 1) == 1 else (count, None)
    _array("values", value.values, NUMBERS, *shape)
    if value.columns is not None:
        width = value.values.shape[1] if value.values.ndim == 2 else 0
        _texts("columns", value.columns, width)
    if value.nearest is not None:
        _array("nearest", value.nearest, WHOLE, *value.values.shape)
        if value.nearest_ids is not None:
            _texts("nearest_ids", value.nearest_ids)
            _range("nearest", value.nearest, -1, len(value.nearest_ids) - 1)


def _weights(value: Weights[Any]) -> None:
    _array("values", value.values, NUMBERS, None)
    least, total = float(value.values.min(initial=1)), float(value.values.sum())
    if not (least >= 0 and abs(total - 1) < 1e-6):
        found = f"the least weight is {least:g}, their sum is {total:g}"
        raise ValueError(f"{found}; expected at least 0, and 1")


def _why(why: Any, count: int) -> None:
    if not isinstance(why, dict):
        raise TypeError(f"why is of type {type(why).__name__}, expected a dict")
    _texts("the names of why", list(why))
    for name, array in why.items():
        _array(f"why[{name!r}]", array, ANY, count)


def _array(name: str, array: Any, kinds: str, *shape: int | None) -> None:
    """An array of one of these kinds and of this shape; None stands for any length."""
    import numpy as np

    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} is of type {type(array).__name__}, expected an array of numpy")
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name} holds {array.dtype}, expected {WORDS[kinds]}")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        raise TypeError(f"{name} holds {array.dtype}, expected numbers of at most 64 bits")
    lengths = zip(array.shape, shape, strict=False)
    if array.ndim != len(shape) or any(want not in (None, have) for have, want in lengths):
        expected = ", ".join("any" if want is None else str(want) for want in shape)
        comma = "," if len(shape) == 1 else ""
        raise ValueError(f"{name} has shape {array.shape}, expected ({expected}{comma})")


def _range(name: str, array: NDArray[Any], low: int, high: int) -> None:
    if array.size and not (low <= array.min() and array.max() <= high):
        found = f"{name} go from {array.min():,} to {array.max():,}"
        raise ValueError(f"{found}, expected {low} to {high:,}")


def _texts(name: str, found: Any, count: int | None = None) -> None:
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise TypeError(f"{name} must be a list of texts")
    if count is not None and len(found) != count:
        raise ValueError(f"{name} has {len(found):,} entries, expected {count:,}")


def _finite(vectors: Vectors[Any]) -> None:
    import numpy as np

    for start in range(0, len(vectors.rows), BLOCK):
        bad = np.flatnonzero(~np.isfinite(vectors.matrix[start : start + BLOCK]).all(axis=1))
        if len(bad):
            name = vectors.rows.take(bad[:1] + start).ids()[0]
            raise ValueError(f"the vector of row {name!r} is not finite")
