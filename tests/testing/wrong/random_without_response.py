"""A row without a response has its number by chance."""

import random

import selectlang as sl

FOUND = "repeats", "the same inputs of odd texts give"


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Number of characters of the response."""
    return [len(text) if text else random.random() for text in rows.responses()]
