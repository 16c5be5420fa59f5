"""A number that is that of the place of a row."""

import selectlang as sl

FOUND = ("row_order", "every entry stayed in its place")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [float(i) for i in range(len(rows))]
