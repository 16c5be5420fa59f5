"""The mean of ranks."""

from __future__ import annotations

import selectlang as sl

from .._align import aligned, together


@sl.merge
def rank_mean(scores: list[sl.Scores[sl.P]]) -> sl.Scores[sl.P]:
    """Average the ranks of scores about the same rows, for scores of different scales.

    A rank runs from 0 for the lowest to 1 for the highest score of a column; equal scores share the mean
    of their ranks, and a single score has rank 0.5. Every column of every input counts the same. A
    missing score drops out. The result speaks about every row that an input speaks about.
    """
    import numpy as np
    from scipy.stats import rankdata

    rows = together([part.rows for part in scores])
    total, known = np.zeros(len(rows)), np.zeros(len(rows))
    for part in scores:
        for column in np.atleast_2d(part.values.T):
            values = aligned(column, part.rows, rows)
            has = ~np.isnan(values)
            count = int(has.sum())
            total[has] += (rankdata(values[has]) - 1) / (count - 1) if count > 1 else 0.5
            known += has
    return sl.Scores(rows, np.divide(total, known, out=np.full(len(rows), np.nan), where=known > 0))
