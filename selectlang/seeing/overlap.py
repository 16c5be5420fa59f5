"""How two choices of rows overlap: rows gained and lost, and what each group gained."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

MOST = 10_000  # values of a group that are compared: more are no groups


def overlap(old: Hashes, new: Hashes) -> tuple[dict[str, Any], Hashes, Hashes]:
    """The sizes of two choices and of what they share, and the hashes of the rows gained and lost.

    All are of different rows, but for `old_rows` and `new_rows`: a row may be chosen again.
    """
    import numpy as np

    one, other = np.unique(old), np.unique(new)
    gained, lost = np.setdiff1d(other, one), np.setdiff1d(one, other)
    both = len(one) - len(lost)
    either = len(one) + len(gained)
    said = {
        "old": len(one),
        "new": len(other),
        "old_rows": len(old),
        "new_rows": len(new),
        "both": both,
        "gained": len(gained),
        "lost": len(lost),
        "jaccard": both / either if either else 1.0,
    }
    return said, gained, lost


def changes(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[dict[str, Any]] | None:
    """How many rows of each group two choices have, the largest changes first; None for too many groups."""
    from collections import Counter

    one, other = Counter(old), Counter(new)
    names = dict.fromkeys([*one, *other])
    if len(names) > MOST:
        return None
    order = sorted(names, key=lambda name: (-abs(other[name] - one[name]), str(name)))
    return [{"group": str(name), "old": one[name], "new": other[name]} for name in order]
