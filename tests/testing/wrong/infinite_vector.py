"""A vector that is divided by its length, which is 0."""

import selectlang as sl

FOUND = ("runs", "the vector of row '.*' is not finite")


@sl.embed
def wrong(rows: sl.Rows) -> sl.Vectors:
    """Wrong."""
    return [[1.0, float("nan") if len(text) % 3 else 0.0] for text in rows.responses()]
