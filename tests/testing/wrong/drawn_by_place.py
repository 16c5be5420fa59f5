"""Draws by the seed, but not by the rows."""

import selectlang as sl

FOUND = ("row_order", "every entry stayed in its place")


@sl.score
def wrong(rows: sl.Rows, *, seed: int) -> sl.Scores:
    """Wrong."""
    import numpy as np

    return np.random.default_rng(seed).random(len(rows))
