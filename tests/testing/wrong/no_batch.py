"""A class that maps no row at a time."""

import selectlang as sl

FOUND = ("sharding", "batch_rows is 0")


@sl.score
class wrong:
    """Wrong."""

    batch_rows = 0

    def __call__(self, rows: sl.Rows) -> sl.Scores:
        return [1.0] * len(rows)
