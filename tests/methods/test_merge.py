"""merge: blend, rank_mean, product, union, intersect, subtract"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins.budget.top import top
from selectlang_plugins.merge.blend import blend
from selectlang_plugins.merge.intersect import intersect
from selectlang_plugins.merge.product import product
from selectlang_plugins.merge.rank_mean import rank_mean
from selectlang_plugins.merge.subtract import subtract
from selectlang_plugins.merge.union import union

from ._data import amount, chosen, numbered, pick, scores

NAN = math.nan
ROWS = numbered(6)
numbers = st.sampled_from([NAN, -2.0, 0.0, 1.0, 1.0, 3.0])


def some(index: list[int], values: Any, columns: list[str] | None = None) -> sl.Scores[Any]:
    """Scores about some rows of ROWS."""
    return scores(values, columns, ROWS.take(np.array(index, dtype=np.int64)))


def by_row(given_: sl.Scores[Any]) -> dict[str, float]:
    """The known scores by id."""
    pairs = zip(given_.rows.ids(), given_.values.tolist(), strict=True)
    return {name: value for name, value in pairs if not math.isnan(value)}


def parts(width: int = 0) -> Any:
    """Scores about some rows each, in any order."""
    cell = st.lists(numbers, min_size=width, max_size=width) if width else numbers
    one = st.dictionaries(st.integers(0, 5), cell, max_size=6)
    return st.lists(one, min_size=1, max_size=3)


@given(parts(), st.sampled_from([None, 0.0, 0.25, 1.0]))
def test_blend_is_the_weighted_mean_of_what_is_known(
    given_: list[dict[int, float]], share: float | None
) -> None:
    if len(given_) == 1:
        share = None
    rest = [1.0] * len(given_) if share is None else [share] + [(1 - share) / (len(given_) - 1)] * 2
    expected = {}
    for row in range(6):
        known = [
            (w, part[row])
            for w, part in zip(rest, given_, strict=False)
            if row in part and w and not math.isnan(part[row])
        ]
        if known:
            expected[str(row)] = sum(w * v for w, v in known) / sum(w for w, _ in known)
    found = blend([some(list(part), list(part.values())) for part in given_], share=share)
    assert by_row(found) == pytest.approx(expected)
    assert set(found.rows.ids()) == {str(row) for part in given_ for row in part}


def test_blend_of_one_input_is_the_mean_max_of_rds() -> None:
    table = np.random.default_rng(0).random((30, 7))
    found = blend([scores(table, list("abcdefg"))])
    np.testing.assert_allclose(found.values, table.mean(axis=1))
    table[0, 1:] = NAN
    table[1] = NAN
    found = blend([scores(table, list("abcdefg"))])
    assert found.values[0] == table[0, 0]
    assert math.isnan(found.values[1])


def test_blend_lets_a_task_with_higher_scores_decide_where_round_robin_does_not() -> None:
    table = np.array([[0.9, 0.1], [0.8, 0.1], [0.1, 0.3], [0.1, 0.2]])
    assert chosen(top(blend([scores(table)]), size=amount(2), seed=0)) == [0, 1]


def test_blend_of_several_columns_and_a_share() -> None:
    found = blend([scores([[1, 3], [NAN, 4]]), scores([10, NAN])], share=0.25)
    assert found.values.tolist() == [0.25 * 2 + 0.75 * 10, 4]


def test_blend_without_anything_known_is_missing() -> None:
    found = blend([scores([NAN, 1]), scores([NAN, 2])], share=0.5)
    assert math.isnan(found.values[0])
    assert found.values[1] == 1.5


def test_a_share_of_one_input_is_an_error() -> None:
    with pytest.raises(sl.DataError, match="one input"):
        blend([scores([1])], share=0.5)


@given(parts(2))
def test_rank_mean_is_the_mean_of_brute_force_ranks(given_: list[dict[int, list[float]]]) -> None:
    found: dict[str, list[float]] = {}
    for part in given_:
        for column in range(2):
            known = {row: line[column] for row, line in part.items() if not math.isnan(line[column])}
            for row, value in known.items():
                below = sum(other < value for other in known.values())
                same = sum(other == value for other in known.values()) - 1
                rank = (below + same / 2) / (len(known) - 1) if len(known) > 1 else 0.5
                found.setdefault(str(row), []).append(rank)
    merged = rank_mean([some(list(p), np.reshape(list(p.values()), (-1, 2)), ["a", "b"]) for p in given_])
    assert by_row(merged) == pytest.approx({row: np.mean(ranks) for row, ranks in found.items()})


def test_rank_mean_is_the_same_for_any_rising_scale() -> None:
    a, b = np.random.default_rng(0).random((2, 50))
    plain = rank_mean([scores(a), scores(b)])
    np.testing.assert_array_equal(plain.values, rank_mean([scores(np.exp(9 * a)), scores(b - 7)]).values)
    assert rank_mean([scores([5, 3, 9])]).values.tolist() == [0.5, 0, 1]


@given(parts())
def test_product_multiplies_and_misses_where_a_factor_does(given_: list[dict[int, float]]) -> None:
    expected = {
        str(row): math.prod(part[row] for part in given_)
        for row in range(6)
        if all(row in part and not math.isnan(part[row]) for part in given_)
    }
    assert by_row(product([some(list(part), list(part.values())) for part in given_])) == expected


def test_product_takes_the_largest_column() -> None:
    assert product([scores([[2, 5], [NAN, 3]]), scores([10, 2])]).values.tolist() == [50, 6]


def test_merges_leave_their_inputs_alone() -> None:
    a, b = scores([1, NAN, 3]), scores([4, 5, 6])
    for merge in (blend, product, rank_mean):
        merge([a, b])
    np.testing.assert_array_equal(a.values, [1, NAN, 3])
    np.testing.assert_array_equal(b.values, [4, 5, 6])


indices = st.lists(st.integers(0, 5), max_size=8)


@given(st.lists(indices, min_size=1, max_size=4))
def test_union_of_selections_and_rows_is_in_order_of_first_appearance(given_: list[list[int]]) -> None:
    expected = list(dict.fromkeys(row for part in given_ for row in part))
    found = union([pick(ROWS, part) for part in given_])
    assert found.rows.positions.tolist() == expected
    assert found.scores is None
    assert union([pick(ROWS, part).rows for part in given_]).positions.tolist() == expected


def test_union_keeps_scores_reasons_and_notes_of_the_first_appearance() -> None:
    a = sl.Selection(
        pick(ROWS, [3, 1]).rows,
        np.array([0.5, 0.25]),
        {"group": np.array(["x", "yy"]), "turn": np.array([1, 2])},
        ["short"],
    )
    b = sl.Selection(
        pick(ROWS, [1, 0]).rows,
        None,
        {"draw": np.array([0.1, 0.2]), "group": np.array([7, 8])},
        ["short", "b"],
    )
    found = union([a, b])
    assert found.rows.ids() == ["3", "1", "0"]
    np.testing.assert_array_equal(found.scores, [0.5, 0.25, NAN])
    assert found.why["group"].tolist() == ["x", "yy", "8"]
    assert found.why["turn"].tolist() == [1, 2, -1]
    np.testing.assert_array_equal(found.why["draw"], [NAN, NAN, 0.2])
    assert found.notes == ["short", "b"]
    plain = union([b, pick(ROWS, [5])])
    assert plain.why["group"].tolist() == [7, 8, -1]


def labels(index: list[int], verdicts: list[str], values: list[str]) -> sl.Labels[Any]:
    codes = np.array([values.index(verdict) for verdict in verdicts], dtype=np.int8)
    return sl.Labels(pick(ROWS, index).rows, codes, values)


def test_union_of_verdicts_lets_the_last_count() -> None:
    a = labels([4, 2, 0], ["easy", "hard", "easy"], ["easy", "hard"])
    b = labels([2, 1], ["tie", "hard"], ["hard", "tie"])
    found = union([a, b])
    assert found.rows.ids() == ["4", "2", "0", "1"]
    assert found.values == ["easy", "hard", "tie"]
    assert [found.values[code] for code in found.codes] == ["easy", "tie", "easy", "hard"]
    assert found.having("hard").rows.ids() == ["1"]


def test_union_of_verdicts_keeps_what_is_known_of_the_last() -> None:
    a, b = labels([4, 2], ["x", "x"], ["x"]), labels([2, 1], ["y", "x"], ["x", "y"])
    b.why["first"] = np.array(["own", "other"])
    found = union([a, b])
    assert found.rows.ids() == ["4", "2", "1"]
    assert found.why["first"].tolist() == ["", "own", "other"]


def test_union_of_verdicts_with_an_empty_start() -> None:
    start = sl.Labels(pick(ROWS, []).rows, np.zeros(0, np.int8), [])
    found = union([start, labels([2], ["hard"], ["easy", "hard"])])
    assert found.having("hard").rows.ids() == ["2"]


def test_union_of_replies_lets_the_last_count() -> None:
    def replies(index: list[int], said: list[str]) -> sl.Replies[Any]:
        return sl.Replies(sl.Rows(ROWS.data, np.array(index), said))

    found = union([replies([3, 1], ["three", "one"]), replies([1, 2], ["ONE", "two"])])
    assert found.rows.ids() == ["3", "1", "2"]
    assert found.rows.responses() == ["three", "ONE", "two"]


def test_union_of_unlike_things_is_an_error() -> None:
    with pytest.raises(sl.DataError, match="found Scores, Scores"):
        union([scores([1]), scores([2])])
    answered = sl.Selection(sl.Rows(ROWS.data, np.array([1]), ["one"]))
    with pytest.raises(sl.DataError, match="joins like with like"):
        union([answered, pick(ROWS, [2])])
    with pytest.raises(sl.DataError, match="nothing"):
        union([])


@given(indices, st.lists(indices, max_size=3))
def test_intersect_and_subtract_are_filters_of_the_first(first: list[int], others: list[list[int]]) -> None:
    start = sl.Selection(
        pick(ROWS, first).rows,
        np.array(first, float),
        {"place": np.arange(len(first))},
        ["note"],
    )
    more = [pick(ROWS, other) for other in others]
    both = [(i, row) for i, row in enumerate(first) if all(row in other for other in others)]
    left = [(i, row) for i, row in enumerate(first) if not any(row in other for other in others)]
    for found, expected in ((intersect([start, *more]), both), (subtract(start, more), left)):
        assert found.rows.positions.tolist() == [row for _, row in expected]
        assert found.why["place"].tolist() == [i for i, _ in expected]
        assert found.scores is not None
        assert found.scores.tolist() == [row for _, row in expected]
        assert found.notes == ["note"]
