"""The rows with the lowest scores."""

from __future__ import annotations

import selectlang as sl

from ._common import Choice, eligible
from ._ranks import Ties, by_score


@sl.budget
def bottom(
    scores: sl.Scores[sl.P],
    within: sl.Selection[sl.P] | None = None,
    skip: sl.Selection[sl.P] | None = None,
    *,
    size: sl.Amount,
    ties: Ties = "seed",
    seed: int,
) -> Choice[sl.P]:
    """Choose the rows with the lowest scores, the lowest first.

    Of scores with several columns the largest of each row counts, as in `top`. Missing scores rank
    last here too. `left` counts the eligible rows not chosen.

    Settings:
        size: rows, a share of the rows before `skip`, or tokens
        ties: whether equal scores go by the seed or by the order of the data set
    """
    return by_score(eligible(scores.rows, within, skip), scores, size, ties, seed, upwards=True)
