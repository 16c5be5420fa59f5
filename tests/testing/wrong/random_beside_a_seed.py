"""A seed is taken, and another random state used."""

import selectlang as sl

FOUND = ("repeats", "the same inputs give")
OPTIONS = {"settings": {"size": 5}}


@sl.budget
def wrong(rows: sl.Rows, *, size: sl.Amount, seed: int) -> sl.Selection:
    """Wrong.

    Settings:
        size: how many rows
    """
    import numpy as np

    first = rows.draws(seed) < 0.5
    drawn = np.random.default_rng().permutation(np.flatnonzero(first))
    return rows.take(drawn[: size.count(len(rows))])
