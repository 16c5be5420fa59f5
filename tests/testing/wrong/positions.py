"""Places in the data set, taken for places in the view."""

import selectlang as sl

FOUND = ("views", "every second row gives")


@sl.budget
def wrong(rows: sl.Rows) -> sl.Selection:
    """Wrong."""
    import numpy as np

    lengths = np.array([len(text) for text in rows.responses()])
    long = rows.positions[lengths > 60]
    return rows.take(long[long < len(rows)])
