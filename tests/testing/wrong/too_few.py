"""Rows with short answers are dropped."""

import selectlang as sl

FOUND = ("runs", "returned no Scores: got \\d+ for 30 rows")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [float(len(text)) for text in rows.responses() if len(text) > 40]
