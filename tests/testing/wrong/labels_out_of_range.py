"""Codes of verdicts that there are not."""

import selectlang as sl

FOUND = ("runs", "codes go from")


@sl.judge
def wrong(rows: sl.Rows) -> sl.Labels:
    """Wrong."""
    import numpy as np

    return sl.Labels(rows, np.full(len(rows), 2, np.int8), ["easy", "hard"])
