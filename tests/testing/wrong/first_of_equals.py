"""Of rows with equal answers, the first in the file is kept."""

import selectlang as sl

FOUND = ("row_order", "the same rows in another order give row '.*' (once|not at all) and")


@sl.budget
def wrong(rows: sl.Rows) -> sl.Selection:
    """Wrong."""
    import numpy as np

    first = {text: number for number, text in reversed(list(enumerate(rows.responses())))}
    return rows.take(np.array(sorted(first.values()), np.int64))
