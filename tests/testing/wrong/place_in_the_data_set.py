"""Places in the data set, taken for places in the view, where there are fewer."""

import selectlang as sl

FOUND = ("views", "every second row gives, .* a result and what it raised IndexError")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    lengths = [float(length) for length in rows.lengths()]
    return [lengths[place] for place in rows.positions.tolist()]
