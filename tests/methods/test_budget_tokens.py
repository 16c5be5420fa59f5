"""Budgets in tokens, against a loop over every number of rows; and what a size says of itself."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins.budget import _common
from selectlang_plugins.budget.per_cluster import MOST_DRAWS, per_cluster
from selectlang_plugins.budget.random import random_
from selectlang_plugins.budget.round_robin import round_robin
from selectlang_plugins.budget.threshold import threshold
from selectlang_plugins.budget.top import top

from ._data import amount, chosen, numbered, pick, rows_of, scores

WORDS = [0, 3, 1, 7, 2, 0, 12, 4, 1, 9]
POOL = rows_of(" ".join(["w"] * words + [str(i)]) for i, words in enumerate(WORDS))
COST = POOL.tokens()
few = st.sampled_from([1, 2, 3, 1024])  # rows whose tokens are counted at first


def clustered(labels: list[int], rows: sl.Rows[Any] | None = None) -> sl.Clusters[Any]:
    rows = numbered(len(labels)) if rows is None else rows
    return sl.Clusters(rows, np.array(labels, np.int32), max(labels) + 1)


@settings(max_examples=120)
@given(
    st.lists(st.integers(0, 3), min_size=10, max_size=10),
    st.integers(1, 60),
    st.sampled_from(["proportional", "equal", "sqrt"]),
    st.sampled_from(["redistribute", "lose"]),
    st.sampled_from(["largest_remainder", "floor"]),
    st.booleans(),
    few,
)
def test_per_cluster_takes_a_number_of_rows_that_fits_while_one_more_does_not(
    labels: list[int], limit: int, share: Any, shortage: Any, rounding: Any, replace: bool, start: int
) -> None:
    def drawn(size: int | str) -> list[int]:
        choice = per_cluster(
            clustered(labels, POOL), size=amount(size), draw="random", share=share, replace=replace,
            shortage=shortage, rounding=rounding, seed=1,
        )  # fmt: skip
        found: list[int] = choice.selection.rows.positions.tolist()
        return found

    most = max(len(POOL), limit)
    orders = [[], *(drawn(count) for count in range(1, most + 1))]
    costs = [int(COST[order].sum()) for order in orders]
    with mock.patch.object(_common, "_START", start):
        found = drawn(f"{limit} tokens")
    ends = [n for n in range(most + 1) if costs[n] <= limit and (n == most or costs[n + 1] > limit)]
    if replace or rounding == "largest_remainder":  # where a row more may cost less in all
        assert found in [orders[n] for n in ends]
    else:
        assert costs == sorted(costs)
        assert found == orders[ends[-1]]


@given(st.permutations(range(10)), st.integers(1, 60), few)
def test_top_takes_rows_until_the_first_that_does_not_fit(ranks: list[int], limit: int, start: int) -> None:
    order, spent = np.argsort(ranks).tolist(), 0
    expected = []
    for row in order:
        spent += COST[row]
        if spent > limit:
            break
        expected.append(row)
    with mock.patch.object(_common, "_START", start):
        choice = top(scores([-r for r in ranks], rows=POOL), size=amount(f"{limit} tokens"), seed=0)
    assert choice.selection.rows.positions.tolist() == expected


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=10, max_size=10), few, st.data()
)
def test_round_robin_takes_a_beginning_of_its_turns(
    values: list[list[int]], start: int, data: st.DataObject
) -> None:
    how = data.draw(st.sampled_from(["lose", "next", "repeat"]))
    limit = data.draw(st.integers(1, 90))
    given_ = scores(values, ["a", "b"], POOL)
    whole = round_robin(given_, size=amount(99), duplicates=how, seed=0).selection.rows.positions
    with mock.patch.object(_common, "_START", start):
        choice = round_robin(given_, size=amount(f"{limit} tokens"), duplicates=how, seed=0)
    most = min(len(whole), max(len(POOL), limit))
    fits = int(np.searchsorted(np.cumsum(COST[whole]), limit, side="right"))
    assert choice.selection.rows.positions.tolist() == whole[: min(fits, most)].tolist()


@pytest.mark.parametrize("shortage", ["lose", "redistribute"])
def test_floors_do_not_end_a_choice_early(shortage: Any) -> None:
    """Three clusters get no more than 1,023 of the first 1,024 rows that are tried."""
    choice = per_cluster(
        clustered([i % 3 for i in range(5000)]), size=amount("9002 tokens"), draw="random",
        share="equal", shortage=shortage, rounding="floor", seed=0,
    )  # fmt: skip
    assert len(chosen(choice)) == 4500  # of two tokens each; 4,503 would be the next
    assert choice.selection.notes == [
        "asked for 9,002 tokens, 5,000 were eligible: chose 4,500 rows of 9,000 tokens"
    ]


def test_a_budget_in_tokens_says_how_many_it_has_spent() -> None:
    note = "asked for 11 tokens, 10 were eligible: chose 5 rows of 10 tokens"
    assert top(scores(range(10)), size=amount("11 tokens"), seed=0).selection.notes == [note]
    assert random_(numbered(10), size=amount("11 tokens"), seed=0).selection.notes == [note]
    kept = threshold(scores(range(10)), at_least=5, size=amount("99 tokens"), seed=0)
    assert kept.selection.notes == ["asked for 99 tokens, 5 were eligible: chose 5 rows of 10 tokens"]
    assert threshold(scores(range(10)), at_least=5, size=amount(3), seed=0).selection.notes == []


def test_what_is_lost_is_said_only_of_what_is_lost() -> None:
    """A first row that does not fit is no fault of shortage or rounding."""
    choice = per_cluster(clustered([0, 0, 1]), size=amount("1 tokens"), draw="random", seed=0)
    assert choice.selection.notes == ["asked for 1 tokens, 3 were eligible: chose 0 rows of 0 tokens"]


class TestNothing:
    """A size that comes to no row at all."""

    note = "1% of 40 rows comes to 0 rows: chose none"

    def test_every_budget_says_so(self) -> None:
        values, size = scores(range(40)), amount("1%")
        for choice in (
            top(values, size=size, seed=0),
            random_(numbered(40), size=size, seed=0),
            round_robin(values, size=size, seed=0),
            threshold(values, at_least=3, size=size, seed=0),
            per_cluster(clustered([0, 1] * 20), size=size, draw="random", seed=0),
        ):
            assert chosen(choice) == []
            assert choice.selection.notes == [self.note]

    def test_a_share_is_of_the_rows_before_skip(self) -> None:
        inside, skip = pick(numbered(60), list(range(40))), pick(numbered(60), [0])
        choice = top(scores(range(60)), inside, skip, size=amount("1%"), seed=0)
        assert choice.selection.notes == [self.note]

    def test_a_round_of_a_loop_may_get_none(self) -> None:
        rounds = [top(scores(range(40)), size=amount(2).of_round(i, 3), seed=0) for i in range(3)]
        assert [(len(chosen(c)), c.selection.notes) for c in rounds] == [(0, []), (1, []), (1, [])]
        parts = [top(scores(range(40)), size=amount("1%").of_round(i, 3), seed=0) for i in range(3)]
        assert [c.selection.notes for c in parts] == [[self.note]] * 3

    def test_of_no_rows_nothing_is_said_of_the_share(self) -> None:
        every = pick(numbered(2), [])
        assert top(scores([1, 2]), every, size=amount("1%"), seed=0).selection.notes == []


def test_draws_with_replacement_are_bounded() -> None:
    for size in (MOST_DRAWS + 1, 10**9, 10**30, "100B tokens"):
        with (
            mock.patch("selectlang_plugins.budget.per_cluster.MOST_DRAWS", 4096),
            pytest.raises(sl.DataError, match=r"takes more than 4,096 draws .* or say replace: false"),
        ):
            per_cluster(clustered([0, 1]), size=amount(size), draw="random", replace=True, seed=0)


@pytest.mark.parametrize("shortage", ["lose", "redistribute"])
@pytest.mark.parametrize("size", [10**9, 10**30])
def test_a_huge_size_takes_all_rows(size: int, shortage: Any) -> None:
    choice = per_cluster(clustered([0, 1, 1]), size=amount(size), draw="random", shortage=shortage, seed=0)
    assert sorted(chosen(choice)) == [0, 1, 2]
    assert choice.selection.notes == [f"asked for {size:,} rows, 3 were eligible: chose 3"]


def test_tokens_are_counted_of_few_rows_each_once_and_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    tokens = sl.Rows.tokens
    monkeypatch.setattr(sl.Rows, "tokens", lambda rows: counted.append(len(rows)) or tokens(rows))
    pool = scores(range(20_000))  # of two tokens a row
    for limit, rows, first in ((100, 1024, 1024), (5000, 4096, 1024), (10**6, 20_000, 20_000)):
        monkeypatch.setattr(_common, "_START", first)
        counted.clear()
        assert len(chosen(top(pool, size=amount(f"{limit} tokens"), seed=0))) == min(limit // 2, 20_000)
        assert sum(counted) == rows
        assert max(counted) <= 8192
