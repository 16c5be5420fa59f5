"""Fake methods, named as such: the signatures that the two iterative papers need, and no more."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import selectlang as sl


class Classifier(NamedTuple):
    model: sl.Model
    accuracy: sl.Metric


@sl.score
def classifier(rows: sl.Rows[sl.P], model: sl.Model | None = None) -> sl.Scores[sl.P]:
    """A fake: the probability of a verdict; missing while there is no model."""
    raise NotImplementedError


@sl.score
def reward(rows: sl.Rows[sl.P], *, model: sl.ModelName) -> sl.Scores[sl.P]:
    """A fake: what a reward model gives to each row."""
    raise NotImplementedError


@sl.judge
def pairwise(rows: sl.Rows[sl.P], against: sl.Replies[sl.P], *, model: sl.ModelName) -> sl.Labels[sl.P]:
    """A fake: which of two answers a judge prefers."""
    raise NotImplementedError


@sl.classify
def bert(
    rows: sl.Rows[sl.P],
    labels: sl.Labels[sl.P],
    fresh: sl.Labels[sl.P] | None = None,
    previous: sl.Model | None = None,
    *,
    epochs: Annotated[int, sl.schema(minimum=1)] = 3,
    seed: int,
) -> Classifier:
    """A fake: a classifier of verdicts, and how often it agrees with the fresh ones."""
    raise NotImplementedError


@sl.generate
def llm(
    rows: sl.Rows[sl.P], model: sl.Model | None = None, *, model_: sl.ModelName | None = None
) -> sl.Replies[sl.P]:
    """A fake: what a model answers, one named in the spec or one trained by it.

    Settings:
        model: the name of a model, where none is wired
    """
    raise NotImplementedError


@sl.train
def sft(rows: sl.Rows[sl.P], *, base: sl.ModelName, epochs: int = 1, seed: int) -> sl.Model:
    """A fake: a model fine-tuned on rows."""
    raise NotImplementedError


@sl.merge
def difference(scores: list[sl.Scores[sl.P]]) -> sl.Scores[sl.P]:
    """A fake: the first score less the others."""
    raise NotImplementedError


@sl.merge
def cluster_weights(
    clusters: sl.Clusters[sl.P],
    scores: sl.Scores[sl.P],
    weights: sl.Weights[sl.P] | None = None,
    *,
    form: Literal["softmax", "softmax_with_memory"] = "softmax",
) -> sl.Weights[sl.P]:
    """A fake: a weight for each cluster from the scores of its rows."""
    raise NotImplementedError


@sl.score
def options(
    rows: sl.Rows,
    *,
    text: str = "",
    whole: Annotated[int, sl.schema(minimum=0, maximum=10)] = 1,
    number: Annotated[float, sl.schema(exclusiveMinimum=0)] = 1.0,
    flag: bool = False,
    one: Literal["red", "green", "blue"] = "red",
    many: list[int] | None = None,
    names: list[str] | str | None = None,
    table: dict[str, float] | None = None,
    either: int | Literal["auto"] = "auto",
    model: sl.ModelName | None = None,
    models: list[sl.ModelName] | None = None,
    lambda_: float | None = None,
    seed: int,
) -> sl.Scores:
    """A fake: a setting of every type."""
    raise NotImplementedError


@sl.score
def needy(rows: sl.Rows, *, must: int) -> sl.Scores:
    """A fake: a setting without a default.

    Settings:
        must: how often
    """
    raise NotImplementedError


@sl.merge
def paired(left: sl.Vectors[sl.P], right: sl.Vectors[sl.Q]) -> sl.Scores[sl.P]:
    """A fake: about two data sets."""
    raise NotImplementedError


@sl.hookimpl
def register_methods(register: Any) -> None:
    for method in (
        classifier, reward, pairwise, bert, llm, sft, difference, cluster_weights, options, needy, paired,
    ):  # fmt: skip
        register(method)
