"""A map: rows in a space of many dimensions, shown in the two along which they differ most."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from selectlang.report.space import Space

CELLS = 1 << 23  # numbers of the rows that the two directions are learned from
BLOCK = 4096  # rows that are projected at a time
STEPS = 12  # of the power iteration
EXTRA = 8  # directions beside the two, without which it takes more steps


def plane(space: Space, positions: NDArray[np.int64]) -> tuple[NDArray[np.float32], float]:
    """The two principal components of rows, shape (len(positions), 2), and their share of the variance.

    They are learned from the first rows, so `positions` are in an order that does not favour any.
    """
    import numpy as np

    learned = space.take(positions[: max(2, CELLS // max(space.width, 1))])
    mean = learned.mean(axis=0) if len(learned) else np.zeros(space.width, np.float32)
    learned -= mean
    axes = principal(learned)
    points = np.zeros((len(positions), 2), np.float32)
    for start in range(0, len(positions), BLOCK):
        part = slice(start, start + BLOCK)
        points[part] = (space.take(positions[part]) - mean) @ axes
    spread = float(np.square(learned, dtype=np.float64).sum())
    shown = float(np.square(learned @ axes, dtype=np.float64).sum())
    return points, shown / spread if spread else 0.0


def principal(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The two directions of most variance of centred rows, shape (width, 2); zero where there is none.

    By subspace iteration (Halko et al. 2011, arXiv:0909.4061). The largest number of each is positive.
    """
    import numpy as np

    count, width = rows.shape
    axes = np.zeros((width, 2), np.float32)
    guess = np.random.default_rng(0).standard_normal((width, min(width, 2 + EXTRA))).astype(np.float32)
    if not count or not rows.any():
        return axes
    for _ in range(STEPS):
        guess, _ = np.linalg.qr(rows.T @ (rows @ guess))
    _, sizes, turned = np.linalg.svd(rows @ guess, full_matrices=False)
    found = guess @ turned.T[:, :2]
    found *= np.sign(np.take_along_axis(found, np.abs(found).argmax(axis=0)[None], axis=0))
    found[:, sizes[: found.shape[1]] <= 1e-6 * sizes[0]] = 0
    axes[:, : found.shape[1]] = found
    return axes
