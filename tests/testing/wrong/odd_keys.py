"""A setting is a mapping whose keys no spec can write."""

import selectlang as sl

FOUND = ("signature", "the keys of a mapping are text")


@sl.score
def wrong(rows: sl.Rows, *, weights: dict[int, float]) -> sl.Scores:
    """Wrong.

    Settings:
        weights: some weights
    """
    return [weights[1]] * len(rows)
