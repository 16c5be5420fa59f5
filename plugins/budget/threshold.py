"""The rows whose score lies in a range."""

from __future__ import annotations

import selectlang as sl

from .._align import aligned
from ._common import Choice, eligible
from ._ranks import Ties, costs, lowest, reasons, tie_keys

ALL = sl.Amount.parse("100%")


def _together(
    at_least: float | None, above: float | None, at_most: float | None, below: float | None
) -> None:
    if at_least is None and above is None and at_most is None and below is None:
        raise sl.DataError("threshold has no bound: state at_least, above, at_most or below")


@sl.budget(check=_together)
def threshold(
    scores: sl.Scores[sl.P],
    within: sl.Selection[sl.P] | None = None,
    skip: sl.Selection[sl.P] | None = None,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    size: sl.Amount = ALL,
    ties: Ties = "seed",
    seed: int,
) -> Choice[sl.P]:
    """Choose the rows whose score lies in a range, the highest first.

    At least one bound is needed. Of scores with several columns the largest counts; a missing score is
    in no range. `left` counts the rows in the range that `size` kept out.

    Settings:
        at_least: the lowest score that is chosen
        above: scores must be higher than this
        at_most: the highest score that is chosen
        below: scores must be lower than this
        size: choose no more than this: rows, a share of the rows before `skip`, or tokens
        ties: whether equal scores go by the seed or by the order of the data set
    """
    import numpy as np

    _together(at_least, above, at_most, below)
    pool = eligible(scores.rows, within, skip)
    values = aligned(scores.best(), scores.rows, pool.rows)
    inside = ~np.isnan(values)
    inside &= True if at_least is None else values >= at_least
    inside &= True if above is None else values > above
    inside &= True if at_most is None else values <= at_most
    inside &= True if below is None else values < below
    pool, values = pool.only(inside), values[inside]
    keys = [costs(values), tie_keys(pool.rows, ties, seed)]
    index, notes = pool.choose(lambda n: lowest(keys, n), size, ceiling=True)
    return pool.choice(index, values[index], reasons(scores, pool.rows.take(index)), notes)
