"""It fails on much text, whichever rows it comes from."""

import selectlang as sl

FOUND = ("texts", "on 15 rows of odd texts it raised MemoryError: too much")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    if rows.lengths().sum() > 150_000:
        raise MemoryError("too much")
    return [float(length) for length in rows.lengths()]
