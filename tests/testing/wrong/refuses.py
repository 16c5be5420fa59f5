"""It refuses ordinary rows, for want of a field."""

import selectlang as sl

FOUND = ("runs", "on ordinary rows it raised DataError: no row has a field 'licence'")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [float(value == "mit") for value in rows.field("licence")]
