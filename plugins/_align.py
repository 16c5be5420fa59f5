"""Joins of values that speak about different views of one data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import selectlang as sl

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def places(rows: sl.Rows[sl.P]) -> NDArray[np.int64]:
    """Where in `rows` each row of the data set stands, the last time: shape (len(data),), -1 for nowhere."""
    import numpy as np

    index = np.arange(len(rows), dtype=np.int64)
    if rows.whole:
        return index
    found = np.full(len(rows.data), -1, dtype=np.int64)
    found[rows.positions] = index
    return found


def lookup(rows: sl.Rows[sl.P], wanted: sl.Rows[sl.P]) -> NDArray[np.int64]:
    """Where in `rows` each row of `wanted` stands: shape (len(wanted),), -1 for nowhere."""
    return wanted.positions if rows.whole else places(rows)[wanted.positions]


def aligned(
    values: NDArray[np.floating[Any]], rows: sl.Rows[sl.P], wanted: sl.Rows[sl.P]
) -> NDArray[np.floating[Any]]:
    """The values of `wanted`, given those of `rows`; NaN where there are none."""
    import numpy as np

    if rows is wanted or (rows.whole and wanted.whole):
        return values
    place = lookup(rows, wanted)
    found = np.full((len(wanted), *values.shape[1:]), np.nan, dtype=values.dtype)
    found[place >= 0] = values[place[place >= 0]]
    return found


def firsts(positions: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """The index of each position's first appearance, in order; `total` is the length of the data set."""
    import numpy as np

    index = np.arange(len(positions), dtype=np.int64)
    seen = np.empty(total, dtype=np.int64)
    seen[positions[::-1]] = index[::-1]
    return np.flatnonzero(seen[positions] == index)


def together(views: Sequence[sl.Rows[sl.P]]) -> sl.Rows[sl.P]:
    """Every row that a view holds, once, in the order of first appearance."""
    import numpy as np

    for view in views:
        if view.whole:
            return view
    positions = np.concatenate([view.positions for view in views])
    data = views[0].data
    return sl.Rows(data, positions[firsts(positions, len(data))])


def keep(selection: sl.Selection[sl.P], mask: NDArray[np.bool_]) -> sl.Selection[sl.P]:
    """The part of a selection for which `mask` is true, with all that it says about its rows."""
    return sl.Selection(
        selection.rows.take(mask),
        None if selection.scores is None else selection.scores[mask],
        {name: values[mask] for name, values in selection.why.items()},
        selection.notes,
    )
