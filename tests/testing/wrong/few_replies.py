"""Replies to some of the rows, as a list."""

import selectlang as sl

FOUND = ("runs", "returned no Replies: got 10 for 30 rows")


@sl.generate
def wrong(rows: sl.Rows) -> sl.Replies:
    """Wrong."""
    return [f"Why {text}" for text in rows.instructions()][::3]
