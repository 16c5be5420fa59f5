"""How a number of rows is divided among clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Shortage = Literal["redistribute", "lose"]
Rounding = Literal["largest_remainder", "floor"]
_DUST = 9  # decimals: smaller differences of quotas are rounding errors


def allocate(
    count: int, weights: NDArray[np.float64], room: NDArray[np.int64], shortage: Shortage, rounding: Rounding
) -> NDArray[np.int64]:
    """Rows of each cluster, shape (k,), in proportion to `weights` and none above its `room`.

    With redistribution and largest remainders they sum to min(count, sum of the room of clusters with
    weight), and none is a whole row away from its exact quota. Equal remainders go to the lower number.
    """
    import numpy as np

    if weights.sum() == 0:
        return np.zeros(len(weights), dtype=np.int64)
    fair = count * weights / weights.sum()
    quota = fair if shortage == "lose" else _filled(count, weights, room)
    whole = np.floor(np.round(quota, _DUST)).astype(np.int64)
    if rounding == "largest_remainder":
        rest = round(quota.sum()) - int(whole.sum())
        remainders = np.round(quota - whole, _DUST)
        whole[np.argsort(-remainders, kind="stable")[:rest]] += 1
    counts: NDArray[np.int64] = np.minimum(whole, room)
    return counts


def _filled(count: int, weights: NDArray[np.float64], room: NDArray[np.int64]) -> NDArray[np.float64]:
    """Quotas in proportion to the weights, where the excess of full clusters flows to those with room."""
    import numpy as np

    quota = np.zeros(len(weights))
    active = (weights > 0) & (room > 0)
    while active.any():
        part = (count - quota.sum()) * weights[active] / weights[active].sum()
        full = part >= room[active]
        if not full.any():
            quota[active] = part
            break
        quota[np.flatnonzero(active)[full]] = room[active][full]
        active[np.flatnonzero(active)[full]] = False
    return quota


def drawn(
    count: int,
    weights: NDArray[np.float64],
    room: NDArray[np.int64],
    shortage: Shortage,
    rounding: Rounding,
    *,
    seed: int,
) -> NDArray[np.int64]:
    """Rows of each cluster, shape (k,), as often as each is drawn by its weight, and none above its `room`.

    Nothing is rounded. What is drawn of a full cluster is drawn again among the others, or lost.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    counts, left = np.zeros(len(weights), dtype=np.int64), min(count, int(room.sum()))
    while left > 0:
        open_ = np.where(counts < room, weights, 0.0)
        if open_.sum() == 0:
            break
        picks = np.searchsorted(np.cumsum(open_ / open_.sum()), rng.random(left), side="right")
        counts += np.bincount(np.minimum(picks, np.flatnonzero(open_)[-1]), minlength=len(weights))
        counts = np.minimum(counts, room)
        if shortage == "lose":
            break
        left = min(count, int(room.sum())) - int(counts.sum())
    return counts
