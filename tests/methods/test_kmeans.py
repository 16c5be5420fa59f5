"""cluster: kmeans, against its definition, faiss itself, and naive silhouettes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins.cluster import kmeans as module
from selectlang_plugins.cluster.kmeans import kmeans

Points = Callable[..., sl.Vectors[Any]]


def blobs(k: int, each: int, seed: int = 0, spread: float = 0.05) -> Any:
    random = np.random.default_rng(seed)
    centers = np.eye(k, 6) * 4 + 1
    return (centers[:, None] + random.normal(0, spread, (k, each, 6))).reshape(-1, 6).astype(np.float32)


def as_sets(labels: Any, ids: list[str]) -> set[frozenset[str]]:
    return {frozenset(ids[i] for i in np.flatnonzero(labels == label)) for label in set(labels.tolist())}


def naive(matrix: Any, centers: Any, squared: bool) -> tuple[Any, Any, float, float]:
    """Labels, distances, silhouette and inertia by a loop over rows and centres in double precision."""
    labels, distances, parts, inertia = [], [], [], 0.0
    for row in matrix.astype(np.float64):
        d = [float(((row - center) ** 2).sum()) for center in centers.astype(np.float64)]
        own, other = sorted(d)[:2]
        labels.append(d.index(own))
        distances.append(math.sqrt(own))
        inertia += own
        parts.append(1 - own / other if squared else 1 - math.sqrt(own / other))
    return np.array(labels), np.array(distances), float(np.mean(parts)), inertia


@pytest.mark.parametrize("silhouette", ["squared", "plain"])
def test_assignment_distances_and_metrics(
    points: Points, silhouette: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 64)
    matrix = np.random.default_rng(1).normal(size=(300, 5)).astype(np.float32)
    found = kmeans(points(matrix), k=7, silhouette=silhouette, seed=3)
    labels, distances, score, inertia = naive(matrix, found.clusters.centers, silhouette == "squared")
    assert found.clusters.labels.tolist() == labels.tolist()
    assert found.clusters.labels.dtype == np.int32
    assert found.clusters.k == 7
    np.testing.assert_allclose(found.clusters.distances, distances, rtol=1e-5)
    assert found.silhouette == pytest.approx(score, rel=1e-5)
    assert found.inertia == pytest.approx(inertia, rel=1e-5)
    assert isinstance(found.silhouette, sl.Metric)
    assert isinstance(found.inertia, sl.Metric)


def test_spherical_is_about_directions(points: Points) -> None:
    random = np.random.default_rng(2)
    matrix = random.normal(size=(200, 4)).astype(np.float32)
    matrix[7] = 0
    found = kmeans(points(matrix), k=5, spherical=True, seed=0)
    centers = found.clusters.centers
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 1, atol=1e-5)
    directions = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-30)
    cosines = directions @ centers.T
    some = np.arange(200) != 7
    assert found.clusters.labels[some].tolist() == cosines[some].argmax(axis=1).tolist()
    np.testing.assert_allclose(found.clusters.distances[some], 1 - cosines[some].max(axis=1), atol=1e-5)
    assert np.isfinite(found.clusters.distances).all()
    stretched = kmeans(points(matrix * 2.0 ** random.integers(-3, 4, (200, 1))), k=5, spherical=True, seed=0)
    assert stretched.clusters.labels.tolist() == found.clusters.labels.tolist()


def test_as_good_as_faiss_on_its_own(points: Points) -> None:
    import faiss

    matrix = np.random.default_rng(3).normal(size=(600, 8)).astype(np.float32)
    plain = faiss.Kmeans(8, 6, niter=25, seed=5, min_points_per_centroid=1)
    plain.train(matrix)
    assert kmeans(points(matrix), k=6, seed=5).inertia < plain.obj[-1] * 1.1


def test_finds_blobs_whatever_the_order_of_the_file(points: Points) -> None:
    matrix = blobs(4, 30)
    ids = [f"p{i}" for i in range(len(matrix))]
    order = np.random.default_rng(4).permutation(len(matrix))
    found = kmeans(points(matrix), k=4, redo=5, seed=1)
    again = kmeans(points(matrix[order], ids=[ids[i] for i in order]), k=4, redo=5, seed=1)
    truth = {frozenset(ids[i : i + 30]) for i in range(0, 120, 30)}
    assert as_sets(found.clusters.labels, ids) == truth
    assert again.clusters.labels.tolist() == found.clusters.labels[order].tolist()
    np.testing.assert_array_equal(again.clusters.centers, found.clusters.centers)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**64), st.integers(1, 9), st.randoms())
def test_order_and_seed(points: Points, seed: int, k: int, random: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SAMPLE", 1)
        check_order_and_seed(points, seed, k, random)


def check_order_and_seed(points: Points, seed: int, k: int, random: Any) -> None:
    matrix = np.random.default_rng(5).normal(size=(60, 3)).astype(np.float32)
    order = list(range(60))
    random.shuffle(order)
    one = kmeans(points(matrix), k=k, sample_per_cluster=5, seed=seed)
    two = kmeans(points(matrix[order], ids=[f"p{i}" for i in order]), k=k, sample_per_cluster=5, seed=seed)
    np.testing.assert_array_equal(one.clusters.centers, two.clusters.centers)
    assert two.clusters.labels.tolist() == one.clusters.labels[order].tolist()


def test_another_seed_is_another_draw(points: Points) -> None:
    vectors = points(np.random.default_rng(6).normal(size=(300, 3)))
    found = {
        tuple(kmeans(vectors, k=9, iterations=1, seed=seed).clusters.labels.tolist()) for seed in range(4)
    }
    assert len(found) == 4


def test_trains_on_a_sample(points: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def train(sample: Any, k: int, *_: Any) -> Any:
        seen.append((len(sample), k))
        return sample[:k]

    monkeypatch.setattr(module, "_train", train)
    monkeypatch.setattr(module, "SAMPLE", 30)
    vectors = points(np.random.default_rng(7).normal(size=(100, 3)))
    kmeans(vectors, k=4, sample_per_cluster=10, seed=0)
    kmeans(vectors, k=4, sample_per_cluster=1000, seed=0)
    kmeans(vectors, k=2, sample_per_cluster=10, seed=0)
    assert seen == [(40, 4), (100, 4), (30, 2)]


@pytest.mark.parametrize("silhouette", ["squared", "plain"])
def test_k_from_a_list(points: Points, silhouette: Any) -> None:
    vectors = points(blobs(4, 25))
    found = kmeans(vectors, k=[6, 4, 2, 1], silhouette=silhouette, redo=5, seed=0)
    assert found.clusters.k == 4
    each = {k: kmeans(vectors, k=k, silhouette=silhouette, redo=5, seed=0) for k in (2, 4, 6)}
    assert found.silhouette == max(one.silhouette for one in each.values())
    assert found.clusters.labels.tolist() == each[4].clusters.labels.tolist()
    assert all(0 <= one.silhouette <= 1 for one in each.values())


def test_one_cluster_has_no_silhouette(points: Points) -> None:
    matrix = blobs(2, 5)
    found = kmeans(points(matrix), k=1, seed=0)
    assert math.isnan(found.silhouette)
    np.testing.assert_allclose(found.clusters.centers[0], matrix.mean(axis=0), rtol=1e-5)
    assert kmeans(points(matrix), k=[1, 2], seed=0).clusters.k == 2


def test_as_many_clusters_as_rows(points: Points, capfd: pytest.CaptureFixture[str]) -> None:
    vectors = points(np.random.default_rng(8).normal(size=(12, 4)) * 100)
    found = kmeans(vectors, k=12, seed=0)
    assert sorted(found.clusters.labels.tolist()) == list(range(12))
    assert found.clusters.distances.tolist() == [0] * 12
    assert found.silhouette == 1
    kmeans(vectors, k=7, seed=0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("spherical", [True, False])
def test_repeated_rows(points: Points, spherical: bool, capfd: pytest.CaptureFixture[str]) -> None:
    matrix = np.repeat(np.array([[1, 0, 2], [0, 3, 1]], np.float32), 20, axis=0)
    found = kmeans(points(matrix), k=8, spherical=spherical, seed=0)
    assert found.clusters.k == 8
    assert np.isfinite(found.clusters.centers).all()
    assert found.clusters.labels.min() >= 0
    assert found.clusters.labels.max() < 8
    np.testing.assert_allclose(found.clusters.distances, 0, atol=1e-2)
    assert 0 <= found.silhouette <= 1
    same = kmeans(points(np.ones((9, 2))), k=3, spherical=spherical, seed=0)
    assert 0 <= same.silhouette <= 1
    assert capfd.readouterr() == ("", "")


def test_more_clusters_than_rows(points: Points) -> None:
    with pytest.raises(sl.DataError, match="cannot make 9 clusters of 8 rows"):
        kmeans(points(np.eye(8)), k=[2, 9], seed=0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite(points: Points, bad: float) -> None:
    matrix = np.eye(8)
    matrix[5, 1] = bad
    with pytest.raises(sl.DataError, match="'p5' holds a number that is not finite"):
        kmeans(points(matrix), k=2, seed=0)


@pytest.mark.parametrize("spherical", [False, True])
def test_centres_of_a_sample_become_means_of_all(
    points: Points, spherical: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAMPLE", 1)
    monkeypatch.setattr(module, "BLOCK", 32)
    matrix = np.random.default_rng(8).normal(size=(300, 5)).astype(np.float32)
    unused = np.full((1, 5), 1e3, np.float32)  # no row is nearest to this one
    monkeypatch.setattr(module, "_train", lambda sample, *_: np.concatenate([sample[:6], unused]))
    vectors = points(matrix)
    found = kmeans(vectors, k=7, sample_per_cluster=10, spherical=spherical, seed=0).clusters
    data = matrix / np.linalg.norm(matrix, axis=1, keepdims=True) if spherical else matrix
    sample = data[vectors.rows.draws(0).argsort(kind="stable")[:6]]
    nearest = np.square(data[:, None] - sample[None]).sum(axis=2).argmin(axis=1)
    means = np.stack([data[nearest == i].mean(axis=0) for i in range(6)])
    if spherical:
        means /= np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(found.centers[:6], means, rtol=1e-5, atol=1e-6)
    if not spherical:
        np.testing.assert_array_equal(found.centers[6:], unused)


def test_rows_are_in_memory_a_block_at_a_time(
    points: Points, peak: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAMPLE", 1)
    vectors = points(np.random.default_rng(0).standard_normal((60_000, 64), np.float32))
    kmeans(points(np.eye(4)), k=2, seed=0)  # what is imported for the first is not its memory
    assert peak(lambda: kmeans(vectors, k=4, iterations=1, seed=0)) < vectors.matrix.nbytes
