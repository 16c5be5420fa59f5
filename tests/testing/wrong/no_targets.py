"""It takes for granted that there is a target."""

import selectlang as sl

FOUND = ("edges", "on no rows of Q it raised IndexError")


@sl.score
def wrong(rows: sl.Rows[sl.P], targets: sl.Rows[sl.Q]) -> sl.Scores[sl.P]:
    """Wrong."""
    first = sorted(targets.responses())[0] if len(rows) else ""
    return [float(len(text) - len(first)) for text in rows.responses()]
