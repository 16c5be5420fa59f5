"""Its check takes for granted that there is a number."""

import selectlang as sl

FOUND = ("together", "its check raised TypeError")


def fits(least: int) -> None:
    if least > 5:
        raise sl.DataError("too much")


@sl.score(check=fits)
def wrong(rows: sl.Rows, *, least: int | None = None) -> sl.Scores:
    """Wrong.

    Settings:
        least: a number
    """
    return [float(least or 0)] * len(rows)
