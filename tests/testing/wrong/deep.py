"""It calls itself for each word."""

import selectlang as sl

FOUND = ("texts", "on rows such as long row, it raised RecursionError")


def count(words: list[str]) -> float:
    return 1 + count(words[1:]) if words else 0.0


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [count(text.split()) for text in rows.responses()]
