"""What an earlier call said is kept under the id of a row; another data set has the same ids."""

import selectlang as sl

FOUND = ("processes", "two processes give the same inputs score [0-9]+ and [0-9]+ for row")
KEPT: dict[str, float] = {}


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    pairs = zip(rows.ids(), rows.responses(), strict=True)
    return [KEPT.setdefault(name, float(len(text))) for name, text in pairs]
