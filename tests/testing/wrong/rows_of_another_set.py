"""Scores about the targets, where those about the pool are promised."""

import selectlang as sl

FOUND = ("runs", "of another data set")


@sl.classify
def wrong(rows: sl.Rows[sl.P], targets: sl.Rows[sl.Q]) -> sl.Scores[sl.P]:
    """Wrong."""
    import numpy as np

    return sl.Scores(targets, np.ones(len(targets)))
