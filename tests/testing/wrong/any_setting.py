"""It takes settings of any name."""

import selectlang as sl

FOUND = ("signature", "it takes \\*more; name each")


@sl.score
def wrong(rows: sl.Rows, **more: float) -> sl.Scores:
    """Wrong."""
    return [float(len(more))] * len(rows)
