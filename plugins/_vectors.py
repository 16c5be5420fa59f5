"""What the methods about vectors share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import selectlang as sl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def block(vectors: sl.Vectors[Any], index: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """Some vectors in memory; a DataError names the row of one that is not finite."""
    import numpy as np

    found = np.ascontiguousarray(vectors.matrix[index], np.float32)
    finite = np.isfinite(found).all(axis=1)
    if not finite.all():
        row = vectors.rows.take(index[~finite][:1]).ids()[0]
        raise sl.DataError(f"the vector of row {row!r} holds a number that is not finite; embed it anew.")
    return found


def unit(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row of a block scaled to length 1; a zero vector stays zero."""
    import numpy as np

    block = np.asarray(block, np.float32)
    norms = np.linalg.norm(block, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(block, norms, out=np.zeros_like(block), where=norms > 0)
    return scaled
