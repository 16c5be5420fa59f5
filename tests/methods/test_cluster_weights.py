"""merge: cluster_weights; properties 8 and 10 of Diversify and Conquer."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins.merge.cluster_weights import cluster_weights

from ._data import numbered, scores

Form = Literal["softmax_with_memory", "softmax", "equation_6"]
FORMS: tuple[Form, ...] = ("softmax_with_memory", "softmax", "equation_6")
K = 4
ROWS = numbered(3 * K)
LABELS = np.arange(3 * K, dtype=np.int32) % K


def weighed(means: list[float], prior: Any = None, form: Form = "softmax_with_memory", **more: Any) -> Any:
    """The weights after clusters got these means, each of three rows around it."""
    spread = np.repeat([-0.5, 0.0, 0.5], K)
    given_ = scores(np.tile(means, 3) + spread, None, ROWS)
    clusters = sl.Clusters(ROWS, LABELS, K)
    before = None if prior is None else sl.Weights(np.array(prior))
    return cluster_weights(clusters, given_, before, form=form, **more).values


means = st.lists(st.floats(-5, 5), min_size=K, max_size=K)
positive = st.lists(st.floats(0.01, 5), min_size=K, max_size=K)
some_missing = st.lists(st.one_of(st.just(math.nan), st.floats(-5, 5)), min_size=K, max_size=K)
priors = st.lists(st.floats(0.01, 1), min_size=K, max_size=K).map(lambda w: np.array(w) / sum(w))


@given(some_missing, priors, st.sampled_from(FORMS))
def test_weights_sum_to_1_and_a_cluster_without_scores_keeps_its_own(
    given_: list[float], prior: Any, form: Form
) -> None:
    found = weighed(given_, prior, form)
    assert found.shape == (K,)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)
    missing = np.isnan(given_)
    assert found[missing] == pytest.approx(prior[missing])


@given(st.floats(0.1, 5), priors)
def test_equal_means_leave_weights_as_they_were(mean: float, prior: Any) -> None:
    assert weighed([mean] * K, prior) == pytest.approx(prior)
    assert weighed([mean] * K, prior, "equation_6") == pytest.approx(prior)
    assert weighed([mean] * K, prior, "softmax") == pytest.approx([1 / K] * K)  # it has no memory


@given(st.lists(means, min_size=1, max_size=4), st.floats(0.5, 3))
def test_softmax_with_memory_is_the_softmax_of_the_sum(rounds: list[list[float]], temperature: float) -> None:
    weights = None
    for round_ in rounds:
        weights = weighed(round_, weights, temperature=temperature)
    total = np.exp(np.sum(rounds, axis=0) / temperature)
    assert weights == pytest.approx(total / total.sum())


@given(st.lists(positive, min_size=1, max_size=4))
def test_equation_6_is_in_proportion_to_the_product(rounds: list[list[float]]) -> None:
    weights = None
    for round_ in rounds:
        weights = weighed(round_, weights, "equation_6")
    total = np.prod(rounds, axis=0)
    assert weights == pytest.approx(total / total.sum(), rel=1e-6)


@given(means, priors, st.floats(0.1, 50))
def test_equation_6_does_not_mind_the_scale(given_: list[float], prior: Any, scale: float) -> None:
    assume(max(abs(mean) for mean in given_) > 0.01)
    clusters, one = sl.Clusters(ROWS, LABELS, K), np.tile(given_, 3)
    before = sl.Weights(prior)
    plain, scaled = (
        cluster_weights(clusters, scores(one * by, None, ROWS), before, form="equation_6").values
        for by in (1.0, scale)
    )
    assert scaled == pytest.approx(plain)


def test_softmax_forgets() -> None:
    gaps = [1.0, 1.0, 1.0, -1.0]
    once = weighed(gaps, None, "softmax")
    assert weighed(gaps, once, "softmax") == pytest.approx(once)
    assert weighed(gaps, weighed(gaps))[3] < weighed(gaps)[3]


def test_negative_means_in_equation_6() -> None:
    found = weighed([1.0, 3.0, -2.0, -0.1], None, "equation_6")
    assert found == pytest.approx([0.25, 0.75, 7.5e-7, 7.5e-7], rel=1e-5)
    assert weighed([-1.0, -3.0, -2.0, 0.0], [0.1, 0.2, 0.3, 0.4], "equation_6") == pytest.approx(
        [0.1, 0.2, 0.3, 0.4]
    )


def test_large_gaps_stay_finite() -> None:
    assert weighed([1e4, -1e4, 0.0, 1e4]) == pytest.approx([0.5, 0.0, 0.0, 0.5])


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_a_score_without_bounds_is_refused(value: float) -> None:
    with pytest.raises(sl.DataError, match="a score is infinite"):
        weighed([value, 1.0, 2.0, 3.0])


def test_only_scored_rows_count_in_a_mean() -> None:
    some = scores([2.0, 4.0, math.nan], None, ROWS.take(np.array([0, 4, 8])))
    other = scores([1.0], None, ROWS.take(np.array([1])))
    both = sl.Scores(ROWS.take(np.array([0, 4, 8, 1])), np.concatenate([some.values, other.values]))
    found = cluster_weights(sl.Clusters(ROWS, LABELS, K), both, form="equation_6").values
    assert found == pytest.approx([0.375, 0.125, 0.25, 0.25])  # means 3 and 1 share a half


def test_weights_of_other_clusters_are_refused() -> None:
    with pytest.raises(sl.DataError, match="weights of 3 clusters, expected 4"):
        weighed([1.0] * K, [0.5, 0.25, 0.25])
