"""Rows drawn uniformly, or equally over the values of a field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import selectlang as sl

from ..cluster.by_field import by_field
from ._common import Choice, eligible
from ._ranks import lowest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@sl.budget
def random_(
    rows: sl.Rows[sl.P],
    within: sl.Selection[sl.P] | None = None,
    skip: sl.Selection[sl.P] | None = None,
    *,
    size: sl.Amount,
    balanced_by: str | None = None,
    seed: int,
) -> Choice[sl.P]:
    """Choose rows at random, each at most once.

    Balanced, the values of a field take turns, in the order of their names: each gives as many rows as the
    others until it has no more, and the others share the rest (RDS+, arXiv 2503.01807, section 4). The
    rows of each value are shuffled by the seed; the paper's code takes them in the order of the file.
    With `within`, the rows that are in both are eligible. `left` counts the eligible rows not chosen.

    Settings:
        size: rows, a share of the rows before `skip`, or tokens
        balanced_by: the field whose values get equal counts
    """
    import numpy as np

    pool = eligible(rows, within, skip, strict=True)
    draws = pool.rows.draws(seed)
    groups = None if balanced_by is None else by_field(pool.rows, field=balanced_by)
    keys: list[NDArray[Any]] = [draws] if groups is None else [_turns(groups, draws), groups.labels]
    index, notes = pool.choose(lambda n: lowest(keys, n), size)
    why: dict[str, NDArray[Any]] = {"draw": draws[index]}
    if groups is not None:
        why["group"] = np.array(groups.names, dtype=np.str_)[groups.labels[index]]
    return pool.choice(index, None, why, notes)


def _turns(groups: sl.Clusters[sl.P], draws: NDArray[np.float64]) -> NDArray[np.int64]:
    """The turn in which each row is drawn from its group."""
    import numpy as np

    sizes = np.bincount(groups.labels, minlength=groups.k)
    turn = np.empty(len(draws), dtype=np.int64)
    turn[np.lexsort((draws, groups.labels))] = np.arange(len(draws)) - np.repeat(
        np.cumsum(sizes) - sizes, sizes
    )
    return turn
