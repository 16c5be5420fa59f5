"""Joining what came of the shards of a value, in files where it may not fit into memory."""

from __future__ import annotations

import math
import os
import reprlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.errors import MethodError
from selectlang.ports import Labels, Replies, Scores, Vectors
from selectlang.rows import Rows
from selectlang.store.entry import FULL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def joined(kind: type[Any] | None, rows: Rows[Any], parts: Iterable[Any], folder: Path) -> Any:
    """The values of consecutive parts of `rows` as one value about all of them.

    Parts are taken one at a time, for each may hold a file open. What has many numbers for a row is joined
    in .npy files of `folder`, for it may not fit into memory; an entry that is written there takes them over.
    """
    if kind is Vectors:
        return Vectors(rows, _matrix(len(rows), parts, folder))
    if kind is Scores:
        return _joined_scores(rows, parts, folder)
    if kind is Replies:
        replies = [reply for part in parts for reply in part.rows.replies or ()]
        return Replies(Rows(rows.data, rows.positions, replies))
    if kind is Labels:
        return _joined_labels(rows, parts)
    raise MethodError(f"a class cannot give {kind.__name__ if kind else 'T'}")


def _joined_scores(rows: Rows[Any], parts: Iterable[Scores[Any]], folder: Path) -> Scores[Any]:
    import numpy as np

    first, start = Scores(rows, np.empty(0)), 0
    values: NDArray[Any] = first.values
    nearest: NDArray[Any] | None = None
    for part in parts:
        if start == 0:
            first, values = part, _empty(len(rows), part.values, folder / "values.npy")
            if part.nearest is not None:
                nearest = _empty(len(rows), part.nearest, folder / "nearest.npy")
        _check_alike(part, first)
        here = slice(start, start + len(part.rows))
        values = _put(values, here, part.values)
        if nearest is not None and part.nearest is not None:
            nearest = _put(nearest, here, part.nearest)
        start = here.stop
    return Scores(rows, values, first.columns, nearest, first.nearest_ids)


def _check_alike(part: Scores[Any], first: Scores[Any]) -> None:
    """A MethodError when scores cannot be joined with those of the first shard."""
    if (part.columns, part.values.shape[1:]) != (first.columns, first.values.shape[1:]):
        seen = [f"{one.values.shape} with columns {reprlib.repr(one.columns)}" for one in (part, first)]
        raise MethodError(f"returned scores of shape {seen[0]} after scores of shape {seen[1]}")
    if (part.nearest is None, part.nearest_ids) != (first.nearest is None, first.nearest_ids):
        raise MethodError("returned scores whose nearest_ids differ from those of a batch before")


def _empty(rows: int, like: NDArray[Any], path: Path) -> NDArray[Any]:
    """An array of so many rows; column by column in a file where there are several, as budgets read them."""
    import numpy as np

    shape = (rows, *like.shape[1:])
    return np.empty(shape, like.dtype) if like.ndim == 1 else _mapped(path, shape, like.dtype, by_column=True)


def _put(array: NDArray[Any], here: slice, part: NDArray[Any]) -> NDArray[Any]:
    """Write a part into an array, which gives way to another where its type has no room for the numbers."""
    import numpy as np

    kind = np.promote_types(array.dtype, part.dtype)
    if kind != array.dtype and isinstance(array, np.memmap):
        old = Path(str(array.filename))
        narrow, array = array, _mapped(old.with_name(f"{kind} {old.name}"), array.shape, kind, by_column=True)
        array[:] = narrow
        old.unlink()
    array = array.astype(kind, copy=False)
    array[here] = part
    return array


def _mapped(path: Path, shape: tuple[int, ...], dtype: Any, *, by_column: bool = False) -> NDArray[Any]:
    """An array in a file; an OSError when there is no room for all of it."""
    import numpy as np

    if not math.prod(shape):
        return np.empty(shape, dtype)
    array: NDArray[Any] = np.lib.format.open_memmap(path, "w+", dtype, shape, fortran_order=by_column)
    if hasattr(os, "posix_fallocate"):  # a disk that is full when a page is written would end the process
        with open(path, "r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            except OSError as error:
                if error.errno in FULL:  # others are of file systems that cannot set room aside
                    raise
    return array


def _joined_labels(rows: Rows[Any], parts: Iterable[Labels[Any]]) -> Labels[Any]:
    import numpy as np

    read = [_in_memory(part) for part in parts]
    verdicts = sorted({verdict for part in read for verdict in part.values})
    if len(verdicts) > 128:  # codes are int8
        raise MethodError(f"returned {len(verdicts)} different verdicts, expected at most 128")
    if any(part.why.keys() != read[0].why.keys() for part in read):
        raise MethodError("returned labels whose why has other names than those of a batch before")
    codes = [
        np.array([*map(verdicts.index, part.values), -1], dtype=np.int8)[part.codes] for part in read
    ]  # the -1 at the end is what code -1, no verdict, becomes
    why = {name: np.concatenate([part.why[name] for part in read]) for name in read[0].why}
    return Labels(rows, np.concatenate(codes), verdicts, why, all(part.complete for part in read))


def _in_memory(part: Labels[Any]) -> Labels[Any]:
    import numpy as np

    why = {name: np.array(array) for name, array in part.why.items()}
    return replace(part, codes=np.array(part.codes), why=why)


def _matrix(rows: int, parts: Iterable[Vectors[Any]], folder: Path) -> NDArray[np.float32]:
    import numpy as np

    matrix, start = np.empty((0, 0), dtype=np.float32), 0
    for part in parts:
        count, width = part.matrix.shape
        if start == 0:
            matrix = _mapped(folder / "matrix.npy", (rows, width), np.float32)
        elif width != matrix.shape[1]:
            raise MethodError(f"returned vectors of {width} numbers after vectors of {matrix.shape[1]}")
        matrix[start : start + count] = part.matrix
        start += count
    return matrix
