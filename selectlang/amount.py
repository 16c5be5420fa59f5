"""Amounts: how much a budget may choose, as rows (`10000`), a share (`20%`) or tokens (`5M tokens`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

Unit = Literal["rows", "share", "tokens"]

_FORM = re.compile(r"^(\d+(?:\.\d+)?)\s*([kKMB]?)\s*(%|rows?|tokens?)?$", re.ASCII)
_SCALE = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9}
MOST = 40  # characters: more digits than there are rows anywhere
EXPECTED = "an amount: rows (10000), a share (20%) or tokens (5M tokens)"


@dataclass(frozen=True)
class Amount:
    """How much to choose.

    `value` counts rows or tokens, or is the share as a fraction of 1. `part` is `(i, n)` for the
    i-th of n rounds, so that the rounds of a loop add up to the amount exactly.
    """

    value: Fraction
    unit: Unit
    part: tuple[int, int] | None = None

    @classmethod
    def parse(cls, given: object) -> Amount:
        """Read an amount; a ValueError says what is wrong with it."""
        if isinstance(given, Amount):
            return given
        if isinstance(given, bool) or not isinstance(given, int | str):
            raise ValueError(f"expected {EXPECTED}, found {given!r}")
        text = str(given).strip()
        if len(text) > MOST:
            raise ValueError(f"expected {EXPECTED}, found {len(text)} characters")
        match = _FORM.match(text)
        if match is None:
            wanted = "an amount of at least 1" if text.startswith("-") else EXPECTED
            raise ValueError(f"expected {wanted}, found {given!r}")
        number, scale, unit = match.groups()
        value = Fraction(number) * _SCALE[scale]
        if unit == "%":
            value /= 100
            if scale or not 0 < value <= 1:
                raise ValueError(f"a share is above 0% and at most 100%, found {given!r}")
            return cls(value, "share")
        if value < 1 or value.denominator != 1:
            share = f", did you mean {float(value) * 100:g}%?" if 0 < value < 1 and not unit else ""
            raise ValueError(f"an amount is a whole number of at least 1, found {given!r}{share}")
        return cls(value, "tokens" if unit and unit.startswith("token") else "rows")

    def of_round(self, index: int, rounds: int) -> Amount:
        """The share of round `index` (from 0) when `rounds` rounds divide this amount."""
        return Amount(self.value, self.unit, (index, rounds))

    def count(self, total: int) -> int:
        """Rows or tokens to choose; a share is taken of `total` and rounded half up."""
        exact = self.value * total if self.unit == "share" else self.value
        whole = int(exact + Fraction(1, 2))
        if self.part is None:
            return whole
        index, rounds = self.part
        return whole * (index + 1) // rounds - whole * index // rounds

    def __str__(self) -> str:
        if self.unit == "share":
            percent = self.value * 100
            text = f"{Decimal(percent.numerator) / percent.denominator:f}%"  # exact: it is part of keys
        else:
            text = f"{int(self.value)}" + (" tokens" if self.unit == "tokens" else "")
        return text if self.part is None else f"{text}, part {self.part[0] + 1} of {self.part[1]}"
