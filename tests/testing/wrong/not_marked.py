"""It is not marked as a method."""

import selectlang as sl

FOUND = ("signature", "is not marked: write @sl.score")


def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [1.0] * len(rows)
