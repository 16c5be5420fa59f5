"""The same number for every row."""

from __future__ import annotations

import selectlang as sl


@sl.score
def constant(rows: sl.Rows[sl.P], *, value: float = 1.0) -> sl.Scores[sl.P]:
    """Give every row the same score: a stand-in, or a control, where scores are wanted.

    Settings:
        value: the score
    """
    import numpy as np

    return sl.Scores(rows, np.full(len(rows), value, dtype=np.float64))
