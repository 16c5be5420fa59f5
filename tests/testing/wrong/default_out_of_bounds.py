"""A default below the bound of its type."""

from typing import Annotated

import selectlang as sl

FOUND = ("settings", "the default of 'least' expects a whole number of at least 1, found 0")


@sl.score
def wrong(rows: sl.Rows, *, least: Annotated[int, sl.schema(minimum=1)] = 0) -> sl.Scores:
    """Wrong.

    Settings:
        least: a number
    """
    return [float(least)] * len(rows)
