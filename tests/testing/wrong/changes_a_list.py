"""It takes the first of several inputs out of their list."""

import selectlang as sl

FOUND = ("untouched", "it changes its input 'scores'")


@sl.merge
def wrong(scores: list[sl.Scores]) -> sl.Scores:
    """Wrong."""
    return scores.pop(0)
