"""It fails on every row."""

import selectlang as sl

FOUND = ("runs", "raised KeyError: 'quality' \\(.*raises.py:\\d+\\)")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [{"length": len(text)}["quality"] for text in rows.responses()]
