"""budget: round_robin, by the properties 8 to 14 of the report on RDS+."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins.budget.round_robin import _losing, _next_best, _repeating, round_robin
from selectlang_plugins.budget.top import top

from ._data import amount, chosen, numbered, pick, rows_of, scores

NAN = math.nan
Duplicates = Literal["lose", "next", "repeat"]
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.sampled_from([NAN, 0.0, 0.1, 0.1, 0.2, 0.3, 0.4, 0.5]), min_size=width, max_size=width),
        min_size=1,
        max_size=9,
    )
)


def naive(table: list[list[float]], size: int, duplicates: Duplicates, ties: list[float]) -> list[Any]:
    """One list a column, popped from the front: (row, column, turn) of each choice."""
    lists = [
        sorted(
            (i for i in range(len(table)) if not math.isnan(table[i][column])),
            key=lambda i, column=column: (-table[i][column], ties[i]),
        )
        for column in range(len(table[0]))
    ]
    found: list[Any] = []
    turn = 0
    while any(lists):
        turn += 1
        for column, left in enumerate(lists):
            while left:
                row = left.pop(0)
                new = row not in [old for old, _, _ in found]
                if new or duplicates == "repeat":
                    found.append((row, column, turn))
                if new or duplicates != "next":
                    break
    return found[:size]


@given(tables, st.integers(1, 12), st.sampled_from(["lose", "next", "repeat"]), st.integers(0, 3))
def test_it_is_the_naive_one(table: list[list[float]], size: int, duplicates: Duplicates, seed: int) -> None:
    names = [f"c{i}" for i in range(len(table[0]))]
    ties = numbered(len(table)).draws(seed).tolist()
    choice = round_robin(scores(table, names), size=amount(size), duplicates=duplicates, seed=seed)
    expected = naive(table, size, duplicates, ties)
    assert chosen(choice) == [row for row, _, _ in expected]
    if expected:
        assert choice.selection.why["group"].tolist() == [names[column] for _, column, _ in expected]
        assert choice.selection.why["turn"].tolist() == [turn for _, _, turn in expected]
    assert choice.selection.scores is not None
    assert choice.selection.scores.tolist() == [table[row][column] for row, column, _ in expected]
    some = sum(not all(map(math.isnan, line)) for line in table)
    assert choice.left == some - len({row for row, _, _ in expected})


def single_task() -> sl.Scores[Any]:
    values = np.full((10, 2), -1.0)
    values[[2, 3, 4, 5, 6], 0] = [0.95, 0.94, 0.93, 0.92, 0.91]
    values[[2, 7, 8], 1] = [0.60, 0.55, 0.54]
    return scores(values, ["q0", "q1"])


def test_toy_example_of_one_task() -> None:
    assert chosen(round_robin(single_task(), size=amount(5), seed=0)) == [2, 3, 7, 4, 8]
    assert chosen(top(single_task(), size=amount(5), seed=0)) == [2, 3, 4, 5, 6]


def test_toy_example_of_several_tasks() -> None:
    first = {row: -rank for rank, row in enumerate([2, 3, 4, 5, 6])}
    second = {row: -rank for rank, row in enumerate([0, 1, 2, 3, 4])}
    table = [[first.get(row, -9.0), second.get(row, -9.0)] for row in range(7)]
    given_ = scores(table, ["A", "B"])
    assert chosen(round_robin(given_, size=amount(6), seed=0)) == [2, 0, 3, 1, 4, 5]
    assert chosen(round_robin(given_, size=amount(6), duplicates="next", seed=0)) == [2, 0, 3, 1, 4, 5]
    assert chosen(round_robin(given_, size=amount(6), duplicates="repeat", seed=0)) == [2, 0, 3, 1, 4, 2]


def test_a_lost_turn_is_not_made_up_for() -> None:
    table = [[3.0, 3.0], [2.0, 1.0], [1.0, 2.0], [0.0, 0.0]]
    assert chosen(round_robin(scores(table), size=amount(2), seed=0)) == [0, 1]
    assert chosen(round_robin(scores(table), size=amount(2), duplicates="next", seed=0)) == [0, 2]


@pytest.mark.parametrize("duplicates", ["lose", "next", "repeat"])
def test_one_query_is_top(duplicates: Duplicates) -> None:
    values = np.random.default_rng(1).integers(0, 9, 50).astype(float)
    expected = chosen(top(scores(values), size=amount(20), seed=4))
    for shaped in (values, values[:, None]):
        choice = round_robin(scores(shaped), size=amount(20), duplicates=duplicates, seed=4)
        assert chosen(choice) == expected
        assert choice.selection.why["turn"].tolist() == list(range(1, 21))


@pytest.mark.parametrize("duplicates", ["lose", "next"])
def test_identical_queries_choose_the_top(duplicates: Duplicates) -> None:
    values = np.random.default_rng(1).integers(0, 9, 50).astype(float)
    choice = round_robin(scores(np.stack([values] * 7, 1)), size=amount(20), duplicates=duplicates, seed=4)
    assert chosen(choice) == chosen(top(scores(values), size=amount(20), seed=4))


@pytest.mark.parametrize("duplicates", ["lose", "next"])
def test_the_whole_pool_is_a_permutation_and_prefixes_are_nested(duplicates: Duplicates) -> None:
    table = np.random.default_rng(2).integers(0, 20, (60, 5)).astype(float)
    table[np.random.default_rng(3).random((60, 5)) < 0.2] = NAN
    table[:, 0] = np.arange(60)
    whole = chosen(round_robin(scores(table), size=amount(60), duplicates=duplicates, seed=5))
    assert sorted(whole) == list(range(60))
    for size in (1, 7, 30, 59):
        choice = round_robin(scores(table), size=amount(size), duplicates=duplicates, seed=5)
        assert chosen(choice) == whole[:size]
    beyond = round_robin(scores(table), size=amount(61), duplicates=duplicates, seed=5)
    assert chosen(beyond) == whole
    assert beyond.selection.notes == ["asked for 61 rows, 60 were eligible: chose 60"]


def test_a_rising_transform_of_one_task_changes_nothing() -> None:
    table = np.random.default_rng(6).random((200, 4))
    other = table.copy()
    other[:, 2] = np.exp(5 * other[:, 2]) - 100
    size = amount(60)
    assert chosen(round_robin(scores(table), size=size, seed=0)) == chosen(
        round_robin(scores(other), size=size, seed=0)
    )


@pytest.mark.parametrize("size", [7, 50, 64, 69])
def test_tasks_with_rows_of_their_own_get_equal_parts(size: int) -> None:
    table = np.full((140, 7), NAN)
    for task in range(7):
        table[task * 20 : task * 20 + 20, task] = np.arange(20) + 100 * task
    choice = round_robin(scores(table, list("abcdefg")), size=amount(size), seed=0)
    _, counts = np.unique(choice.selection.why["group"], return_counts=True)
    assert counts.sum() == size
    assert set(counts.tolist()) <= {size // 7, -(-size // 7)}


def test_ties_by_order_go_to_the_earlier_row() -> None:
    table = np.ones((6, 2))
    assert chosen(round_robin(scores(table), size=amount(6), ties="order", seed=0)) == [0, 1, 2, 3, 4, 5]


def test_targets_are_named() -> None:
    nearest = np.array([[0, 2], [1, 3]], dtype=np.int32)
    given_ = sl.Scores(numbered(2), np.array([[0.9, 0.1], [0.2, 0.3]]), ["a", "b"], nearest, list("wxyz"))
    choice = round_robin(given_, size=amount(2), seed=0)
    assert choice.selection.why["group"].tolist() == ["a", "b"]
    assert choice.selection.why["target"].tolist() == ["w", "z"]


def test_within_and_skip() -> None:
    rows = numbered(10)
    given_ = single_task()
    choice = round_robin(given_, pick(rows, [8, 7, 6, 5, 2]), pick(rows, [2, 9]), size=amount(3), seed=0)
    assert chosen(choice) == [5, 7, 6]
    assert choice.left == 1
    some = rows.take(np.array([6, 2, 8]))
    part = sl.Scores(some, given_.values[[6, 2, 8]], given_.columns)
    choice = round_robin(part, pick(rows, [0, 2, 8]), size=amount(3), seed=0)
    assert chosen(choice) == [2, 8], "0 has no score"
    assert choice.left == 0


def test_tokens_and_shares() -> None:
    assert chosen(round_robin(single_task(), size=amount("7 tokens"), seed=0)) == [2, 3, 7]
    assert chosen(round_robin(single_task(), size=amount("30%"), seed=0)) == [2, 3, 7]
    repeated = round_robin(single_task(), size=amount("9 tokens"), duplicates="repeat", seed=0)
    assert chosen(repeated) == [2, 2, 3, 7]
    assert repeated.left == 7


def test_no_columns_and_no_rows() -> None:
    for duplicates in ("lose", "next", "repeat"):
        empty = sl.Scores(numbered(3), np.zeros((3, 0)), [])
        assert chosen(round_robin(empty, size=amount(2), duplicates=duplicates, seed=0)) == []
        choice = round_robin(single_task(), pick(numbered(10), []), size=amount(2), seed=0)
        assert chosen(choice) == []


@pytest.mark.parametrize("duplicates", ["lose", "next", "repeat"])
def test_the_order_of_the_file_does_not_matter(duplicates: Duplicates) -> None:
    names = [f"id{i}" for i in range(40)]
    table = dict(zip(names, np.random.default_rng(0).integers(0, 3, (40, 3)).astype(float), strict=True))
    found = []
    for order in (names, names[::-1], sorted(names, key=lambda name: name[::-1])):
        given_ = scores([table[name] for name in order], rows=rows_of(order))
        choice = round_robin(given_, size=amount(17), duplicates=duplicates, seed=3)
        found.append(choice.selection.rows.ids())
    assert found[0] == found[1] == found[2]


def test_infinite_scores_are_the_best_or_missing() -> None:
    """A perplexity may overflow; minus infinity is how some mark a row as taken."""
    table = [[1.0, 2.0], [math.inf, 1.0], [-math.inf, -math.inf], [0.0, math.inf], [2.0, -math.inf]]
    for duplicates in ("lose", "next"):
        choice = round_robin(scores(table), size=amount(5), duplicates=duplicates, seed=0)
        assert chosen(choice) == [1, 3, 4, 0]
        assert choice.left == 0
        assert choice.selection.notes == ["asked for 5 rows, 4 were eligible: chose 4"]
        every = round_robin(scores([1.0, math.inf, 0.0]), size=amount(3), duplicates=duplicates, seed=0)
        assert chosen(every) == [1, 0, 2]


@pytest.mark.parametrize("take_turns", [_losing, _repeating, _next_best])
def test_columns_are_ranked_no_deeper_than_need_be(take_turns: Any) -> None:
    """Groups that like different rows: each gives its share of the choices, of a pool of many."""
    asked = []

    def best(column: int, depth: int) -> Any:
        asked.append(depth)
        return np.arange(depth) + 10_000 * column

    rows, columns, _ = take_turns(best, 4, 1000, 40_000)
    assert np.bincount(columns).tolist() == [250] * 4
    assert len(set(rows.tolist())) == 1000
    assert asked == [250] * 4
