"""The product of scores."""

from __future__ import annotations

import selectlang as sl

from .._align import aligned, together


@sl.merge
def product(scores: list[sl.Scores[sl.P]]) -> sl.Scores[sl.P]:
    """Multiply scores about the same rows, such as quality and complexity (Deita, arXiv 2312.15685).

    Scores with several columns count as their largest. A row that misses a factor has a missing score.
    The result speaks about every row that an input speaks about. Mind that two negative scores make a
    positive one.
    """
    import numpy as np

    rows = together([part.rows for part in scores])
    values = np.ones(len(rows))
    for part in scores:
        values *= aligned(part.best(), part.rows, rows)
    return sl.Scores(rows, values)
