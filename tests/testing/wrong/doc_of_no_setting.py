"""An entry in the docs for a setting that was renamed."""

import selectlang as sl

FOUND = ("settings", "describes 'lowest' under `Settings:`, and there is no such setting")


@sl.score
def wrong(rows: sl.Rows, *, least: int = 1) -> sl.Scores:
    """Wrong.

    Settings:
        least: a number
        lowest: the same
    """
    return [float(least)] * len(rows)
