"""It fails where the file has another order."""

import selectlang as sl

FOUND = ("row_order", "in a run of this check it raised AssertionError: not sorted")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    if len(rows) == 30 and rows.ids()[0] != "row-00":
        raise AssertionError("not sorted")
    return [float(length) for length in rows.lengths()]
