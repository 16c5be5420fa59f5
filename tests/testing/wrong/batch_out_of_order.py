"""A class that sorts its batch, and gives the numbers in that order."""

import selectlang as sl

FOUND = ("row_order", "every entry stayed in its place")


@sl.score
class wrong:
    """Wrong."""

    def __call__(self, rows: sl.Rows) -> sl.Scores:
        return [float(length) for length in sorted(rows.lengths())]
