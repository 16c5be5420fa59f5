"""A setting has the name of a word of stages."""

import selectlang as sl

FOUND = ("signature", "'over' has the name of a reserved word")


@sl.score
def wrong(rows: sl.Rows, *, over: float = 0.5) -> sl.Scores:
    """Wrong.

    Settings:
        over: a number
    """
    return [over] * len(rows)
