"""A class whose window needs an instance to be asked."""

import selectlang as sl

FOUND = ("sharding", "window_rows cannot be asked")


@sl.score
class wrong:
    """Wrong."""

    def window_rows(self, rows: sl.Rows, gpus: int) -> int:
        return 100 * gpus

    def __call__(self, rows: sl.Rows) -> sl.Scores:
        return [1.0] * len(rows)
