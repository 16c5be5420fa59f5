"""budget: per_cluster, by the properties 1 to 7 of the report on Diversify and Conquer."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins.budget import _ranks
from selectlang_plugins.budget._ranks import Clustered
from selectlang_plugins.budget.per_cluster import per_cluster

from ._data import amount, chi_square, chosen, numbered, pick, rows_of, scores

NAN = math.nan
Draw = Literal["weighted", "softmax", "top", "random", "nearest"]
DRAWS: tuple[Draw, ...] = ("weighted", "softmax", "top", "random", "nearest")


def clustered(labels: list[int], k: int | None = None, rows: sl.Rows[Any] | None = None) -> sl.Clusters[Any]:
    """Clusters; the distance of a row falls with its number."""
    array = np.array(labels, np.int32)
    distances = np.arange(len(array), 0, -1).astype(np.float32)
    rows = numbered(len(array)) if rows is None else rows
    return sl.Clusters(rows, array, max(labels) + 1 if k is None else k, distances)


def draw_one(quality: list[float], draw: Draw, seeds: int = 3000, **settings: Any) -> list[int]:
    """How often each row is the one drawn."""
    groups, values = clustered([0] * len(quality)), scores(quality)
    counts = Counter(
        row
        for seed in range(seeds)
        for row in chosen(per_cluster(groups, values, size=amount(1), draw=draw, seed=seed, **settings))
    )
    return [counts[i] for i in range(len(quality))]


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=25),
    st.sampled_from(DRAWS),
    st.sampled_from(["proportional", "equal", "sqrt"]),
    st.data(),
)
def test_any_size_the_pool_can_meet_is_met_by_distinct_rows(
    labels: list[int], draw: Draw, share: Any, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(labels)))
    quality = data.draw(
        st.lists(st.sampled_from([0.0, 1.0, 5.0, NAN]), min_size=len(labels), max_size=len(labels))
    )
    groups = clustered(labels, k=6)
    choice = per_cluster(groups, scores(quality), size=amount(size), draw=draw, share=share, seed=1)
    found = chosen(choice)
    assert len(set(found)) == len(found) == size
    assert choice.left == len(labels) - size
    assert choice.selection.notes == []
    assert choice.selection.why["cluster"].tolist() == [labels[i] for i in found]
    assert choice.selection.scores is not None
    np.testing.assert_array_equal(choice.selection.scores, [quality[i] for i in found])
    if share == "proportional":
        counts, sizes = Counter(labels[i] for i in found), Counter(labels)
        assert all(abs(counts[j] - size * sizes[j] / len(labels)) < 1 for j in sizes)


def test_the_released_code_loses_remainders_and_says_so() -> None:
    labels = [0] * 3 + [1] * 20 + [2] * 20
    choice = per_cluster(
        clustered(labels, k=4),
        scores(np.arange(43) % 7),
        size=amount(41),
        draw="softmax",
        truncate=True,
        share="equal",
        rounding="floor",
        shortage="lose",
        seed=0,
    )
    assert Counter(labels[i] for i in chosen(choice)) == {0: 3, 1: 10, 2: 10}
    assert choice.selection.notes == [
        "asked for 41 rows, 43 were eligible: chose 23; "
        "the rest was lost to shortage: lose and rounding: floor"
    ]


def test_a_small_cluster_gives_all_and_the_others_give_the_rest() -> None:
    labels = [0] * 2 + [2] * 20 + [3] * 20
    choice = per_cluster(clustered(labels), size=amount(20), draw="random", share="equal", seed=0)
    assert Counter(labels[i] for i in chosen(choice)) == {0: 2, 2: 9, 3: 9}


def test_shares_count_skipped_rows_but_draws_do_not() -> None:
    """As in a round of a loop: a cluster keeps its share, of what is left."""
    labels = [0] * 10 + [1] * 30
    skip = pick(numbered(40), list(range(10)))
    choice = per_cluster(clustered(labels), skip=skip, size=amount(20), draw="random", seed=0)
    assert Counter(labels[i] for i in chosen(choice)) == {1: 20}
    skip = pick(numbered(40), [0, *range(10, 20)])
    choice = per_cluster(clustered(labels), skip=skip, size=amount(20), draw="random", seed=0)
    assert Counter(labels[i] for i in chosen(choice)) == {0: 5, 1: 15}
    assert choice.left == 29 - 20


def test_within_takes_the_rows_that_have_a_cluster() -> None:
    rows = numbered(10)
    groups = clustered([0, 0, 0, 1, 1, 1], rows=rows.take(np.arange(6)))
    choice = per_cluster(
        groups, within=pick(rows, [9, 5, 4, 3, 0, 0]), size=amount(99), draw="random", seed=0
    )
    assert sorted(chosen(choice)) == [0, 3, 4, 5]
    assert choice.selection.notes == ["asked for 99 rows, 4 were eligible: chose 4"]


def test_rounds_never_choose_a_row_twice() -> None:
    labels = [i % 7 for i in range(100)]
    so_far: list[int] = []
    for index in range(3):
        size = amount(50).of_round(index, 3)
        skip = pick(numbered(100), so_far)
        choice = per_cluster(
            clustered(labels), scores(range(100)), skip=skip, size=size, draw="weighted", seed=index
        )
        so_far += chosen(choice)
    assert len(set(so_far)) == len(so_far) == 50


def test_top_and_nearest_are_plain_sorts_inside_each_cluster() -> None:
    rng = np.random.default_rng(0)
    labels, quality = rng.integers(0, 5, 80).tolist(), rng.permutation(80).astype(float)
    groups = clustered(labels)
    for draw, rank in (("top", quality), ("nearest", np.arange(80))):
        choice = per_cluster(groups, scores(quality), size=amount(25), share="equal", draw=draw, seed=0)
        found = chosen(choice)
        for j in range(5):
            own = [i for i in found if labels[i] == j]
            members = [i for i in range(80) if labels[i] == j]
            assert own == sorted(members, key=lambda i: -rank[i])[:5]
    assert groups.distances is not None
    assert choice.selection.why["distance"].tolist() == groups.distances[found].tolist()


def test_rows_of_no_known_distance_are_the_farthest(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = sl.Clusters(
        numbered(6), np.zeros(6, np.int32), 1, np.array([NAN, 2, NAN, 1, 3, NAN], np.float32)
    )
    for small in (0, 6):
        monkeypatch.setattr(_ranks, "SMALL", small)
        found = chosen(per_cluster(groups, size=amount(4), draw="nearest", ties="order", seed=0))
        assert found == [3, 1, 4, 0]


def test_every_beginning_of_the_selection_keeps_the_shares() -> None:
    labels = [0] * 60 + [1] * 30 + [2] * 10
    found = chosen(per_cluster(clustered(labels), size=amount(50), draw="random", seed=0))
    for end in range(1, 51):
        counts = Counter(labels[i] for i in found[:end])
        assert all(abs(counts[j] - end * part) <= 1.5 for j, part in enumerate((0.6, 0.3, 0.1)))


def test_clusters_of_one_size_take_turns_by_their_labels() -> None:
    choice = per_cluster(clustered([i % 50 for i in range(200)]), size=amount(150), draw="random", seed=0)
    assert choice.selection.why["cluster"].tolist() == [*range(50)] * 3


def test_weighted_is_in_proportion_to_quality() -> None:
    counts = draw_one([1, 2, 0, 4, 3, NAN], "weighted")
    assert abs(chi_square(counts, np.array([1, 2, 0, 4, 3, 0]) * 300)) < 4


def test_softmax_is_in_proportion_to_the_exponential() -> None:
    quality = np.array([0.0, 1.0, 2.0, -1.0])
    law = np.exp(quality / 2)
    counts = draw_one(quality.tolist(), "softmax", temperature=2.0)
    assert abs(chi_square(counts, law / law.sum() * 3000)) < 4


def test_random_is_uniform_and_so_is_constant_quality() -> None:
    counts = draw_one([5, 1, 9], "random", seeds=1200)
    assert abs(chi_square(counts, [400] * 3)) < 4
    assert counts == draw_one([2, 2, 2], "weighted", seeds=1200) == draw_one([0] * 3, "softmax", seeds=1200)


def test_without_replacement_follows_successive_draws() -> None:
    """Brute force over ordered pairs: p(a) * p(b) / (1 - p(a))."""
    quality = [1.0, 2.0, 3.0, 6.0]
    p = np.array(quality) / 12
    pairs = list(itertools.permutations(range(4), 2))
    groups, values = clustered([0] * 4), scores(quality)
    counts = Counter(
        tuple(chosen(per_cluster(groups, values, size=amount(2), draw="weighted", seed=seed)))
        for seed in range(4000)
    )
    expected = [4000 * p[a] * p[b] / (1 - p[a]) for a, b in pairs]
    assert abs(chi_square([counts[pair] for pair in pairs], expected)) < 4


def test_with_replacement_every_draw_follows_the_law() -> None:
    labels = [0, 0, 0, 1, 1]
    quality = [1.0, 3.0, 0.0, 2.0, 2.0]
    groups, values = clustered(labels, k=3), scores(quality)
    counts: Counter[int] = Counter()
    for seed in range(300):
        choice = per_cluster(
            groups, values, size=amount(20), draw="weighted", share="equal", replace=True, seed=seed
        )
        found = chosen(choice)
        assert Counter(labels[i] for i in found) == {0: 10, 1: 10}
        assert choice.left == 5 - len(set(found))
        note = f"20 draws with replacement chose {len(set(found))} different rows"
        assert choice.selection.notes == [note]
        counts.update(found)
    assert abs(chi_square([counts[i] for i in range(3)], [750, 2250, 0])) < 4
    assert abs(chi_square([counts[i] for i in (3, 4)], [1500, 1500])) < 4


def test_with_replacement_about_two_thirds_are_different() -> None:
    groups = clustered([0] * 24)
    unique = [
        len(set(chosen(per_cluster(groups, size=amount(24), draw="random", replace=True, seed=seed))))
        for seed in range(300)
    ]
    assert 0.62 < np.mean(unique) / 24 < 0.66


def test_replacement_lets_a_size_exceed_the_pool() -> None:
    choice = per_cluster(clustered([0, 1]), size=amount(50), draw="random", replace=True, seed=0)
    assert Counter(chosen(choice)) == {0: 25, 1: 25}


def test_probabilities_are_written() -> None:
    choice = per_cluster(
        clustered([0, 0, 1, 1]), scores([1, 3, 0, 0]), size=amount(4), draw="weighted", seed=0
    )
    found = dict(zip(chosen(choice), choice.selection.why["probability"].tolist(), strict=True))
    assert found == {0: 0.25, 1: 0.75, 2: 0.5, 3: 0.5}


def test_invariances_of_weights() -> None:
    rng = np.random.default_rng(0)
    groups, quality = clustered(rng.integers(0, 4, 60).tolist()), rng.random(60)

    def found(values: Any, draw: Draw, **settings: Any) -> list[int]:
        return chosen(per_cluster(groups, scores(values), size=amount(20), draw=draw, seed=3, **settings))

    assert found(quality, "weighted") == found(1000 * quality, "weighted")
    assert found(quality, "softmax") == found(quality + 64, "softmax")
    assert found(quality, "softmax", temperature=1e-9) == found(quality, "top")
    assert found(quality, "softmax", temperature=1e9) == found(quality, "random")
    assert found(np.floor(10 * quality), "softmax") == found(10 * quality, "softmax", truncate=True)


@pytest.mark.parametrize("temperature", [1e-300, 1.0])
def test_softmax_is_finite_for_large_scores(temperature: float) -> None:
    quality = [1e4, -1e4, 0.0, 9999.0, NAN, -1e4]
    choice = per_cluster(
        clustered([0, 0, 0, 0, 1, 1]),
        scores(quality),
        size=amount(6),
        draw="softmax",
        temperature=temperature,
        seed=0,
    )
    assert sorted(chosen(choice)) == list(range(6))
    assert np.isfinite(choice.selection.why["probability"]).all()


def test_rows_without_weight_are_drawn_when_nothing_else_is_left() -> None:
    groups, quality = clustered([0] * 6), scores([0, 1, NAN, 1, 0, NAN])
    last = Counter()
    for seed in range(200):
        found = chosen(per_cluster(groups, quality, size=amount(3), draw="weighted", seed=seed))
        assert set(found[:2]) == {1, 3}
        last[found[2]] += 1
    assert set(last) == {0, 2, 4, 5}
    found = chosen(per_cluster(groups, quality, size=amount(4), draw="top", seed=0))
    assert set(found[:2]) == {1, 3}
    assert set(found[2:]) == {0, 4}


def test_names_of_clusters_are_written() -> None:
    groups = sl.Clusters(numbered(4), np.array([0, 1, 1, 0], np.int32), 2, names=["math", "code"])
    choice = per_cluster(groups, size=amount(4), draw="random", seed=0)
    assert choice.selection.why["cluster"].tolist() == [
        ["math", "code", "code", "math"][i] for i in chosen(choice)
    ]


@pytest.mark.parametrize("limit", [2, 9, 40, 41, 100, 199, 200, 300])
def test_tokens(limit: int) -> None:
    """Each row has two tokens, so this is half as many rows."""
    labels = [0] * 70 + [1] * 20 + [2] * 10
    for replace in (False, True):
        choice = per_cluster(
            clustered(labels), size=amount(f"{limit} tokens"), draw="random", replace=replace, seed=0
        )
        rows = per_cluster(
            clustered(labels), size=amount(max(1, limit // 2)), draw="random", replace=replace, seed=0
        )
        assert chosen(choice) == chosen(rows)
        assert choice.selection.notes[0].endswith(
            f"rows of {limit // 2 * 2 if replace else min(limit // 2 * 2, 200)} tokens"
        )


class TestErrors:
    groups = clustered([0, 0, 1])

    def test_negative_weights(self) -> None:
        with pytest.raises(sl.DataError, match=r"found -2 for row '1'; draw: softmax takes any"):
            per_cluster(self.groups, scores([1, -2, 3]), size=amount(1), draw="weighted", seed=0)

    @pytest.mark.parametrize("draw", ["weighted", "softmax", "top"])
    def test_no_scores(self, draw: Draw) -> None:
        with pytest.raises(sl.DataError, match=f"draw: {draw} needs scores"):
            per_cluster(self.groups, size=amount(1), draw=draw, seed=0)

    def test_no_distances(self) -> None:
        groups = sl.Clusters(self.groups.rows, self.groups.labels, 2)
        with pytest.raises(sl.DataError, match="needs clusters with centres"):
            per_cluster(groups, size=amount(1), draw="nearest", seed=0)

    @pytest.mark.parametrize("draw", ["top", "nearest"])
    def test_replacement_of_what_is_not_drawn(self, draw: Draw) -> None:
        with pytest.raises(sl.DataError, match="again and again"):
            per_cluster(self.groups, scores([1, 2, 3]), size=amount(1), draw=draw, replace=True, seed=0)


def test_no_eligible_rows() -> None:
    groups = clustered([0, 1])
    for replace in (False, True):
        choice = per_cluster(
            groups, skip=pick(numbered(2), [0, 1]), size=amount(2), draw="random", replace=replace, seed=0
        )
        assert chosen(choice) == []
        assert choice.left == 0


@pytest.mark.parametrize(
    "draw,replace",
    [(draw, False) for draw in DRAWS] + [(draw, True) for draw in DRAWS[:2]] + [("random", True)],
)
def test_the_order_of_the_file_does_not_matter(draw: Draw, replace: bool) -> None:
    names = [f"id{i}" for i in range(60)]
    label = {name: i * i % 5 for i, name in enumerate(names)}
    quality = {name: float(i % 4) for i, name in enumerate(names)}
    found = []
    for order in (names, names[::-1], sorted(names, key=lambda name: name[::-1])):
        rows = rows_of(order)
        distances = np.array([quality[name] for name in order], np.float32)
        groups = sl.Clusters(rows, np.array([label[name] for name in order], np.int32), 5, distances)
        values = scores([quality[name] for name in order], rows=rows)
        choice = per_cluster(groups, values, size=amount(23), draw=draw, replace=replace, seed=3)
        found.append(choice.selection.rows.ids())
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("draw", ["weighted", "softmax"])
def test_an_infinite_score_has_all_the_weight(draw: Draw) -> None:
    groups, quality = clustered([0] * 5), scores([1, math.inf, 2, math.inf, NAN])
    firsts = set()
    for seed in range(30):
        choice = per_cluster(groups, quality, size=amount(5), draw=draw, seed=seed)
        assert set(chosen(choice)[:2]) == {1, 3}
        firsts.add(chosen(choice)[0])
        found = dict(zip(chosen(choice), choice.selection.why["probability"].tolist(), strict=True))
        assert found == {0: 0, 1: 0.5, 2: 0, 3: 0.5, 4: 0}
    assert firsts == {1, 3}


def weighed(values: list[float]) -> sl.Weights[Any]:
    return sl.Weights(np.array(values))


@pytest.mark.parametrize("counts", ["shares", "multinomial"])
def test_draws_follow_the_weights_of_clusters(counts: Literal["shares", "multinomial"]) -> None:
    """Property 12: over many seeds a cluster is drawn from as often as its weight says."""
    weights, groups = [0.1, 0.2, 0.3, 0.4], clustered([0, 1, 2, 3] * 30)
    found: Counter[int] = Counter()
    for seed in range(300):
        choice = per_cluster(
            groups,
            None,
            None,
            None,
            weighed(weights),
            size=amount(20),
            draw="random",
            counts=counts,
            seed=seed,
        )
        found.update(row % 4 for row in chosen(choice))
    assert sum(found.values()) == 6000
    assert found[3] / 6000 == pytest.approx(0.4, abs=0.02)
    if counts == "multinomial":
        assert chi_square([found[i] for i in range(4)], np.array(weights) * 6000) < 4
    else:
        assert [found[i] for i in range(4)] == [600, 1200, 1800, 2400]


@pytest.mark.parametrize("counts", ["shares", "multinomial"])
def test_a_cluster_that_is_used_up_gives_its_share_to_the_others(
    counts: Literal["shares", "multinomial"],
) -> None:
    """Property 10."""
    groups = clustered([0] * 5 + [1] * 20 + [2] * 20)
    choice = per_cluster(
        groups, None, None, pick(numbered(45), range(5)), weighed([0.8, 0.1, 0.1]),
        size=amount(30), draw="random", counts=counts, seed=1,
    )  # fmt: skip
    found = chosen(choice)
    assert len(set(found)) == len(found) == 30
    assert min(found) >= 5


def test_what_a_used_up_cluster_is_drawn_for_may_be_lost() -> None:
    groups = clustered([0] * 5 + [1] * 20)
    choice = per_cluster(
        groups, None, None, None, weighed([0.5, 0.5]),
        size=amount(20), draw="random", counts="multinomial", shortage="lose", seed=1,
    )  # fmt: skip
    first = sum(row < 5 for row in chosen(choice))
    assert first == 5
    assert len(chosen(choice)) < 20


def test_a_cluster_of_no_weight_gives_nothing() -> None:
    choice = per_cluster(
        clustered([0, 1] * 5), None, None, None, weighed([1.0, 0.0]), size=amount(8), draw="random", seed=1
    )
    assert sorted(chosen(choice)) == [0, 2, 4, 6, 8]


def test_weights_of_other_clusters_are_refused() -> None:
    with pytest.raises(sl.DataError, match="weights of 3 clusters, expected 2"):
        per_cluster(
            clustered([0, 1]), None, None, None, weighed([1, 0, 0]), size=amount(1), draw="random", seed=1
        )


KEY = st.sampled_from([0.0, 1.0, math.inf])


@given(st.lists(st.tuples(st.integers(0, 2), KEY, KEY), max_size=40), st.integers(0, 12), st.data())
def test_clusters_are_ranked_as_by_a_sort_of_all_rows(
    rows: list[tuple[int, float, float]], small: int, data: st.DataObject
) -> None:
    labels = np.array([label for label, *_ in rows], np.int32)
    cost, ties = np.array([keys for _, *keys in rows], np.float64).reshape(-1, 2).T
    room = np.bincount(labels, minlength=4)
    whole = np.split(np.lexsort((ties, cost, labels)), np.cumsum(room)[:-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_ranks, "SMALL", small)
        ranked = Clustered(labels, room, [cost, ties])
        for _ in range(3):  # more and fewer rows than before
            counts = np.array([data.draw(st.integers(0, int(most))) for most in room])
            expected = [index[:count] for index, count in zip(whole, counts, strict=True)]
            assert ranked.lowest(counts).tolist() == np.concatenate(expected).tolist()


def test_large_clusters_are_sorted_no_further_than_rows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_rows, whole = [], np.lexsort
    monkeypatch.setattr(np, "lexsort", lambda keys: sorted_rows.append(len(keys[0])) or whole(keys))
    labels = np.repeat(np.arange(3), 2 * _ranks.SMALL)
    keys = np.random.default_rng(0).random((2, len(labels)))
    ranked = Clustered(labels, np.bincount(labels), list(keys))
    ranked.lowest(np.array([10, 0, 5]))
    ranked.lowest(np.array([5, 0, 5]))
    assert sum(sorted_rows) == 15
    ranked.lowest(np.array([11, 1, 0]))
    assert sum(sorted_rows) == 15 + 10 + 1, "by as many again, so that rows asked for in turn cost little"
