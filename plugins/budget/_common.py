"""What the budgets share: who may be chosen, and how many fit.

Eligible are the rows of `within` if that is given, or else the rows that the scores (clusters, rows)
speak about, each once, less the rows of `skip`. A share is a share of them before `skip`. Tokens are
words and punctuation marks of the full text; rows are taken in order until the first that does not
fit, so that a smaller amount chooses a part of what a larger one does. Where the order depends on how
many rows are asked for (per_cluster), it is that of a number of rows which fits while one more does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

import selectlang as sl

from .._align import lookup, places

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Index = NDArray[np.int64]
    Order = Callable[[int], Index]

_BLOCK = 8192  # texts in memory at a time
_START = 1024  # choices whose tokens are counted at first


class Choice(NamedTuple, Generic[sl.P]):
    """The chosen rows, and how many rows are eligible still and were not chosen."""

    selection: sl.Selection[sl.P]
    left: sl.Metric


@dataclass(frozen=True)
class Eligible(Generic[sl.P]):
    """The rows to choose from, each once and in the order of the data set; `before`: before `skip`."""

    rows: sl.Rows[sl.P]
    before: sl.Rows[sl.P]

    def only(self, mask: NDArray[np.bool_]) -> Eligible[sl.P]:
        """Those of the rows that `mask` is true for."""
        return self if mask.all() else Eligible(self.rows.take(mask), self.before)

    def choose(
        self, order: Order, size: sl.Amount, *, nested: bool = True, ceiling: bool = False, lost: str = ""
    ) -> tuple[Index, list[str]]:
        """As much as `size` allows of `order`, and a note: of what it lacks, if anything, or of its tokens.

        `order(n)` is the index into `rows` of the first n choices, fewer if there are no more; `nested`
        says that it is the beginning of `order(n + 1)`. Less than a `ceiling` is no shortage. `lost` ends
        the note when there are no more choices, though rows are left.
        """
        before, limit = len(self.before), size.count(len(self.before))
        were, said = f"{len(self.rows):,} were eligible", True
        if size.unit == "tokens":
            index, spent, dry = _spend(order, self.rows, limit, nested)
            note = f"asked for {limit:,} tokens, {were}: chose {len(index):,} rows of {spent:,} tokens"
            dry &= spent < limit
        else:
            index = order(limit)
            note, dry = f"asked for {limit:,} rows, {were}: chose {len(index):,}", len(index) < limit
            said = dry and not ceiling
        whole = sl.Amount(size.value, size.unit)  # a round of a loop may well get nothing
        if before and whole.count(before) == 0:
            note, said = f"{whole} of {before:,} rows comes to 0 rows: chose none", True
        if dry and len(index) < len(self.rows):
            note += lost
        return index, [note] if said else []

    def choice(
        self,
        index: Index,
        scores: NDArray[np.floating[Any]] | None = None,
        why: dict[str, NDArray[Any]] | None = None,
        notes: list[str] | None = None,
    ) -> Choice[sl.P]:
        """The choice of `rows` at `index`; the other arguments are as in Selection."""
        import numpy as np

        chosen = np.zeros(len(self.rows), dtype=bool)
        chosen[index] = True
        left = len(chosen) - int(chosen.sum())
        return Choice(sl.Selection(self.rows.take(index), scores, why or {}, notes or []), sl.Metric(left))


def eligible(
    rows: sl.Rows[sl.P],
    within: sl.Selection[sl.P] | None,
    skip: sl.Selection[sl.P] | None,
    strict: bool = False,
) -> Eligible[sl.P]:
    """The rows to choose from; `strict` leaves out those of `within` that are not among `rows`."""
    before = _once(rows if within is None else within.rows)
    if strict and within is not None:
        before = before.take(lookup(rows, before) >= 0)
    if skip is None or len(skip.rows) == 0:
        return Eligible(before, before)
    return Eligible(before.take(places(skip.rows)[before.positions] < 0), before)


def _once(rows: sl.Rows[sl.P]) -> sl.Rows[sl.P]:
    if rows.whole:
        return rows
    place = places(rows)
    return rows.take(place[place >= 0])


def _spend(order: Order, rows: sl.Rows[sl.P], limit: int, nested: bool) -> tuple[Index, int, bool]:
    """The longest order(n) that stays within `limit` tokens, its tokens, and whether `order` has no more.

    Orders that are not nested may give fewer than n choices and yet more for n + 1, and choices of n + 1
    may have fewer tokens than those of n. So n is one that fits, while n + 1 does not.
    """
    import numpy as np

    counted = np.full(len(rows), -1, dtype=np.int64)

    def tokens(index: Index) -> NDArray[np.int64]:
        new = np.unique(index[counted[index] < 0])
        for at in range(0, len(new), _BLOCK):
            block = new[at : at + _BLOCK]
            counted[block] = rows.take(block).tokens()
        return counted[index]

    most = max(len(rows), limit)  # few rows have no token, so hardly more can fit
    fits, count = 0, min(_START, most)
    index = order(count)
    while tokens(index).sum() <= limit and count < most and (len(index) == count or not nested):
        fits, count = count, min(2 * count, most)
        index = order(count)
    dry = bool(tokens(index).sum() <= limit)
    if nested:
        index = index[: np.searchsorted(np.cumsum(tokens(index)), limit, side="right")]
    elif not dry:
        while count - fits > 1:
            middle = (fits + count) // 2
            fits, count = (middle, count) if tokens(order(middle)).sum() <= limit else (fits, middle)
        index = order(fits)
    return index, int(tokens(index).sum()), dry
