"""A window of ranks."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

import selectlang as sl

from ._common import Choice, eligible
from ._ranks import Ties, by_score


@sl.budget
def band(
    scores: sl.Scores[sl.P],
    within: sl.Selection[sl.P] | None = None,
    skip: sl.Selection[sl.P] | None = None,
    *,
    size: sl.Amount,
    start: Annotated[float, sl.schema(minimum=0, exclusiveMaximum=1)],
    ties: Ties = "seed",
    seed: int,
) -> Choice[sl.P]:
    """Choose a window of the ranks, counted from the highest score down.

    Of N eligible rows it begins at rank floor(start * N), the highest having rank 0. The mid-perplexity
    baseline of RDS+ (arXiv 2503.01807, its code's `ppl_selections`) begins at 0.33. Several columns,
    and missing scores, are as in `top`. `left` counts the eligible rows not chosen.

    Settings:
        size: rows, a share of the rows before `skip`, or tokens
        start: the share of the eligible rows that rank above the window
        ties: whether equal scores go by the seed or by the order of the data set
    """
    pool = eligible(scores.rows, within, skip)
    first = int(Fraction(str(start)) * len(pool.rows))  # exact, as 0.29 * 100 in floats is below 29
    return by_score(pool, scores, size, ties, seed, start=first)
