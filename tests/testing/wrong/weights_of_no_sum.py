"""Weights that are counts."""

import selectlang as sl

FOUND = ("runs", "returned no Weights: .* sum is")


@sl.merge
def wrong(clusters: sl.Clusters) -> sl.Weights:
    """Wrong."""
    import numpy as np

    return np.bincount(clusters.labels, minlength=clusters.k)
