"""score: nearest"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import selectlang as sl

from .._vectors import block, on_each_core
from ._best import Best

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CELLS = 2**20  # numbers of a block of vectors, or of their similarities, held at once


@sl.score
class nearest:  # noqa: N801 - the name of the method
    """Cosine similarity of each row of the pool to targets, -1 to 1 (RDS+, arXiv:2503.01807, section 3).

    One number a row, or a column for each group of the targets (sorted by name) or for each target; `nearest`
    says which target gave the largest. A zero vector has similarity 0 to everything. Where there is no
    target, as in a first round with an empty `among`, the number is missing. When pool and targets are the
    same vectors, a row is its own nearest target. Numbers are fp32. Those of `max` are the same wherever a
    row stands; means, and those for each row of the targets, may differ in the last digit (about 1e-7)
    between equal rows, as products do by their place in a block. Columns are kept in a file, 4 bytes a
    number, and 4 more for the target: one column at a time is in memory, or one block of rows.

    Settings:
        per: all targets together, each group of them, or each row of them
        reduce: max, the similarity to the nearest target, or mean, over the targets of a column
    """

    shard_rows = 65536

    def __init__(
        self,
        targets: sl.Vectors[sl.Q],
        among: sl.Selection[sl.Q] | None = None,
        *,
        per: Literal["all", "group", "row"] = "all",
        reduce: Literal["max", "mean"] = "max",
    ) -> None:
        import numpy as np

        used = np.arange(len(targets.rows))
        if among is not None:
            used = used[_members(targets, among)]
        self.columns: list[str] | None = None
        if per == "all":
            parts = [used]
        elif per == "group":
            groups = np.array(targets.rows.groups(), dtype=object)
            self.columns = sorted(set(groups.tolist()))
            parts = [used[groups[used] == name] for name in self.columns]
        else:
            self.columns = targets.rows.take(used).ids()
            parts = list(used[:, None])
        self.dimension = targets.matrix.shape[1]
        order = np.concatenate(parts) if parts else used[:0]
        self.targets = block(targets, order, scaled=True)
        self.bounds = np.cumsum([0, *map(len, parts)])
        self.ids = targets.rows.take(order).ids() if reduce == "max" and per != "row" else None
        self.best: Best | None = None
        if self.ids is None:
            self.targets = self._means()

    def _means(self) -> NDArray[np.float32]:
        """One vector a column, whose product with a unit vector is the mean of its similarities; else NaN."""
        import numpy as np

        means = np.full((len(self.bounds) - 1, self.dimension), np.nan, np.float32)
        for column, (low, high) in enumerate(zip(self.bounds, self.bounds[1:], strict=False)):
            if high > low:
                means[column] = self.targets[low:high].mean(axis=0)
        return means

    def __call__(self, pool: sl.Vectors[sl.P]) -> sl.Scores[sl.P]:
        """One shard of the pool."""
        import numpy as np

        rows, dimension = pool.matrix.shape
        if dimension != self.dimension:
            raise sl.DataError(
                f"nearest compares vectors of one length, but those of the pool have {dimension} numbers and "
                f"those of the targets {self.dimension}; embed both with the same method, model and settings."
            )
        if self.ids is not None and self.best is None:
            self.best = Best(self.targets, self.bounds, len(pool.rows.data))
        values = np.empty((rows, len(self.bounds) - 1), np.float32)
        found = np.empty(values.shape, np.int32)
        step = max(1, CELLS // max(1, len(self.targets), dimension))

        def compare(start: int) -> None:
            here = slice(start, start + step)
            points = block(pool, here, scaled=True)
            if self.best is None:
                values[here] = points @ self.targets.T
            else:
                values[here], found[here] = self.best(points)

        on_each_core(compare, range(0, rows, step))
        np.clip(values, -1, 1, out=values)
        if self.columns is None:
            values, found = values[:, 0], found[:, 0]
        known = None if self.ids is None else found
        return sl.Scores(pool.rows, values, self.columns, known, self.ids)


def _members(targets: sl.Vectors[Any], among: sl.Selection[Any]) -> NDArray[np.bool_]:
    """Which targets are among the chosen rows; a DataError when a chosen row has no vector."""
    import numpy as np

    have, want = targets.rows.positions, among.rows.positions
    lacking = np.setdiff1d(want, have)
    if len(lacking):
        raise sl.DataError(
            f"{len(lacking)} rows that nearest should compare with are not among the {len(have)} rows whose "
            "vectors it was given; embed those rows too."
        )
    return np.isin(have, want)
