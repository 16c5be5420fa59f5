"""Numbers that are sorted, and so are no more those of their rows."""

import selectlang as sl

FOUND = ("row_order", "every entry stayed in its place")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return sorted(float(len(text)) for text in rows.responses())
