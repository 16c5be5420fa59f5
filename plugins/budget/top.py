"""The rows with the highest scores."""

from __future__ import annotations

import selectlang as sl

from ._common import Choice, eligible
from ._ranks import Ties, by_score


@sl.budget
def top(
    scores: sl.Scores[sl.P],
    within: sl.Selection[sl.P] | None = None,
    skip: sl.Selection[sl.P] | None = None,
    *,
    size: sl.Amount,
    ties: Ties = "seed",
    seed: int,
) -> Choice[sl.P]:
    """Choose the rows with the highest scores, the highest first.

    Of scores with several columns the largest counts: with one column a query that is the global
    maximum of the "optimized" script of RDS+ (arXiv 2503.01807). Missing scores rank last, so that a
    budget draws at random while nothing is known. `left` counts the eligible rows not chosen.

    Settings:
        size: rows, a share of the rows before `skip`, or tokens
        ties: whether equal scores go by the seed or by the order of the data set
    """
    return by_score(eligible(scores.rows, within, skip), scores, size, ties, seed)
