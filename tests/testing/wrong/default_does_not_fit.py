"""A default that its type does not allow."""

import selectlang as sl

FOUND = ("settings", "the default of 'least' expects a whole number, found nothing")


@sl.score
def wrong(rows: sl.Rows, *, least: int = None) -> sl.Scores:  # noqa: RUF013
    """Wrong.

    Settings:
        least: a number
    """
    return [float(least or 0)] * len(rows)
