"""Amounts: what can be written, and how much it is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectlang.amount import Amount


@pytest.mark.parametrize(
    "given_, unit, value",
    [
        (10000, "rows", 10000),
        ("10000", "rows", 10000),
        ("1.5k rows", "rows", 1500),
        ("1 row", "rows", 1),
        ("20%", "share", Fraction(1, 5)),
        ("0.5 %", "share", Fraction(1, 200)),
        ("5M tokens", "tokens", 5_000_000),
        ("1B token", "tokens", 10**9),
    ],
)
def test_what_is_an_amount(given_: Any, unit: str, value: Any) -> None:
    found = Amount.parse(given_)
    assert (found.unit, found.value) == (unit, value)
    assert Amount.parse(str(found)) == found == Amount.parse(found)


@pytest.mark.parametrize(
    "given_",
    [0, -1, "0", "0%", "101%", "1k%", "1.5", "0.5 tokens", "ten", "", "5 m", "1e3", "1_000", 0.2, True, None],
)
def test_what_is_no_amount(given_: Any) -> None:
    with pytest.raises(ValueError, match="amount|share"):
        Amount.parse(given_)


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_share_is_written_and_taken_exactly(billionths: int, total: int) -> None:
    """Two shares that differ are written differently, for what is written is part of a key."""
    share = Amount(Fraction(billionths, 10**9), "share")
    assert Amount.parse(str(share)) == share
    assert share.count(total) == (2 * billionths * total + 10**9) // (2 * 10**9), "rounded half up"


@given(st.integers(1, 10**6), st.integers(1, 50))
def test_rounds_add_up_and_are_even(size: int, rounds: int) -> None:
    parts = [Amount.parse(size).of_round(i, rounds).count(0) for i in range(rounds)]
    assert sum(parts) == size
    assert max(parts) - min(parts) <= 1
