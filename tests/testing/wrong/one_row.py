"""It divides by how far rows are apart."""

import selectlang as sl

FOUND = ("edges", "on one row it raised ZeroDivisionError")
OPTIONS = {"skip": ("texts",)}


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    lengths = [len(text) for text in rows.texts("full", "tulu")]
    least, most = min(lengths, default=0), max(lengths, default=1)
    return [(length - least) / (most - least) for length in lengths]
