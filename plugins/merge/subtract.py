"""The rows that are in none of the others."""

from __future__ import annotations

import selectlang as sl

from .._align import keep, lookup


@sl.merge
def subtract(rows: sl.Selection[sl.P], remove: list[sl.Selection[sl.P]]) -> sl.Selection[sl.P]:
    """Keep the rows that none of `remove` holds, in their order and with their scores."""
    import numpy as np

    free = np.ones(len(rows.rows), dtype=bool)
    for other in remove:
        free &= lookup(other.rows, rows.rows) < 0
    return keep(rows, free)
