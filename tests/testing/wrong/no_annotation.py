"""An input has no annotation, and neither has a setting."""

import selectlang as sl

FOUND = ("signature", "parameter 'rows' has no annotation")
OPTIONS = {"settings": {"least": 1}}


@sl.score
def wrong(rows, *, least: int) -> sl.Scores:
    """Wrong.

    Settings:
        least: a number
    """
    return [least] * len(rows)
