"""A class that learns from the part which comes first."""

import selectlang as sl

FOUND = ("batches", "in parts of 7 rows, the last part first, give score")


@sl.score
class wrong:
    """Wrong."""

    def __init__(self) -> None:
        self.first = ""

    def __call__(self, rows: sl.Rows) -> sl.Scores:
        self.first = self.first or min(rows.ids(), default="")
        return [float(self.first > "row-03")] * len(rows)
