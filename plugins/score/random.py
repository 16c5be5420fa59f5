"""A random number for every row."""

from __future__ import annotations

import selectlang as sl


@sl.score
def random_(rows: sl.Rows[sl.P], *, seed: int) -> sl.Scores[sl.P]:
    """Score each row by a uniform draw from 0 to 1 that follows from its id and the seed alone."""
    return sl.Scores(rows, rows.draws(seed))
