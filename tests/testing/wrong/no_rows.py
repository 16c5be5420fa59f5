"""It divides by the number of rows."""

import selectlang as sl

FOUND = ("edges", "on no rows it raised ZeroDivisionError")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    lengths = [len(text) for text in rows.responses()]
    return [length / (1 + sum(lengths) / len(lengths)) for length in lengths] or [1 / len(rows)]
