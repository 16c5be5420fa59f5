"""The methods that come with selectlang, one file each: `score: nearest` is score/nearest.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import selectlang as sl


@sl.hookimpl
def register_methods(register: Callable[[Callable[..., Any]], None]) -> None:
    """Register every method of this package."""
    from .budget import band, bottom, per_cluster, round_robin, threshold, top
    from .budget import random as random_budget
    from .classify import bert, logistic, neighbours
    from .cluster import by_field, kmeans
    from .embed import hidden_states, sentence, tfidf
    from .generate import llm
    from .judge import binary, pairwise, rubric
    from .merge import (
        blend,
        cluster_weights,
        difference,
        intersect,
        maximum,
        product,
        rank_mean,
        subtract,
        union,
    )
    from .score import classifier, constant, from_field, length, nearest, perplexity, reward
    from .score import random as random_score
    from .train import sft

    for method in (
        sentence.sentence,
        hidden_states.hidden_states,
        tfidf.tfidf,
        kmeans.kmeans,
        by_field.by_field,
        nearest.nearest,
        perplexity.perplexity,
        length.length,
        constant.constant,
        from_field.from_field,
        random_score.random_,
        classifier.classifier,
        reward.reward,
        rubric.rubric,
        pairwise.pairwise,
        binary.binary,
        bert.bert,
        logistic.logistic,
        neighbours.neighbours,
        llm.llm,
        sft.sft,
        blend.blend,
        rank_mean.rank_mean,
        product.product,
        union.union,
        intersect.intersect,
        subtract.subtract,
        difference.difference,
        maximum.maximum,
        cluster_weights.cluster_weights,
        top.top,
        bottom.bottom,
        band.band,
        threshold.threshold,
        random_budget.random_,
        round_robin.round_robin,
        per_cluster.per_cluster,
    ):
        register(method)
