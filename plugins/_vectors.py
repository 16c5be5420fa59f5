"""What the methods about vectors share."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import selectlang as sl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray


def block(
    vectors: sl.Vectors[Any], index: slice | NDArray[np.integer[Any]], *, scaled: bool = False
) -> NDArray[np.float32]:
    """Some vectors in memory, as they are or scaled to length 1; a zero vector stays zero.

    A DataError names the row of one that is not finite.
    """
    import numpy as np

    found = np.ascontiguousarray(vectors.matrix[index], np.float32)
    squares = np.einsum("ij,ij->i", found, found)
    if not np.isfinite(squares).all():  # squares of large numbers may not be, though the numbers are
        finite = np.isfinite(found).all(axis=1)
        if not finite.all():
            bad = np.arange(len(vectors.rows))[index][~finite][:1]
            row = vectors.rows.take(bad).ids()[0]
            raise sl.DataError(f"the vector of row {row!r} holds a number that is not finite; embed it anew.")
    return _divided(found, squares) if scaled else found


def unit(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row of a block scaled to length 1; a zero vector stays zero."""
    import numpy as np

    block = np.asarray(block, np.float32)
    return _divided(block, np.einsum("ij,ij->i", block, block))


def _divided(block: NDArray[np.float32], squares: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    norms = np.sqrt(squares)[:, None]
    norms[norms == 0] = 1
    scaled: NDArray[np.float32] = np.divide(block, norms, out=np.empty_like(block))
    return scaled


def on_each_core(work: Callable[[int], None], starts: Iterable[int]) -> None:
    """Do the work of blocks, a block on each core at a time.

    It is done sooner than block after block on all cores: much of it cannot be divided, and the threads of
    several libraries wait for each other.
    """
    import faiss
    from threadpoolctl import ThreadpoolController

    cores, libraries = faiss.omp_get_max_threads(), ThreadpoolController()

    def alone() -> None:
        libraries.limit(limits=1)

    with libraries.limit(limits=1), ThreadPoolExecutor(cores, initializer=alone) as pool:
        deque(pool.map(work, starts), maxlen=0)
