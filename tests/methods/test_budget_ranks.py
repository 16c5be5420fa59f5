"""budget: top, bottom, band, threshold; and what all budgets share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins.budget._ranks import lowest
from selectlang_plugins.budget.band import band
from selectlang_plugins.budget.bottom import bottom
from selectlang_plugins.budget.threshold import threshold
from selectlang_plugins.budget.top import top

from ._data import amount, chosen, numbered, pick, rows_of, scores

NAN = math.nan
some_scores = st.lists(st.sampled_from([NAN, -1.0, 0.0, 0.5, 0.5, 1.0, 2.0, 3.0]), min_size=1, max_size=12)


def ranking(values: list[float], ties: list[float], upwards: bool = False) -> list[int]:
    """Brute force: missing last, then by score, then by ties."""
    sign = 1 if upwards else -1
    return sorted(
        range(len(values)),
        key=lambda i: (math.isnan(values[i]), 0 if math.isnan(values[i]) else sign * values[i], ties[i]),
    )


@given(some_scores, st.integers(1, 14), st.sampled_from(["seed", "order"]), st.integers(0, 5))
def test_top_and_bottom_are_a_plain_sort(values: list[float], size: int, ties: Any, seed: int) -> None:
    rows = numbered(len(values))
    keys = list(range(len(values))) if ties == "order" else rows.draws(seed).tolist()
    for method, upwards in ((top, False), (bottom, True)):
        choice = method(scores(values), size=amount(size), ties=ties, seed=seed)
        assert chosen(choice) == ranking(values, keys, upwards)[:size]
        assert choice.left == max(0, len(values) - size)
        np.testing.assert_array_equal(choice.selection.scores, [values[i] for i in chosen(choice)])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20), st.integers(0, 22))
def test_lowest_is_the_beginning_of_a_full_sort(pairs: list[tuple[int, int]], count: int) -> None:
    keys = [np.array([pair[0] for pair in pairs], float), np.array([pair[1] for pair in pairs])]
    expected = sorted(range(len(pairs)), key=lambda i: (*pairs[i], i))[:count]
    assert lowest(keys, count).tolist() == expected


lines = st.lists(st.sampled_from([NAN, -math.inf, -1.0, 0.5, 0.5, 2.0]), min_size=4)


@given(st.integers(1, 4), st.lists(lines, min_size=1))
def test_the_best_column_is_the_first_of_the_largest(columns: int, table: list[list[float]]) -> None:
    values = np.array([line[:columns] for line in table])
    expected = np.argmax(np.where(np.isnan(values), -np.inf, values), axis=1).tolist()
    assert sl.Scores(numbered(len(table)), values).best_column().tolist() == expected


@given(some_scores, st.floats(0, 0.99), st.integers(1, 14))
def test_band_is_a_window_of_the_descending_ranks(values: list[float], start: float, size: int) -> None:
    first = math.floor(round(start, 2) * 100 * len(values) / 100 + 1e-9)
    choice = band(scores(values), size=amount(size), start=round(start, 2), ties="order", seed=0)
    assert chosen(choice) == ranking(values, list(range(len(values))))[first : first + size]


def test_band_of_the_paper_starts_at_a_third_and_writes_its_own_scores() -> None:
    values = np.random.default_rng(0).permutation(10_000).astype(float)
    choice = band(scores(values), size=amount(500), start=0.33, seed=1)
    assert choice.selection.scores is not None
    assert choice.selection.scores.tolist() == [9_999.0 - rank for rank in range(3300, 3800)]
    assert values[chosen(choice)].tolist() == choice.selection.scores.tolist()


def test_band_counts_ranks_exactly() -> None:
    values = np.arange(100.0)
    assert chosen(band(scores(values), size=amount(1), start=0.29, seed=0)) == [100 - 1 - 29]


def test_nothing_known_is_a_random_draw_that_the_seed_decides() -> None:
    nothing = scores([NAN] * 40)
    draws = [tuple(chosen(top(nothing, size=amount(10), seed=seed))) for seed in range(20)]
    assert len(set(draws)) == 20
    assert draws[3] == tuple(chosen(top(nothing, size=amount(10), seed=3)))
    assert set().union(*draws) == set(range(40))


def test_missing_scores_come_after_all_others_in_bottom_too() -> None:
    assert chosen(bottom(scores([NAN, 3, 1, NAN]), size=amount(3), ties="order", seed=0)) == [2, 1, 0]


def test_the_largest_column_counts_and_is_named() -> None:
    """The toy example of RDS+: with a column a query, the top is the global maximum."""
    values = np.full((10, 2), -1.0)
    values[[2, 3, 4, 5, 6], 0] = [0.95, 0.94, 0.93, 0.92, 0.91]
    values[[2, 7, 8], 1] = [0.60, 0.55, 0.54]
    given_ = sl.Scores(
        numbered(10), values, ["a", "b"], np.tile(np.array([4, 0], np.int32), (10, 1)), list("vwxyz")
    )
    choice = top(given_, size=amount(5), seed=0)
    assert chosen(choice) == [2, 3, 4, 5, 6]
    assert choice.selection.why["group"].tolist() == ["a"] * 5
    assert choice.selection.why["target"].tolist() == ["z"] * 5
    choice = top(given_, pick(numbered(10), [8, 7]), size=amount(2), seed=0)
    assert choice.selection.why["group"].tolist() == ["b", "b"]
    assert choice.selection.why["target"].tolist() == ["v", "v"]


def test_a_row_of_no_score_has_no_group_and_no_target() -> None:
    values = np.array([[NAN, NAN], [NAN, 1.0]])
    nearest = np.array([[-1, -1], [-1, 0]], dtype=np.int32)
    choice = top(sl.Scores(numbered(2), values, ["a", "b"], nearest, ["t"]), size=amount(2), seed=0)
    assert chosen(choice) == [1, 0]
    assert choice.selection.why["group"].tolist() == ["b", ""]
    assert choice.selection.why["target"].tolist() == ["t", ""]


def test_within_and_skip() -> None:
    rows = numbered(6)
    values = sl.Scores(rows.take(np.array([5, 4, 3, 2])), np.array([5.0, 4.0, 3.0, 2.0]))
    inside = pick(rows, [0, 3, 3, 4, 2])
    choice = top(values, inside, pick(rows, [4, 1]), size=amount(3), seed=0)
    assert chosen(choice) == [3, 2, 0], "0 has no score and comes last, 3 stands twice and counts once"
    assert choice.left == 0
    assert chosen(top(values, skip=pick(rows, [5]), size=amount(1), seed=0)) == [4]
    assert chosen(top(values, inside, pick(rows, []), size=amount("50%"), ties="order", seed=0)) == [4, 3]


def test_a_share_is_of_the_rows_before_skip() -> None:
    choice = top(scores(range(10)), skip=pick(numbered(10), [9, 8, 7, 6]), size=amount("40%"), seed=0)
    assert chosen(choice) == [5, 4, 3, 2]
    assert choice.left == 2


def test_what_cannot_be_met_is_said() -> None:
    choice = top(scores(range(60)), size=amount(100), seed=0)
    assert len(chosen(choice)) == 60
    assert choice.selection.notes == ["asked for 100 rows, 60 were eligible: chose 60"]
    assert top(scores(range(60)), size=amount(60), seed=0).selection.notes == []


def test_no_eligible_row_is_an_empty_selection() -> None:
    choice = top(scores([1, 2]), skip=pick(numbered(2), [0, 1]), size=amount(1), seed=0)
    assert chosen(choice) == []
    assert choice.left == 0
    assert choice.selection.notes == ["asked for 1 rows, 0 were eligible: chose 0"]


def test_rounds_of_a_loop_divide_an_amount_without_a_remainder() -> None:
    parts = [top(scores(range(20)), size=amount(10).of_round(i, 3), seed=0) for i in range(3)]
    assert [len(chosen(part)) for part in parts] == [3, 3, 4]


class TestTokens:
    """A row of n words has n + 1 tokens: its text is its id and "yes"."""

    rows = rows_of([" ".join(["w"] * n + [f"r{n}"]) for n in (3, 1, 4, 1 + 4, 9, 2)])
    cost = (5, 3, 6, 7, 11, 4)

    def names(self, limit: int, values: tuple[float, ...] = (6, 5, 4, 3, 2, 1)) -> Any:
        return top(scores(values, rows=self.rows), size=amount(f"{limit} tokens"), seed=0)

    def test_counts(self) -> None:
        assert tuple(self.rows.tokens().tolist()) == self.cost

    @pytest.mark.parametrize("limit", range(1, 40))
    def test_the_first_row_that_does_not_fit_ends_it(self, limit: int) -> None:
        expected, spent = 0, 0
        while expected < 6 and spent + self.cost[expected] <= limit:
            spent += self.cost[expected]
            expected += 1
        choice = self.names(limit)
        assert choice.selection.rows.positions.tolist() == list(range(expected))
        assert choice.left == 6 - expected
        note = f"asked for {limit} tokens, 6 were eligible: chose {expected} rows of {spent} tokens"
        assert choice.selection.notes == [note]

    def test_more_rows_than_are_counted_at_first(self) -> None:
        values = np.random.default_rng(0).permutation(5000).astype(float)
        choice = top(scores(values), size=amount("7001 tokens"), seed=0)
        assert chosen(choice) == np.argsort(-values)[:3500].tolist()


@given(some_scores, st.sampled_from([-1.0, 0.0, 0.5, 1.0]), st.sampled_from([0.5, 1.0, 2.0]))
def test_threshold_is_a_plain_filter(values: list[float], low: float, high: float) -> None:
    order = ranking(values, list(range(len(values))))
    for settings, keep in (
        ({"at_least": low}, lambda v: v >= low),
        ({"above": low}, lambda v: v > low),
        ({"at_most": high}, lambda v: v <= high),
        ({"below": high}, lambda v: v < high),
        ({"above": low, "at_most": high}, lambda v: low < v <= high),
        ({"at_least": low, "below": high}, lambda v: low <= v < high),
    ):
        choice = threshold(scores(values), **settings, ties="order", seed=0)
        assert chosen(choice) == [i for i in order if keep(values[i])]
        assert choice.left == 0
        assert choice.selection.notes == []


def test_threshold_may_be_capped() -> None:
    choice = threshold(scores(range(10)), at_least=4, size=amount(2), seed=0)
    assert chosen(choice) == [9, 8]
    assert choice.left == 4
    choice = threshold(scores(range(10)), pick(numbered(10), [1, 5, 7]), at_least=4, seed=0)
    assert chosen(choice) == [7, 5]


def test_threshold_needs_a_bound() -> None:
    with pytest.raises(sl.DataError, match="state at_least, above, at_most or below"):
        threshold(scores([1, 2]), seed=0)


@pytest.mark.parametrize("size", [amount(7), amount("13 tokens")])
def test_the_order_of_the_file_does_not_matter(size: sl.Amount) -> None:
    names = [f"id{i}" for i in range(30)]
    values = {name: float(i % 3) for i, name in enumerate(names)}
    found = []
    for order in (names, names[::-1], sorted(names, key=lambda name: name[::-1])):
        given_ = scores([values[name] for name in order], rows=rows_of(order))
        found.append(
            [
                top(given_, size=size, seed=3).selection.rows.ids(),
                bottom(given_, size=size, seed=3).selection.rows.ids(),
                band(given_, start=0.3, size=size, seed=3).selection.rows.ids(),
                threshold(given_, above=0.5, size=size, seed=3).selection.rows.ids(),
            ]
        )
    assert found[0] == found[1] == found[2]


def test_few_of_many_are_found_without_a_full_sort(monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_, lexsort = [], np.lexsort

    def watched(keys: Any) -> Any:
        sorted_.append(len(keys[0]))
        return lexsort(keys)

    random = np.random.default_rng(0)
    keys = [random.integers(0, 100, 10_000), random.random(10_000)]
    expected = lexsort(keys[::-1])[:50]
    monkeypatch.setattr(np, "lexsort", watched)
    assert lowest(keys, 50).tolist() == expected.tolist()
    assert sorted_ == [50]
