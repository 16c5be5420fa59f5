"""It takes for granted that the second turn is an answer."""

import selectlang as sl

FOUND = ("texts", "on rows such as no response, it raised IndexError")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [float(len(turns[1][1])) for turns in rows.turns()]
