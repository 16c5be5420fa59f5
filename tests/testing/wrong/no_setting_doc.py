"""A setting without a word about it."""

import selectlang as sl

FOUND = ("settings", "setting 'least' has no doc")


@sl.score
def wrong(rows: sl.Rows, *, least: int = 1) -> sl.Scores:
    """Wrong."""
    return [float(least)] * len(rows)
