"""A mapping by id, in which rows that come twice are one."""

import selectlang as sl

FOUND = ("edges", "on rows that come twice it returned no Scores: got 15 for 30 rows")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return list(
        {name: float(len(text)) for name, text in zip(rows.ids(), rows.texts(), strict=True)}.values()
    )
