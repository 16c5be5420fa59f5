"""The rows that a report looks at: all of a pool, or a random sample that stands for it.

Of a pool of more than FRAME rows, or of more than LETTERS characters, a random sample stands for it; and of
more than a third as many chosen rows a random sample stands for these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectlang.draws import derive
from selectlang.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

FRAME = 60_000
LETTERS = 1 << 25
SAMPLE = 1_000  # rows that are looked at however long they are


@dataclass(frozen=True)
class Ground:
    """The rows that a comparison is about: `rows`, each once. The rest are index into them.

    `chosen` may have repeats; `frame` stands for the pool, and is in random order.
    """

    rows: Rows[Any]
    chosen: Index
    frame: Index


def ground(pool: Rows[Any], chosen: Index, seed: int) -> Ground:
    """The rows to compare: of the chosen ones, by their positions in the pool, and of the pool itself."""
    import numpy as np

    frame = first(pool.draws(derive(seed, "report", "frame")), FRAME)
    length = pool.data.lengths(frame).mean() if len(frame) else 0
    frame = frame[: max(SAMPLE, int(LETTERS / max(1, length)))]
    if len(chosen) > len(frame) // 3 and len(frame) < len(pool):
        draws = pool.take(chosen).draws(derive(seed, "report", "compared"))
        chosen = chosen[first(draws, len(frame) // 3)]
    used, index = np.unique(np.concatenate([frame, chosen]), return_inverse=True)
    rows = pool if len(used) == len(pool) else pool.take(used)
    return Ground(rows, index[len(frame) :], index[: len(frame)])


def first(draws: NDArray[np.float64], count: int) -> Index:
    """The index of the lowest draws, in their order."""
    import numpy as np

    count = min(count, len(draws))
    found = np.argpartition(draws, count - 1)[:count] if 0 < count < len(draws) else np.arange(count)
    index: Index = found[np.argsort(draws[found], kind="stable")].astype(np.int64)
    return index
