"""The order of ranks, which budgets by scores share.

Missing scores rank last, together with those that are infinitely bad. Ties go by a draw from id and seed,
or by the order of the data set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import selectlang as sl

from .._align import aligned, lookup
from ._common import Choice, Eligible

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

Ties = Literal["seed", "order"]
SMALL = 1024  # clusters of no more rows are sorted whole, and together: one by one they would take longer


def tie_keys(rows: sl.Rows[sl.P], ties: Ties, seed: int) -> NDArray[Any]:
    """One number a row; of rows with equal scores the one with the lowest goes first."""
    return rows.positions if ties == "order" else rows.draws(seed)


def costs(values: NDArray[np.floating[Any]], upwards: bool = False) -> NDArray[np.floating[Any]]:
    """Scores as numbers to rank upwards: infinite where missing."""
    import numpy as np

    return np.where(np.isnan(values), np.inf, values if upwards else -values)


def lowest(keys: list[NDArray[Any]], count: int) -> Index:
    """The index of the `count` lowest, in order, by the first key, then the next; no full sort if few."""
    import numpy as np

    total = len(keys[0])
    found = np.arange(total, dtype=np.int64)
    if count <= 0:
        return found[:0]
    if count < total:
        kept, missing = [], count
        for key in keys:
            part = key[found]
            edge = np.partition(part, missing - 1)[missing - 1]
            kept.append(found[part < edge])
            missing -= len(kept[-1])
            found = found[part == edge]
        found = np.concatenate([*kept, found[:missing]])
    order = np.lexsort([key[found] for key in reversed(keys)])
    return found[order][:count]


class Clustered:
    """The rows of every cluster in order, large clusters no further than rows of them are asked for.

    `labels` are the clusters of the rows, `room` is the number of rows of each; `keys` as in `lowest`,
    without NaN.
    """

    def __init__(self, labels: NDArray[np.integer[Any]], room: Index, keys: list[NDArray[Any]]) -> None:
        import numpy as np

        small = room <= SMALL
        few, many = np.flatnonzero(small[labels]), np.flatnonzero(~small[labels])
        few = few[np.lexsort([key[few] for key in (*reversed(keys), labels)])]
        # Whole numbers of 16 bits are sorted without being compared.
        many = many[np.argsort(labels[many].astype(np.min_scalar_type(len(room))), kind="stable")]
        self._index = np.empty(len(labels), np.int64)  # cluster by cluster
        self._index[np.repeat(small, room)], self._index[np.repeat(~small, room)] = few, many
        self._keys, self._starts = keys, np.cumsum(room) - room
        self._room, self._sorted = room, np.where(small, room, 0)

    def lowest(self, counts: Index) -> Index:
        """The index of the lowest counts[j] rows of every cluster j, cluster by cluster, each in order."""
        import numpy as np

        for j in np.flatnonzero(counts > self._sorted).tolist():
            self._sort(j, int(max(counts[j], min(2 * self._sorted[j], self._room[j]))))
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        found: Index = self._index[np.repeat(self._starts, counts) + offsets]
        return found

    def _sort(self, j: int, count: int) -> None:
        """Bring the lowest `count` rows of a cluster to its front."""
        import numpy as np

        start, end = self._starts[j] + self._sorted[j], self._starts[j] + self._room[j]
        part = self._index[start:end]
        first = lowest([key[part] for key in self._keys], count - int(self._sorted[j]))
        others = np.ones(len(part), bool)
        others[first] = False
        self._index[start:end] = np.concatenate([part[first], part[others]])
        self._sorted[j] = count


def by_score(
    pool: Eligible[sl.P],
    scores: sl.Scores[sl.P],
    size: sl.Amount,
    ties: Ties,
    seed: int,
    *,
    start: int = 0,
    upwards: bool = False,
) -> Choice[sl.P]:
    """The highest scores from rank `start` on, or the lowest for `upwards`."""
    values = aligned(scores.best(), scores.rows, pool.rows)
    keys = [costs(values, upwards), tie_keys(pool.rows, ties, seed)]
    index, notes = pool.choose(lambda n: lowest(keys, start + n)[start:], size)
    return pool.choice(index, values[index], reasons(scores, pool.rows.take(index)), notes)


def reasons(
    scores: sl.Scores[sl.P], rows: sl.Rows[sl.P], column: Index | None = None
) -> dict[str, NDArray[Any]]:
    """The group and the target that the number of each row came from, where scores know them.

    `column` is the column of each row's number; without it, that of its largest.
    """
    import numpy as np

    why: dict[str, NDArray[Any]] = {}
    if len(rows) == 0 or scores.values.size == 0:
        return why
    place = lookup(scores.rows, rows)
    if scores.values.ndim == 1:
        at: tuple[Index, ...] = (place,)
        known = (place >= 0) & ~np.isnan(scores.values[place])
    else:
        if column is None:
            column = scores.best_column()[place]
        at = (place, column)
        known = (place >= 0) & ~np.isnan(scores.values[at])
        if scores.columns is not None:
            why["group"] = np.where(known, np.array(scores.columns)[column], "")
    if scores.nearest is not None and scores.nearest_ids:
        target = scores.nearest[at]
        why["target"] = np.where(known & (target >= 0), np.array(scores.nearest_ids)[target], "")
    return why
