"""The rows that all inputs hold."""

from __future__ import annotations

import selectlang as sl

from .._align import keep, lookup


@sl.merge
def intersect(rows: list[sl.Selection[sl.P]]) -> sl.Selection[sl.P]:
    """Keep the rows of the first input that all others hold too, in its order and with its scores."""
    import numpy as np

    first = rows[0]
    held = np.ones(len(first.rows), dtype=bool)
    for other in rows[1:]:
        held &= lookup(other.rows, first.rows) >= 0
    return keep(first, held)
