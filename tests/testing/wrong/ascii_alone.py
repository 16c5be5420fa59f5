"""It knows no letters but those of ASCII."""

import selectlang as sl

FOUND = ("texts", "on rows such as emoji, .* it raised UnicodeEncodeError")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [float(len(text.encode("ascii"))) for text in rows.texts()]
