"""Labels in place of scores."""

import selectlang as sl

FOUND = ("runs", "returned no Scores")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return {"good": 1.0}
