"""budget: random"""

from __future__ import annotations

from collections import Counter

import pytest

import selectlang as sl
from selectlang_plugins.budget.random import random_

from ._data import amount, chi_square, chosen, numbered, pick, rows_of

SOURCES = ["a"] * 3 + ["b"] * 10 + ["c"] * 30 + ["d"] * 1
POOL = rows_of(map(str, range(44)), source=SOURCES)


def test_every_row_is_drawn_as_often() -> None:
    counts: Counter[int] = Counter()
    for seed in range(2000):
        found = chosen(random_(numbered(10), size=amount(3), seed=seed))
        assert len(set(found)) == 3
        counts.update(found)
    assert abs(chi_square([counts[i] for i in range(10)], [600] * 10)) < 4


def test_rows_come_in_the_order_of_their_draws() -> None:
    choice = random_(numbered(10), size=amount(4), seed=1)
    draws = choice.selection.why["draw"].tolist()
    assert draws == sorted(draws) == choice.selection.rows.draws(1).tolist()
    assert choice.left == 6
    assert chosen(random_(numbered(10), size=amount(7), seed=1))[:4] == chosen(choice)


def fair(size: int) -> dict[str, int]:
    """Brute force: one row each in turn, while there are rows."""
    left, found = dict(Counter(SOURCES)), Counter[str]()
    while found.total() < size:
        for source in sorted(left):
            if left[source] > found[source] and found.total() < size:
                found[source] += 1
    return dict(found)


@pytest.mark.parametrize("size", [1, 3, 4, 5, 12, 20, 43, 44])
def test_balanced_counts_are_equal_until_a_source_has_no_more(size: int) -> None:
    choice = random_(POOL, size=amount(size), balanced_by="source", seed=2)
    found = chosen(choice)
    assert len(set(found)) == size
    assert Counter(SOURCES[i] for i in found) == fair(size)
    assert choice.selection.why["group"].tolist() == [SOURCES[i] for i in found]


def test_balanced_seeds_choose_other_rows_and_the_same_seed_the_same() -> None:
    """Unlike the code of the paper, where the seed only shuffles the list."""
    found = [
        frozenset(chosen(random_(POOL, size=amount(20), balanced_by="source", seed=s))) for s in range(9)
    ]
    assert len(set(found)) == 9
    assert found[0] == frozenset(chosen(random_(POOL, size=amount(20), balanced_by="source", seed=0)))


def test_within_a_source_rows_are_drawn_as_often() -> None:
    counts: Counter[int] = Counter()
    for seed in range(1000):
        counts.update(chosen(random_(POOL, size=amount(12), balanced_by="source", seed=seed)))
    assert [counts[i] for i in (0, 1, 2, 43)] == [1000] * 4
    assert abs(chi_square([counts[i] for i in range(3, 13)], [400] * 10)) < 4


def test_within_skip_shares_and_tokens() -> None:
    inside, out = pick(POOL, [0, 1, 2, 3, 4, 5]), pick(POOL, [0, 5])
    choice = random_(POOL, inside, out, size=amount("50%"), seed=0)
    assert len(choice.selection.rows) == 3
    assert set(chosen(choice)) < {1, 2, 3, 4}
    assert choice.left == 1
    only = sl.Selection(POOL.take(POOL.positions[3:]))
    assert set(chosen(random_(only.rows, inside, size=amount(9), seed=0))) == {3, 4, 5}
    assert len(chosen(random_(POOL, size=amount("11 tokens"), balanced_by="source", seed=0))) == 5


def test_what_cannot_be_met_is_said() -> None:
    choice = random_(POOL, size=amount(45), balanced_by="source", seed=0)
    assert choice.selection.notes == ["asked for 45 rows, 44 were eligible: chose 44"]


def test_a_field_that_no_row_has_is_an_error() -> None:
    with pytest.raises(sl.DataError, match="source"):
        random_(POOL, size=amount(4), balanced_by="sauce", seed=0)


@pytest.mark.parametrize("balanced_by", [None, "source"])
def test_the_order_of_the_file_does_not_matter(balanced_by: str | None) -> None:
    pairs = list(zip(map(str, range(44)), SOURCES, strict=True))
    found = []
    for order in (pairs, pairs[::-1]):
        rows = rows_of([name for name, _ in order], source=[source for _, source in order])
        found.append(chosen(random_(rows, size=amount(13), balanced_by=balanced_by, seed=3)))
    assert found[0] == found[1]
