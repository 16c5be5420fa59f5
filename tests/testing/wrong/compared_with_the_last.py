"""A number that hangs on the row before."""

import selectlang as sl

FOUND = ("row_order", "the same rows in another order give score")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    lengths = [float(len(text)) for text in rows.responses()]
    return [b - a for a, b in zip([0.0, *lengths], lengths, strict=False)]
