"""It scales the vectors it was given."""

import selectlang as sl

FOUND = ("untouched", "it changes its input 'vectors'")


@sl.score
def wrong(vectors: sl.Vectors) -> sl.Scores:
    """Wrong."""
    import numpy as np

    matrix = vectors.matrix
    matrix /= np.maximum(1e-9, np.linalg.norm(matrix, axis=1, keepdims=True))
    return matrix[:, 0]
