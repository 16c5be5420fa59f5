"""It does not say what it returns."""

import selectlang as sl

FOUND = ("signature", "its return annotation must be Rows, Vectors")


@sl.score
def wrong(rows: sl.Rows):
    """Wrong."""
    return [1.0] * len(rows)
