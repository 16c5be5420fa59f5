"""A seed is taken, and not used."""

import selectlang as sl

FOUND = ("seed", "nine seeds give the same")


@sl.score
def wrong(rows: sl.Rows, *, seed: int) -> sl.Scores:
    """Wrong."""
    return [float(len(text)) for text in rows.responses()]
