"""The most similar target of each row: exact to fp32, found by a cheaper product.

A screen computes all similarities with a known bound on their error. Only the pairs that may be the largest
of their row and column are computed again, each by itself: so the numbers depend neither on the precision
of the screen nor on where a row stands in a block, and equal rows have equal numbers.
"""

from __future__ import annotations

import sys
import time
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]
    Line = Callable[[NDArray[Any]], NDArray[Any]]
    Screened = tuple[NDArray[Any], Line]
    Screen = Callable[[Matrix], Screened]

LARGE = 3 * 10**11  # products of a whole run from which on it pays to load torch, which takes seconds
LARGEST = 0x4100  # above all similarities: as a number in fp32, and as the bits of 8.0 in bf16
MOST = 1 / 64  # of all pairs that a screen may leave; above that, a more exact one is cheaper


class Best:
    """Finds the largest similarity of each row to the targets of each column.

    `targets` are unit vectors (targets, dimension), those of column `i` from `bounds[i]` to `bounds[i + 1]`.
    `rows` is how many rows there will be, which decides how to go about it, and nothing else.
    """

    def __init__(self, targets: Matrix, bounds: NDArray[np.int64], rows: int) -> None:
        import numpy as np

        self.width = len(bounds) - 1
        column = np.repeat(np.arange(self.width), np.diff(bounds))
        kept = _first_of_equals(targets, column)
        self.index, self.column = kept, column[kept]
        self.targets = np.ascontiguousarray(targets[kept])
        starts = np.searchsorted(self.column, np.arange(self.width + 1))
        self.parts = [(i, low, high) for i, (low, high) in enumerate(pairwise(starts)) if high > low]
        self.slack = targets.shape[1] * 2.0**-24  # of sums in fp32, of both the screen and the pairs
        self.screens: list[Screen] = [self._fp32]
        if rows * targets.size > LARGE and _bf16_pays():
            self.screens.insert(0, self._bf16())

    def __call__(self, block: Matrix) -> tuple[Matrix, NDArray[np.int32]]:
        """For unit (or zero) rows, the largest similarity by column and the target that has it.

        Both have shape (rows, columns); NaN and -1 for a column without targets.
        """
        import numpy as np

        values = np.full((len(block), self.width), np.nan, np.float32)
        found = np.full((len(block), self.width), -1, np.int32)
        if not len(block) or not self.parts:
            return values, found
        row, target = self._pairs(block)
        exact = _products(block, row, self.targets, target)
        place = row * self.width + self.column[target]
        starts = np.flatnonzero(np.diff(place, prepend=-1))
        best = np.maximum.reduceat(exact, starts)
        values.ravel()[place[starts]] = best
        first = np.flatnonzero(exact == np.repeat(best, np.diff(starts, append=len(place))))[::-1]
        found.ravel()[place[first]] = self.index[target[first]]  # of equals, the first is written last
        return values, found

    def _pairs(self, block: Matrix) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows and targets that may be a largest similarity, by row, then by target."""
        import numpy as np

        near = np.empty((len(self.targets), len(block)), bool)
        zero = np.flatnonzero(~block[:, :1].any(axis=1))
        zero = zero[~block[zero].any(axis=1)]
        for screen in self.screens:
            similar, line = screen(block)
            for _, low, high in self.parts:
                similar[low, zero] = LARGEST  # all are equally near: one is enough
                part = similar[low:high]
                np.greater_equal(part, line(part.max(axis=0)), out=near[low:high])
            if np.count_nonzero(near) <= MOST * near.size:
                break
        target, row = np.divmod(np.flatnonzero(near), len(block))
        order = np.argsort(
            row.astype(np.min_scalar_type(len(block))), kind="stable"
        )  # sorts short ones sooner
        return row[order], target[order]

    def _fp32(self, block: Matrix) -> Screened:
        """Similarities, shape (targets, rows), and how low those may be that are as large as the largest."""
        return self.targets @ block.T, lambda best: best - 2 * self.slack

    def _bf16(self) -> Screen:
        """As `_fp32`, in bf16. Its numbers stay bits, for as int16 those above zero have the same order."""
        import numpy as np
        import torch

        exact = torch.from_numpy(self.targets)
        targets = exact.bfloat16()
        lost = float(torch.linalg.vector_norm(exact - targets, dim=1).max())
        most = 1.01 * 2.0**-9  # what rounding takes of a number, and so of a unit vector; and a little
        error = 1.01 * (most + (1 + most) * lost + self.slack)  # by the triangle inequality

        def line(best: NDArray[np.int16]) -> NDArray[np.int16]:
            similar = (best.astype(np.int32) << 16).view(np.float32)
            lowest = similar * (1 - 2 * most) - 2 * error
            codes = (lowest.view(np.int32) >> 16).astype(np.int16)
            return np.where(lowest > 0, codes, np.iinfo(np.int16).min)

        def screen(block: Matrix) -> Screened:
            rounded = torch.from_numpy(block).bfloat16()
            return (targets @ rounded.T).view(torch.int16).numpy(), line

        return screen


def _first_of_equals(targets: Matrix, column: NDArray[np.int64]) -> NDArray[np.int64]:
    """The index of the first of equal targets in each column, ascending."""
    import numpy as np

    first: dict[tuple[int, bytes], int] = {}
    for i, name in enumerate(column.tolist()):
        first.setdefault((name, targets[i].tobytes()), i)
    return np.array(list(first.values()), np.int64)


def _products(a: Matrix, i: NDArray[np.int64], b: Matrix, j: NDArray[np.int64]) -> NDArray[np.float32]:
    """The inner products of rows `i` of `a` with rows `j` of `b`, each computed alike wherever it stands."""
    import faiss
    import numpy as np

    found = np.empty(len(i), np.float32)
    i, j = np.ascontiguousarray(i, np.int64), np.ascontiguousarray(j, np.int64)
    pointers = [faiss.swig_ptr(array) for array in (a, i, b, j, found)]
    faiss.pairwise_indexed_inner_product(a.shape[1], len(i), *pointers)  # type: ignore[attr-defined]
    return found


@cache
def _bf16_pays() -> bool:
    """Whether a product in bf16 takes less than two thirds of one in fp32 on this processor."""
    if "torch" not in sys.modules and find_spec("torch") is None:
        return False
    import torch

    took = {}
    for kind in (torch.float32, torch.bfloat16):
        a = torch.ones(1024, 1024, dtype=kind)
        seconds = []
        for _ in range(4):
            started = time.perf_counter()
            a @ a
            seconds.append(time.perf_counter() - started)
        took[kind] = min(seconds)
    return 3 * took[torch.bfloat16] < 2 * took[torch.float32]
