"""A fake `per_cluster` as the loop of Diversify and Conquer asks for it."""

from __future__ import annotations

from typing import Literal

import selectlang as sl


@sl.budget
def per_cluster(
    clusters: sl.Clusters[sl.P],
    scores: sl.Scores[sl.P] | None = None,
    within: sl.Selection[sl.P] | None = None,
    skip: sl.Selection[sl.P] | None = None,
    weights: sl.Weights[sl.P] | None = None,
    *,
    size: sl.Amount,
    draw: Literal["weighted", "random"] = "weighted",
    share: Literal["proportional", "equal", "sqrt"] = "proportional",
    seed: int,
) -> sl.Selection[sl.P]:
    """A fake: draws from every cluster by its weight."""
    raise NotImplementedError
