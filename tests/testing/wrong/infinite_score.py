"""A logarithm of zero."""

import math

import selectlang as sl

FOUND = ("runs", "ordinary rows it returned Scores with an infinite number for row 'row-")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [math.log(len(text) % 5) if len(text) % 5 else -math.inf for text in rows.responses()]
