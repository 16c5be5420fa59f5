"""A row of no cluster has label -1."""

import selectlang as sl

FOUND = ("runs", "returned no Clusters: got labels from -1 to 1")


@sl.cluster
def wrong(vectors: sl.Vectors) -> sl.Clusters:
    """Wrong."""
    return [-1 if row[0] > 0.9 else int(row[0] > 0) for row in vectors.matrix]
