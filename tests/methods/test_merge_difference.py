"""merge: difference and maximum, against loops over ids."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins.merge.difference import difference
from selectlang_plugins.merge.maximum import maximum

from ._data import numbered, scores

NAN = math.nan
ROWS = numbered(6)
cells = st.sampled_from([NAN, -2.0, 0.0, 1.0, 3.5])
part = st.dictionaries(st.integers(0, 5), cells, max_size=6)


def some(values: dict[int, Any], columns: list[str] | None = None) -> sl.Scores[Any]:
    """Scores about some rows of ROWS."""
    rows = ROWS.take(np.array(list(values), np.int64))
    shape = (len(values), len(columns)) if columns else (len(values),)
    return sl.Scores(rows, np.array(list(values.values()), np.float64).reshape(shape), columns)


def by_row(found: sl.Scores[Any]) -> dict[int, Any]:
    return dict(zip(map(int, found.rows.ids()), found.values.tolist(), strict=True))


def equal(found: dict[int, Any], wanted: dict[int, Any]) -> bool:
    return found.keys() == wanted.keys() and all(
        np.array_equal(found[row], wanted[row], equal_nan=True) for row in wanted
    )


@given(part, part)
def test_difference_over_the_rows_that_both_know(gold: dict[int, float], own: dict[int, float]) -> None:
    wanted = {row: gold.get(row, NAN) - own.get(row, NAN) for row in {**gold, **own}}
    found = difference([some(gold), some(own)])
    assert equal(by_row(found), wanted)
    assert found.columns is None
    swapped = difference([some(own), some(gold)])
    assert equal(by_row(swapped), {row: -value for row, value in wanted.items()})


@given(
    st.dictionaries(st.integers(0, 5), st.tuples(cells, cells)),
    st.dictionaries(st.integers(0, 5), st.tuples(cells, cells)),
)
def test_difference_of_columns(gold: dict[int, Any], own: dict[int, Any]) -> None:
    none = (NAN, NAN)
    found = difference([some(gold, ["a", "b"]), some(own, ["a", "b"])])
    assert found.columns == ["a", "b"]
    wanted = {
        row: [x - y for x, y in zip(gold.get(row, none), own.get(row, none), strict=True)]
        for row in {**gold, **own}
    }
    assert equal(by_row(found), wanted)
    largest = difference([some(gold, ["a", "b"]), some(own, ["b", "a"])])
    assert largest.columns is None
    best = {row: np.fmax(*gold.get(row, none)) - np.fmax(*own.get(row, none)) for row in {**gold, **own}}
    assert equal(by_row(largest), best)


def test_difference_of_single_precision_is_exact() -> None:
    """Losses of 32 bits near each other."""
    one, other = np.float32(3.1234567), np.float32(3.1234560)
    rows = numbered(1)
    found = difference([sl.Scores(rows, np.array([one])), sl.Scores(rows, np.array([other]))])
    assert found.values.tolist() == [float(one) - float(other)]


@pytest.mark.parametrize("count", [1, 3])
def test_difference_is_of_two(count: int) -> None:
    with pytest.raises(sl.DataError, match=f"the first minus the second; found {count}"):
        difference([scores([1.0])] * count)


@given(st.lists(part, min_size=1, max_size=3))
def test_maximum_is_the_largest_known(parts: list[dict[int, float]]) -> None:
    wanted = {}
    for row in {row for values in parts for row in values}:
        known = [values[row] for values in parts if row in values and not math.isnan(values[row])]
        wanted[row] = max(known, default=NAN)
    assert equal(by_row(maximum([some(values) for values in parts])), wanted)


def test_maximum_of_columns_and_nothing() -> None:
    found = maximum([scores([[1, 3], [NAN, NAN], [NAN, 2]], ["a", "b"]), scores([2, NAN, 5])])
    np.testing.assert_array_equal(found.values, [3, NAN, 5])
    assert found.columns is None


def test_inputs_are_left_alone() -> None:
    a, b = scores([1, NAN]), scores([4, 5])
    difference([a, b])
    maximum([a, b])
    np.testing.assert_array_equal(a.values, [1, NAN])
    np.testing.assert_array_equal(b.values, [4, 5])
