"""What it says hangs on the order of a set of texts, which no two processes share."""

import selectlang as sl

FOUND = ("processes", "two processes give the same inputs vector")
OPTIONS = {"skip": ("edges",)}


@sl.embed
def wrong(rows: sl.Rows) -> sl.Vectors:
    """Wrong."""
    known = list({word for text in rows.texts() for word in text.split()})
    return [[float(word in text) for word in known] or [0.0] for text in rows.texts()]
