"""It has no docstring."""

import selectlang as sl

FOUND = ("signature", "it has no docstring")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    return [1.0] * len(rows)
