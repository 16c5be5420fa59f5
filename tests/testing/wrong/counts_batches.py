"""A class that remembers what came before."""

import selectlang as sl

FOUND = ("batches", "rows all at once, and alone, give score")


@sl.score
class wrong:
    """Wrong."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, rows: sl.Rows) -> sl.Scores:
        self.seen += 1
        return [float(self.seen)] * len(rows)
