"""Properties of the two papers' methods that no single method's tests hold, numbered as in the notes on them.

"IST" are those of IterSelectTune (section 6.1), "DnC" those of Diversify and Conquer (section 6).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import selectlang as sl
from selectlang_plugins.budget.per_cluster import per_cluster
from selectlang_plugins.budget.top import top
from selectlang_plugins.cluster.kmeans import kmeans
from selectlang_plugins.embed.sentence import sentence
from selectlang_plugins.merge.blend import blend
from selectlang_plugins.merge.union import union
from selectlang_plugins.score import nearest as module
from selectlang_plugins.score.nearest import nearest
from tests.methods._data import amount, chosen, numbered, pick, rows_of, scores


def clusters_of(labels: Any, k: int) -> sl.Clusters[Any]:
    found = np.asarray(labels, np.int32)
    return sl.Clusters(numbered(len(found)), found, k)


def poured(sizes: list[int], total: int) -> list[int]:
    """Water poured into vessels of these sizes one drop at a time, each into the one that holds least."""
    held = [0] * len(sizes)
    for _ in range(min(total, sum(sizes))):
        open_ = [i for i, size in enumerate(sizes) if held[i] < size]
        held[min(open_, key=lambda i: held[i])] += 1
    return held


@given(st.lists(st.integers(0, 12), min_size=1, max_size=7), st.integers(1, 60), st.integers(0, 5))
def test_ist_5_the_diverse_part_is_water_filling(sizes: list[int], total: int, seed: int) -> None:
    """`share: equal`: of the size asked for or the whole pool, unique, and every cluster gives if it can."""
    if not sum(sizes):
        return
    labels = np.repeat(np.arange(len(sizes)), sizes)
    clusters = clusters_of(labels, len(sizes))

    def drawn() -> list[int]:
        return chosen(per_cluster(clusters, size=amount(total), share="equal", draw="random", seed=seed))

    ids = drawn()
    assert len(ids) == len(set(ids)) == min(total, sum(sizes))
    assert drawn() == ids
    counts = np.bincount(labels[ids], minlength=len(sizes)).tolist()
    assert sorted(counts) == sorted(poured(sizes, total))
    if total >= len(sizes):
        assert all(count for count, size in zip(counts, sizes, strict=True) if size)


matrices = arrays(np.float32, st.tuples(st.integers(2, 20), st.just(3)), elements=st.integers(-9, 9))


@given(matrices, st.integers(1, 19), st.integers(1, 19), st.floats(0.01, 100))
def test_ist_6_likeness(matrix: Any, one: int, more: int, scale: float) -> None:
    """1 for a hard row, never less when the hard set has grown, the same whatever the vectors' lengths."""
    matrix[(matrix == 0).all(axis=1)] = 1
    vectors = sl.Vectors(numbered(len(matrix)), matrix)
    small = list(range(min(one, len(matrix))))
    large = list(range(min(one + more, len(matrix))))

    def alike(vectors: sl.Vectors[Any], hard: list[int]) -> Any:
        return nearest(vectors, pick(vectors.rows, hard))(vectors).values

    before, after = alike(vectors, small), alike(vectors, large)
    np.testing.assert_allclose(before[small], 1, atol=1e-6)
    assert (after >= before - 1e-6).all()
    scaled = alike(sl.Vectors(vectors.rows, matrix * np.float32(scale)), small)
    np.testing.assert_allclose(scaled, before, atol=1e-6)
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    np.testing.assert_allclose(before, (unit @ unit[small].T).max(axis=1), atol=1e-6)
    cells = module.CELLS
    try:
        module.CELLS = 3  # blocks of one row
        np.testing.assert_allclose(alike(vectors, small), before, atol=1e-6)
    finally:
        module.CELLS = cells


shares = st.floats(0, 1)
numbers = st.lists(st.tuples(shares, shares), min_size=1, max_size=20)


@given(numbers, shares, st.integers(1, 20), st.integers(0, 3))
def test_ist_7_promise(pairs: list[tuple[float, float]], alpha: float, size: int, seed: int) -> None:
    """It lies between its parts, and goes by one of them alone where alpha is 1 or 0."""
    model, alike = (np.array(part) for part in zip(*pairs, strict=True))
    found = blend([scores(model), scores(alike)], share=alpha).values
    assert (found >= np.minimum(model, alike) - 1e-12).all()
    assert (found <= np.maximum(model, alike) + 1e-12).all()
    for end, part in ((1.0, model), (0.0, alike)):
        ends = blend([scores(model), scores(alike)], share=end)
        batch = chosen(top(ends, size=amount(size), seed=seed))
        assert batch == chosen(top(scores(part), size=amount(size), seed=seed))
        assert sorted(part[batch], reverse=True) == sorted(part, reverse=True)[:size]


@given(st.permutations(range(12)), st.integers(1, 11))
def test_ist_7_ties_go_by_id_and_seed_and_not_by_place(order: list[int], size: int) -> None:
    values = np.array([i // 4 for i in range(12)])

    def batch(order: list[int]) -> list[str]:
        rows = rows_of([f"row {i}" for i in order])
        found: list[str] = top(
            scores(values[list(order)], rows=rows), size=amount(size), seed=2
        ).selection.rows.ids()
        return found

    assert batch(order) == batch(list(range(12)))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.data())
def test_ist_13_the_best_of_each_cluster_add_up(labels: list[int], data: st.DataObject) -> None:
    """Shares of 5, 10, 15 and 20 % are rounded, and the clusters' parts add up to them."""
    values = data.draw(st.lists(shares, min_size=len(labels), max_size=len(labels)))
    for percent in (5, 10, 15, 20):
        size = amount(f"{percent}%")
        ids = chosen(per_cluster(clusters_of(labels, 4), scores(values), size=size, draw="top", seed=1))
        assert len(set(ids)) == int(len(labels) * percent / 100 + 0.5)
        for label in range(4):
            inside = [i for i, found in enumerate(labels) if found == label]
            best = sorted((values[i] for i in inside), reverse=True)
            taken = [values[i] for i in ids if labels[i] == label]
            assert sorted(taken, reverse=True) == best[: len(taken)]


def rounds_of(clusters: sl.Clusters[Any], size: str, rounds: int, **settings: Any) -> list[list[int]]:
    """The batches of a loop, each of which leaves out those before it."""
    batches, grown = [], pick(clusters.rows, [])
    for index in range(rounds):
        part = amount(size).of_round(index, rounds)
        batch = per_cluster(clusters, skip=grown, size=part, seed=index, **settings)
        batches.append(chosen(batch))
        grown = union([grown, batch.selection])
    return batches


def test_dnc_11_the_budget_of_a_loop() -> None:
    """n = 125,000, 10 %, 4 rounds: 3,125 new rows in each, as in the file that the authors have kept."""
    labels = np.arange(125_000) % 64
    clusters = clusters_of(labels, 64)
    batches = rounds_of(clusters, "10%", 4, draw="random")
    assert list(map(len, batches)) == [3125] * 4
    assert len({row for batch in batches for row in batch}) == 12_500
    code = {"share": "equal", "rounding": "floor", "shortage": "lose", "draw": "random"}
    (first, *_) = rounds_of(clusters, "10%", 4, **code)
    assert len(first) == 3072
    assert np.bincount(labels[first]).tolist() == [48] * 64


@given(st.integers(1, 300), st.integers(1, 12))
def test_dnc_11_rounds_differ_by_one_at_most(size: int, rounds: int) -> None:
    clusters = clusters_of([i % 7 for i in range(300)], 7)
    sizes = list(map(len, rounds_of(clusters, str(size), rounds, draw="random")))
    assert sum(sizes) == size
    assert max(sizes) - min(sizes) <= 1


SPEC = """
selectlang: 1
name: keys
params:
  pool:  {type: path}
  model: {type: model}
data: {pool: {path: $pool, id: id}}
stages:
  vectors: {embed: METHOD, from: pool, model: $model}
outputs: {vectors: vectors}
"""
CHANGES = {
    "sentence": ["text: instruction", "template: tulu", "prefix: a", "normalize: false", "max_tokens: 9"],
    "hidden_states": ["text: instruction", "template: plain", "pooling: mean", "max_tokens: 9"],
}


@pytest.mark.parametrize("method", CHANGES)
def test_dnc_14_vectors_are_made_anew_when_anything_changes(
    project: Callable[..., Any], pool: Any, toys: dict[str, str], method: str
) -> None:
    """The text, its template, the pooling, the model, the rows."""
    spec = SPEC.replace("METHOD", method)
    p = project({"s.yaml": spec, "pool.jsonl": pool(20), "other.jsonl": pool(20, start=1)})
    for change in CHANGES[method]:
        p.write({f"{change.partition(':')[0]}.yaml": spec.replace("$model}", f"$model, {change}}}")})

    def state(file: str = "s.yaml", rows: str = "pool.jsonl", model: str = toys["encoder"]) -> bool:
        """Whether it is in the store."""
        plan = p.run(f"selectlang plan {file} --set pool={rows} --set model={model}").ok().out
        return "0 of 1 to run" in plan

    p.run(f"selectlang run s.yaml --set pool=pool.jsonl --set model={toys['encoder']} --out out").ok()
    assert state()
    assert not state(rows="other.jsonl")
    assert not state(model=toys["model"])
    for change in CHANGES[method]:
        assert not state(f"{change.partition(':')[0]}.yaml")


def test_dnc_14_a_text_that_is_too_long_keeps_its_norm(toys: dict[str, str]) -> None:
    """Its vector is that of its beginning, and divided by the length of no other row's text."""
    text = "one two three four five six seven eight nine ten"
    rows = rows_of([f"{text} {text}", text, "Add 3 ."])
    cut = sentence(model=toys["encoder"], text="instruction", normalize=False, max_tokens=10)
    matrix = cut(rows).matrix
    np.testing.assert_allclose(matrix[0], matrix[1], atol=1e-5)
    alone = cut(rows.take(np.array([2]))).matrix
    np.testing.assert_allclose(matrix[2], alone[0], atol=1e-5)
    assert np.linalg.norm(matrix[0]) > 0.5
    whole = sentence(model=toys["encoder"], text="instruction")(rows)
    np.testing.assert_allclose(np.linalg.norm(whole.matrix, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_dnc_15_the_silhouette_peaks_at_the_true_k(k: int) -> None:
    """Blobs that lie apart; it stays between 0 and 1, as the authors' notebook has it."""
    random = np.random.default_rng(k)
    centers = 20 * np.eye(6)[:k]
    matrix = (centers[np.arange(30 * k) % k] + random.normal(size=(30 * k, 6))).astype(np.float32)
    vectors = sl.Vectors(numbered(len(matrix)), matrix)
    found = {n: kmeans(vectors, k=n, redo=3, seed=0).silhouette for n in range(2, 7)}
    assert all(0 <= value <= 1 for value in found.values())
    assert max(found, key=lambda n: found[n]) == k
