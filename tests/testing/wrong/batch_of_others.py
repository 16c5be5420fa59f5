"""A class that speaks of other rows than those it was given."""

import selectlang as sl

FOUND = ("runs", "about 29 rows for a batch of 30")


@sl.score
class wrong:
    """Wrong."""

    def __call__(self, rows: sl.Rows) -> sl.Scores:
        import numpy as np

        kept = rows.take(np.arange(1, len(rows)))
        return sl.Scores(kept, np.ones(len(kept)))
