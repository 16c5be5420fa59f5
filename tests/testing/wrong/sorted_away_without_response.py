"""Rows without a response come last, whatever their place."""

import selectlang as sl

FOUND = "row_order", "not bound to its rows|rows of odd texts in another order"


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Number of characters of the response."""
    values = [float(len(text)) for text in rows.responses() if text]
    return values + [0.0] * (len(rows) - len(values))
