"""The largest of scores."""

from __future__ import annotations

import selectlang as sl

from .._align import aligned, together


@sl.merge
def maximum(scores: list[sl.Scores[sl.P]]) -> sl.Scores[sl.P]:
    """Take the largest known of the scores about a row, over all inputs and their columns.

    A missing score drops out; a row is missing when it has none. The result speaks about every row that an
    input speaks about. Scores of different scales are not made alike: `rank_mean` does that.
    """
    import numpy as np

    rows = together([part.rows for part in scores])
    values = np.full(len(rows), np.nan)
    for part in scores:
        values = np.fmax(values, aligned(part.best(), part.rows, rows))
    return sl.Scores(rows, values)
