"""A share of the data set, where one of the rows is meant."""

import selectlang as sl

FOUND = ("views", "every second row gives")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [len(text) / len(rows.data) for text in rows.responses()]
