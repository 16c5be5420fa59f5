"""A setting has no type."""

import selectlang as sl

FOUND = ("signature", "parameter 'least' has no annotation")


@sl.score
def wrong(rows: sl.Rows, *, least=1) -> sl.Scores:
    """Wrong."""
    return [least] * len(rows)
