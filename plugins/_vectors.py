"""What the methods about vectors share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def unit(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row of a block scaled to length 1; a zero vector stays zero."""
    import numpy as np

    block = np.asarray(block, np.float32)
    norms = np.linalg.norm(block, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(block, norms, out=np.zeros_like(block), where=norms > 0)
    return scaled
