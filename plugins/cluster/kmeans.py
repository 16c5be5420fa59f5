"""cluster: kmeans"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic, Literal, NamedTuple

import selectlang as sl

from .._vectors import block, unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 16384
SAMPLE = 16384  # rows that cost next to nothing to train on, however few the clusters
Positive = Annotated[int, sl.schema(minimum=1)]


class Clustering(NamedTuple, Generic[sl.P]):
    """What kmeans gives."""

    clusters: sl.Clusters[sl.P]
    silhouette: sl.Metric
    inertia: sl.Metric


class Fit(NamedTuple):
    """A clustering of all rows for one k."""

    labels: NDArray[np.int32]
    distances: NDArray[np.float32]
    centers: NDArray[np.float32]
    silhouette: float
    inertia: float


@sl.cluster
def kmeans(
    vectors: sl.Vectors[sl.P],
    *,
    k: Positive | Annotated[list[Positive], sl.schema(minItems=1)],
    spherical: bool = False,
    iterations: Positive = 25,
    redo: Positive = 1,
    sample_per_cluster: Positive = 64,
    silhouette: Literal["squared", "plain"] = "squared",
    seed: int,
) -> Clustering[sl.P]:
    """Clusters of similar vectors by Lloyd's k-means, as in Diversify and Conquer (arXiv:2409.11378).

    Centres are found on a sample of the rows and made the means of all rows nearest to them, then every row
    goes to its nearest centre. The sample, its order and the first centres follow from the seed and the ids
    of the rows, not from the order of the file.
    A cluster may be empty when rows repeat. `inertia` is the sum of squared distances of all rows to their
    centres. `silhouette` is the simplified one, the mean of 1 - a/b, where a is the distance of a row to its
    own centre and b to the next; NaN for k = 1. Of a list of k, the one of highest silhouette is used, the
    smaller on a tie. For large k it rises again, clusters of few rows being tight, so bound the list.

    `distances` of the clusters are Euclidean; cosine distances (1 - cosine) when spherical.

    Settings:
        k: how many clusters, or a list to choose from by the silhouette
        spherical: cluster directions: vectors and centres are scaled to length 1
        iterations: steps of Lloyd's algorithm (the released code of the paper takes 300)
        redo: runs from different first centres, of which that of least inertia is kept (its code takes 5)
        sample_per_cluster: centres are found on this many rows for each cluster, and on 16,384 at least; of
            fewer rows, on all (faiss takes 256)
        silhouette: of squared distances, as the paper's authors compute it, or of plain ones
    """
    rows = vectors.rows
    candidates = sorted(set(k)) if isinstance(k, list) else [k]
    if candidates[-1] > len(rows):
        raise sl.DataError(
            f"kmeans cannot make {candidates[-1]} clusters of {len(rows)} rows; lower k, or give more rows."
        )
    if vectors.matrix.shape[1] == 0:
        raise sl.DataError("kmeans was given vectors of 0 numbers; embed the rows first.")
    order = rows.draws(seed).argsort(kind="stable")
    best: tuple[float, int, Fit] | None = None
    for candidate in candidates:
        size = max(candidate * sample_per_cluster, SAMPLE)
        sample = block(vectors, order[:size], scaled=spherical)
        centers = _train(sample, candidate, spherical, iterations, redo, seed)
        if len(sample) < len(rows):
            centers = _means(vectors, centers, spherical)
        fit = _assign(vectors, centers, spherical, silhouette == "squared")
        if best is None or fit.silhouette > best[0]:
            best = (fit.silhouette if candidate > 1 else -1.0, candidate, fit)
    assert best is not None
    _, chosen, fit = best
    clusters = sl.Clusters(rows, fit.labels, chosen, fit.distances, fit.centers)
    return Clustering(clusters, sl.Metric(fit.silhouette), sl.Metric(fit.inertia))


def _train(
    sample: NDArray[np.float32], k: int, spherical: bool, iterations: int, redo: int, seed: int
) -> NDArray[np.float32]:
    """The centres, shape (k, dimension)."""
    import faiss
    import numpy as np

    model = faiss.Kmeans(
        sample.shape[1],
        k,
        niter=iterations,
        nredo=redo,
        seed=seed % 2**31,  # of 31 bits, in faiss
        spherical=spherical,
        min_points_per_centroid=1,  # fewer than 39 would be a warning on the terminal
        max_points_per_centroid=len(sample),  # the sample is already drawn
    )
    model.train(sample)
    return np.asarray(model.centroids, np.float32)


def _means(vectors: sl.Vectors[sl.P], centers: NDArray[np.float32], spherical: bool) -> NDArray[np.float32]:
    """One step over all rows: each centre as the mean of the rows nearest to it, in blocks.

    A centre that no row is nearest to stays. Sums are in fp64, so that the order of rows does not show.
    """
    import faiss
    import numpy as np

    index = faiss.IndexFlatL2(centers.shape[1])
    index.add(centers)
    sums, counts = np.zeros(centers.shape), np.zeros(len(centers), np.int64)
    for start in range(0, len(vectors.rows), BLOCK):
        points = block(vectors, slice(start, start + BLOCK), scaled=spherical)
        labels = index.search(points, 1)[1][:, 0]
        order = np.argsort(labels, kind="stable")
        found, starts = np.unique(labels[order], return_index=True)
        sums[found] += np.add.reduceat(points[order], starts, axis=0, dtype=np.float64)
        counts += np.bincount(labels, minlength=len(centers))
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centers).astype(np.float32)
    return unit(means) if spherical else means


def _assign(vectors: sl.Vectors[sl.P], centers: NDArray[np.float32], spherical: bool, squared: bool) -> Fit:
    """Every row to its nearest centre, in blocks."""
    import faiss
    import numpy as np

    rows, k = len(vectors.rows), len(centers)
    index = faiss.IndexFlatL2(centers.shape[1])
    index.add(centers)
    labels, distances = np.empty(rows, np.int32), np.empty(rows, np.float32)
    silhouette = inertia = 0.0
    for start in range(0, rows, BLOCK):
        span = slice(start, start + BLOCK)
        points = block(vectors, span, scaled=spherical)
        _, near = index.search(points, min(2, k))
        # From the difference: the search expands the square, which loses the digits of small distances.
        own, *others = (np.square(points - centers[near[:, i]]).sum(axis=1) for i in range(near.shape[1]))
        labels[span] = near[:, 0]
        distances[span] = own / 2 if spherical else np.sqrt(own)
        inertia += float(own.sum(dtype=np.float64))
        for other in others:
            ratio = np.minimum(1, np.divide(own, other, out=np.ones_like(own), where=other > 0))
            silhouette += float((1 - (ratio if squared else np.sqrt(ratio))).sum(dtype=np.float64))
    return Fit(labels, distances, centers, silhouette / rows if k > 1 else np.nan, inertia)
