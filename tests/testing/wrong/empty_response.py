"""It divides by the length of an answer."""

import selectlang as sl

FOUND = ("texts", "on rows such as empty response, blank response, no response, it raised ZeroDivisionError")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [len(set(text.split())) / len(text.split()) for text in rows.responses()]
