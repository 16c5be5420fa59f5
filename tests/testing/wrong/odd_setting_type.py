"""A setting has a type that JSON has not."""

import selectlang as sl

FOUND = ("signature", "<class 'set'> is not a type of a setting")


@sl.score
def wrong(rows: sl.Rows, *, words: set = frozenset()) -> sl.Scores:
    """Wrong.

    Settings:
        words: some words
    """
    return [float(len(words))] * len(rows)
