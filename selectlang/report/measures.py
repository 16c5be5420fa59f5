"""What is measured of chosen rows and of random ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectlang.draws import derive
from selectlang.report.ground import SAMPLE, first
from selectlang.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from selectlang.report.space import Space

    Index = NDArray[np.int64]
    Floats = NDArray[np.floating[Any]]

DRAWS = 20
FEWEST = 3  # draws, where each takes long
ALIKE = 0.95  # the cosine from which two rows are near-duplicates
CELLS = 1 << 25  # numbers of vectors in memory at once
WORK = 1 << 36  # products that the search for near-duplicates may take in all draws together


@dataclass(frozen=True)
class Measure:
    """A number about some rows. `what` is its name, `about` the stage or field it goes by.

    `of` gives it for an index into the rows of a Ground; `most` is the largest it can be, if there is such a
    number. With `alone` it is not taken of the pool, which is larger than what it is compared with.
    """

    what: str
    about: str
    of: Callable[[Index], float]
    most: int | None = None
    draws: int = DRAWS
    alone: bool = False


def mean(what: str, about: str, values: Floats) -> list[Measure]:
    """The mean of numbers, one a row; and the share of those that are missing, if any are."""
    import numpy as np

    def average(rows: Index) -> float:
        known = values[rows][~np.isnan(values[rows])]
        return float(known.mean()) if len(known) else float("nan")

    def missing(rows: Index) -> float:
        return float(np.isnan(values[rows]).mean())

    found = [Measure(what, about, average)]
    return [*found, Measure("missing", about, missing)] if np.isnan(values).any() else found


def spread(about: str, codes: NDArray[np.integer[Any]], count: int) -> list[Measure]:
    """How rows spread over `count` groups: how many they reach, and their entropy in bits.

    `codes` has the group of each row, -1 for none.
    """
    import numpy as np

    def counts(rows: Index) -> NDArray[np.int64]:
        found = codes[rows]
        return np.bincount(found[found >= 0], minlength=count)

    def reached(rows: Index) -> float:
        return float(np.count_nonzero(counts(rows)))

    def entropy(rows: Index) -> float:
        some = counts(rows)
        shares = some[some > 0] / max(1, some.sum())
        return float(-(shares * np.log2(shares)).sum()) + 0.0

    return [Measure("reached", about, reached, most=count), Measure("entropy", about, entropy)]


def likeness(space: Space, rows: Rows[Any], size: int, seed: int) -> list[Measure]:
    """The Vendi score, and the share of near-duplicates, of rows by their vectors; `size` are compared."""
    count = min(size, max(SAMPLE, CELLS // max(space.width, 1)))
    cost = min(count, SAMPLE) * count * space.width
    draws = max(FEWEST, min(DRAWS, WORK // max(cost, 1)))
    order, positions = rows.draws(derive(seed, "report", "likeness")), rows.positions

    def vectors(index: Index, most: int) -> NDArray[np.float32]:
        """Those of at most so many of the rows that have one, in random order."""
        index = index[space.known(positions[index])]
        return space.take(positions[index[first(order[index], most)]])

    return [
        Measure("vendi", space.stage, lambda index: vendi(vectors(index, SAMPLE)), draws=draws, alone=True),
        Measure(
            "near_duplicates", space.stage, lambda index: near_duplicates(vectors(index, count), SAMPLE),
            draws=draws, alone=True,
        ),
    ]  # fmt: skip


def vendi(vectors: NDArray[np.float32]) -> float:
    """The Vendi score of unit vectors: how many rows, each unlike all others, would be as diverse.

    The exponential of the entropy of the eigenvalues of K / n, where K holds the cosines (Friedman and Dieng
    2023, arXiv:2210.02410). X X' / n and X' X / n have the same ones but for zeros; the smaller is taken.
    """
    import numpy as np

    count, width = vectors.shape
    if not count:
        return float("nan")
    kernel = (vectors.T @ vectors if width < count else vectors @ vectors.T).astype(np.float64) / count
    sizes = np.linalg.eigvalsh(kernel)
    sizes = sizes[sizes > 1e-12]
    sizes /= sizes.sum()
    return float(np.exp(-(sizes * np.log(sizes)).sum()))


def near_duplicates(vectors: NDArray[np.float32], count: int) -> float:
    """The share of the first `count` unit vectors whose nearest other one has a cosine of ALIKE or more."""
    import numpy as np

    count = min(count, len(vectors))
    if len(vectors) < 2:
        return 0.0 if count else float("nan")
    cosines = vectors[:count] @ vectors.T
    cosines[np.arange(count), np.arange(count)] = -1
    return float((cosines.max(axis=1) >= ALIKE - 1e-6).mean())
