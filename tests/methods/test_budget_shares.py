"""How per_cluster divides a size among clusters."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectlang_plugins.budget._shares import allocate

clusters = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=8)


def shares(count: int, weights: list[float], room: list[int], *how: str) -> list[int]:
    return allocate(count, np.array(weights, float), np.array(room), *how).tolist()  # type: ignore[arg-type]


def exact_quotas(count: int, weights: list[int], room: list[int]) -> list[Fraction]:
    """Brute force water-filling: the level at which min(level * weight, room) sum to the count."""
    open_ = [i for i, (w, r) in enumerate(zip(weights, room, strict=True)) if w and r]
    quota = [Fraction(0)] * len(weights)
    rest = Fraction(min(count, sum(room[i] for i in open_)))
    for i in sorted(open_, key=lambda i: Fraction(room[i], weights[i])):
        still = [j for j in open_ if Fraction(room[j], weights[j]) >= Fraction(room[i], weights[i])]
        pending = [j for j in still if quota[j] == 0]
        level = rest / sum(weights[j] for j in pending)
        quota[i] = min(level * weights[i], Fraction(room[i]))
        rest -= quota[i]
    return quota


@given(clusters, st.integers(0, 200))
def test_redistributed_shares_sum_exactly_and_stay_near_their_quotas(
    pairs: list[tuple[int, int]], count: int
) -> None:
    weights, room = [w for w, _ in pairs], [r for _, r in pairs]
    found = shares(count, list(map(float, weights)), room, "redistribute", "largest_remainder")
    quotas = exact_quotas(count, weights, room)
    assert sum(found) == sum(quotas)
    for share, quota, most in zip(found, quotas, room, strict=True):
        assert abs(share - quota) < 1
        assert 0 <= share <= most
    floors = shares(count, list(map(float, weights)), room, "redistribute", "floor")
    assert floors == [int(quota) for quota in quotas]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=9).filter(any), st.data())
def test_proportional_shares_of_the_sizes(sizes: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, sum(sizes)))
    found = shares(count, list(map(float, sizes)), sizes, "redistribute", "largest_remainder")
    assert sum(found) == count
    assert all(abs(f - count * s / sum(sizes)) < 1 for f, s in zip(found, sizes, strict=True))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=9), st.integers(0, 99))
def test_equal_floor_lose_is_the_released_code(room: list[int], count: int) -> None:
    found = shares(count, [1.0] * len(room), room, "lose", "floor")
    assert found == [min(count // len(room), r) for r in room]


PAPER = {64: 9792, 512: 9728, 1024: 9216, 2048: 8192, 4096: 8192, 8192: 8192}
STORED = [(8443, 64, 8384), (8443, 128, 8320), (6250, 64, 6208)]


@pytest.mark.parametrize("count,k,total", [*STORED, *((9800, k, total) for k, total in PAPER.items())])
def test_sizes_of_the_authors_files_and_of_the_report(count: int, k: int, total: int) -> None:
    assert sum(shares(count, [1.0] * k, [10**6] * k, "lose", "floor")) == total
    assert sum(shares(count, [1.0] * k, [10**6] * k, "lose", "largest_remainder")) == count


def test_what_small_clusters_cannot_give() -> None:
    equal = [1.0] * 4
    assert shares(20, equal, [2, 50, 0, 50], "redistribute", "largest_remainder") == [2, 9, 0, 9]
    assert shares(20, equal, [2, 50, 0, 50], "lose", "largest_remainder") == [2, 5, 0, 5]
    assert shares(999, equal, [2, 50, 0, 50], "redistribute", "largest_remainder") == [2, 50, 0, 50]


def test_equal_remainders_go_to_the_lower_numbers() -> None:
    assert shares(6, [1.0] * 4, [9] * 4, "redistribute", "largest_remainder") == [2, 2, 1, 1]


def test_roots_of_equal_sizes_are_equal() -> None:
    """In floats the quota is just below 7."""
    weights = np.sqrt([2.0, 2.0]).tolist()
    assert 14 * weights[0] / sum(weights) < 7
    assert shares(14, weights, [9, 9], "lose", "floor") == [7, 7]


def test_no_weight_at_all() -> None:
    assert shares(5, [0.0, 0.0], [0, 3], "redistribute", "largest_remainder") == [0, 0]
