"""A field is read that a row may lack."""

import selectlang as sl

FOUND = ("texts", "on rows such as no fields, it raised TypeError")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [2 * value for value in rows.field("value")]
