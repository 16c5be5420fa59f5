"""The random control: each measure against a naive computation, and its properties."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selectlang.data.dataset import Dataset
from selectlang.ports import Vectors
from selectlang.report import ground as grounds
from selectlang.report import measures
from selectlang.report.control import arms, compare
from selectlang.report.ground import Ground, ground
from selectlang.report.measures import (
    DRAWS,
    FEWEST,
    Measure,
    likeness,
    mean,
    near_duplicates,
    spread,
    vendi,
)
from selectlang.report.space import hashed_words, of_vectors, of_words, unit
from selectlang.rows import Rows


def pool(count: int, order: list[int] | None = None) -> Rows[Any]:
    rows = [
        {"id": f"r{i}", "prompt": f"ask {i} of {i % 7}", "completion": "word " * (i % 5 + 1)}
        for i in range(count)
    ]
    return Rows(Dataset.from_records([rows[i] for i in order or range(count)], id="id"))


def vectors(rows: Rows[Any], width: int = 6) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).standard_normal((len(rows), width)).astype(np.float32)


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_the_vendi_score_is_that_of_its_definition(count: int, width: int, seed: int) -> None:
    rows = unit(np.random.default_rng(seed).standard_normal((count, width)))
    sizes = np.linalg.eigvalsh((rows @ rows.T).astype(np.float64) / count)
    entropy = -sum(size * math.log(size) for size in sizes.tolist() if size > 1e-12)
    assert vendi(rows) == pytest.approx(math.exp(entropy), rel=1e-4)


def test_the_vendi_score_counts_unlike_rows() -> None:
    assert vendi(np.eye(5, dtype=np.float32)) == pytest.approx(5)
    assert vendi(np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)) == pytest.approx(3)
    assert vendi(np.tile(np.eye(1, 4, dtype=np.float32), (6, 1))) == pytest.approx(1)
    assert math.isnan(vendi(np.empty((0, 4), np.float32)))


@given(st.integers(2, 20), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_near_duplicates_are_those_of_a_double_loop(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = unit(rng.integers(0, 3, (count, 3)) + 0.01 * rng.standard_normal((count, 3)))
    alike = [
        any(float(rows[i] @ rows[j]) >= 0.95 - 1e-6 for j in range(count) if j != i) for i in range(count)
    ]
    assert near_duplicates(rows, count) == pytest.approx(sum(alike) / count)
    assert near_duplicates(rows, 1) == alike[0]


def test_a_single_row_has_no_duplicate() -> None:
    assert near_duplicates(np.eye(1, 3, dtype=np.float32), 10) == 0
    assert math.isnan(near_duplicates(np.empty((0, 3), np.float32), 10))


@given(st.lists(st.integers(-1, 4), min_size=1, max_size=40), st.data())
@settings(deadline=None, max_examples=40)
def test_spread_counts_groups(codes: list[int], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(codes) - 1), min_size=1))
    reached, entropy = spread("topics", np.array(codes), 5)
    counts = Counter(codes[row] for row in rows if codes[row] >= 0)
    expected = -sum(n / counts.total() * math.log2(n / counts.total()) for n in counts.values())
    assert reached.of(np.array(rows)) == len(counts)
    assert reached.most == 5
    assert entropy.of(np.array(rows)) == pytest.approx(expected)


def test_a_mean_leaves_missing_numbers_out_and_says_their_share() -> None:
    average, missing = mean("score", "s", np.array([1.0, np.nan, 4.0]))
    assert average.of(np.array([0, 1, 2])) == 2.5
    assert math.isnan(average.of(np.array([1])))
    assert missing.of(np.array([0, 1])) == 0.5
    assert [each.what for each in mean("score", "s", np.array([1.0, 2.0]))] == ["score"]


def test_draws_are_of_the_pool_each_row_once_and_as_many_as_chosen() -> None:
    rows = pool(90)
    found = arms(ground(rows, np.array([3, 3, 5, 8]), 7), 7)
    assert len(found.random) == DRAWS
    assert all(len(draw) == len(set(draw.tolist())) == 4 for draw in found.random)
    assert len({tuple(draw.tolist()) for draw in found.random}) == DRAWS
    counts = Counter(row for draw in found.random for row in draw.tolist())
    assert len(counts) > 40  # of 90 rows, 80 are drawn with repeats
    assert sorted(found.pool.tolist()) == list(range(90))


def test_draws_do_not_depend_on_the_order_of_the_file() -> None:
    order = np.random.default_rng(0).permutation(60).tolist()
    one, other = pool(60), pool(60, order)
    drawn = []
    for rows in (one, other):
        base = ground(rows, np.arange(6), 11)
        drawn.append([base.rows.take(draw).ids() for draw in arms(base, 11).random])
    assert drawn[0] == drawn[1]
    changed = ground(one, np.arange(6), 12)
    assert [changed.rows.take(draw).ids() for draw in arms(changed, 12).random] != drawn[0]


def test_a_budget_in_tokens_is_drawn_by_tokens() -> None:
    rows = pool(200)
    tokens = np.arange(200, dtype=float) % 13 + 1
    base = ground(rows, np.array([12, 25, 38]), 5)  # 13 tokens each
    for draw in arms(base, 5, tokens).random:
        spent = tokens[draw].sum()
        assert spent <= 39
        assert spent > 39 - 13
    few = arms(ground(rows, np.array([0]), 5), 5, tokens * 0 + 50).random
    assert all(len(draw) == 1 for draw in few)


def test_a_large_pool_is_stood_for_by_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grounds, "FRAME", 30)
    monkeypatch.setattr(grounds, "SAMPLE", 5)
    rows = pool(300)
    base = ground(rows, np.arange(200, 290), 3)
    assert len(base.frame) == 30
    assert len(base.chosen) == 10
    assert set(base.rows.take(base.chosen).ids()) <= {f"r{i}" for i in range(200, 290)}
    assert len(base.rows) <= 40
    monkeypatch.setattr(grounds, "LETTERS", 100)
    assert len(ground(rows, np.arange(5), 3).frame) < 30


@pytest.mark.parametrize("sampled", [False, True])
def test_likeness_is_measured_of_the_rows_that_have_a_vector(
    sampled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pool(40)
    if sampled:
        monkeypatch.setattr(measures, "SAMPLE", 6)
    half = rows.take(np.arange(20))
    matrix = vectors(half)
    matrix[7] = matrix[3]
    space = of_vectors("v", Vectors(half, matrix))
    score, alike = likeness(space, rows, 12, 1)
    index = np.array([3, 7, 9, 30, 35])
    assert score.of(index) == pytest.approx(vendi(unit(matrix[[3, 7, 9]])))
    assert alike.of(index) == pytest.approx(2 / 3)
    assert (alike.alone, score.alone, score.about) == (True, True, "v")  # the pool is larger than a selection
    if sampled:
        some = score.of(np.arange(20))
        assert some <= 6 + 1e-6
        assert score.of(np.arange(20)[::-1]) == pytest.approx(some)  # whatever the order
    assert math.isnan(score.of(np.array([30, 31])))


def test_fewer_draws_are_compared_where_each_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pool(40)
    space = of_vectors("v", Vectors(rows, vectors(rows)))
    assert {each.draws for each in likeness(space, rows, 10, 1)} == {DRAWS}
    monkeypatch.setattr(measures, "WORK", 10 * 10 * 6 * 5)
    assert {each.draws for each in likeness(space, rows, 10, 1)} == {5}
    monkeypatch.setattr(measures, "WORK", 1)
    assert {each.draws for each in likeness(space, rows, 10, 1)} == {FEWEST}


def test_compared_are_the_chosen_the_draws_and_the_pool() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, np.nan])
    base = Ground(pool(5), np.array([3]), np.arange(5))
    found = arms(base, 1)
    several = [
        *mean("score", "s", values),
        Measure("largest", "", lambda rows: float(rows.max()), alone=True),
    ]
    score, missing, largest = compare(found, several)
    drawn = [values[draw].item() for draw in found.random]
    known = [value for value in drawn if value == value]
    assert (score["chosen"], score["pool"]) == (4.0, 2.5)
    assert score["random"] == pytest.approx(sum(known) / len(known), abs=1e-4)
    assert (score["lowest"], score["highest"], score["draws"]) == (min(known), max(known), DRAWS)
    assert missing["random"] == pytest.approx(1 - len(known) / len(drawn))
    assert largest["pool"] is None


def test_what_random_rows_give_is_hardly_ever_beyond_random_draws() -> None:
    """Of 21 equal draws each is the lowest or the highest twice, so about one measure in ten is beyond."""
    rows, values = pool(400), np.random.default_rng(4).standard_normal(400)
    beyond = 0
    for seed in range(200):
        chosen = np.random.default_rng(1000 + seed).permutation(400)[:40]
        (found,) = compare(arms(ground(rows, chosen, seed), seed), mean("score", "s", values))
        beyond += not found["lowest"] <= found["chosen"] <= found["highest"]
    assert 5 <= beyond <= 40  # 19 are expected


def test_words_stand_for_texts() -> None:
    texts = [
        "the quick brown fox jumps over the lazy dog",
        "The quick, brown FOX jumps over the lazy dog!",
        "a completely different sentence about the weather in spring",
        "",
    ]
    found = hashed_words(texts + [f"the filler {i} text {i * i}" for i in range(50)])
    cosines = found @ found.T
    assert cosines[0, 1] == pytest.approx(1, abs=1e-6)
    assert abs(cosines[0, 2]) < 0.3
    assert not found[3].any()
    assert np.allclose(np.linalg.norm(found[:3], axis=1), 1, atol=1e-5)
    assert hashed_words([]).shape == (0, found.shape[1])


def test_words_do_not_depend_on_the_order_of_rows() -> None:
    rows = pool(30)
    one, other = of_words(rows), of_words(rows.take(np.arange(29, -1, -1)))
    index = np.array([4, 9, 17])
    assert np.allclose(one.take(index), other.take(index), atol=1e-6)
    some = of_words(rows.take(np.array([2, 5])))
    assert some.known(np.array([2, 3, 5])).tolist() == [True, False, True]
    assert not some.take(np.array([3])).any()


def test_unit_vectors_bear_any_number() -> None:
    rows = np.array([[3, 4], [0, 0], [np.nan, 1], [np.inf, 1], [1e38, 1e38], [1e-40, 0]], np.float32)
    found = unit(rows)
    assert np.isfinite(found).all()
    assert found[0].tolist() == pytest.approx([0.6, 0.8])
    assert found[1].tolist() == [0, 0]
    assert np.linalg.norm(found[4]) == pytest.approx(1, abs=1e-5)
