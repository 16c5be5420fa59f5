"""score: nearest, against a loop over all pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins import _vectors
from selectlang_plugins.score import nearest as module
from selectlang_plugins.score.nearest import nearest

Points = Callable[..., sl.Vectors[Any]]


def cosine(a: Any, b: Any) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else 0.0


def naive(pool: Any, targets: Any, columns: list[list[int]], reduce: str) -> tuple[Any, Any]:
    values = np.full((len(pool), len(columns)), np.nan)
    best = np.full((len(pool), len(columns)), -1)
    for i, row in enumerate(pool):
        for j, members in enumerate(columns):
            similar = [cosine(row, targets[t]) for t in members]
            if similar:
                values[i, j] = max(similar) if reduce == "max" else sum(similar) / len(similar)
                best[i, j] = members[int(np.argmax(similar))]
    return values, best


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(0, 9),
    groups=st.lists(st.sampled_from("abc"), min_size=1, max_size=7),
    per=st.sampled_from(["all", "group", "row"]),
    reduce=st.sampled_from(["max", "mean"]),
    chosen=st.none() | st.sets(st.integers(0, 6)),
)
def test_equals_all_pairs(
    points: Points, seed: int, rows: int, groups: list[str], per: Any, reduce: Any, chosen: set[int] | None
) -> None:
    random = np.random.default_rng(seed)
    matrix, wanted = random.normal(size=(rows + 1, 4)) * 3, random.normal(size=(len(groups), 4))
    matrix[rows] = 0
    targets = points(wanted, ids=[f"t{i}" for i in range(len(groups))], group="task", task=groups)
    used = sorted(chosen & set(range(len(groups)))) if chosen is not None else list(range(len(groups)))
    among = None if chosen is None else sl.Selection(targets.rows.take(np.array(used[::-1], np.int64)))
    found = nearest(targets, among, per=per, reduce=reduce)(points(matrix))
    names = sorted(set(groups))
    columns = {
        "all": [used],
        "group": [[i for i in used if groups[i] == name] for name in names],
        "row": [[i] for i in used],
    }[per]
    values, best = naive(matrix, wanted, columns, reduce)
    flat = per == "all"
    assert found.columns == {"all": None, "group": names, "row": [f"t{i}" for i in used]}[per]
    np.testing.assert_allclose(found.values, values[:, 0] if flat else values, atol=1e-5)
    if reduce == "mean" or per == "row":
        assert found.nearest is None
    else:
        assert found.nearest.dtype == np.int32
        ids = [
            [found.nearest_ids[n] if n >= 0 else None for n in line]
            for line in np.atleast_2d(found.nearest.T).T
        ]
        some = np.linalg.norm(matrix, axis=1) > 0  # to a zero vector all targets are equally near
        expected = [[f"t{b}" if b >= 0 else None for b in line] for line in best]
        assert [line for line, keep in zip(ids, some, strict=True) if keep] == [
            line for line, keep in zip(expected, some, strict=True) if keep
        ]


def test_blocks_change_nothing(points: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    pool = points(random.normal(size=(50, 8)))
    targets = points(random.normal(size=(6, 8)), group="task", task=list("aabbcc"))
    for per in ("all", "group", "row"):
        monkeypatch.setattr(module, "CELLS", 2**24)
        whole = nearest(targets, per=per)(pool)
        monkeypatch.setattr(module, "CELLS", 20)
        parts = nearest(targets, per=per)(pool)
        np.testing.assert_allclose(parts.values, whole.values, atol=1e-6)
        if whole.nearest is not None:
            np.testing.assert_array_equal(parts.nearest, whole.nearest)


def test_of_a_mapped_pool_a_million_numbers_are_read_at_once(
    points: Points, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = points(np.zeros((100_000, 1)))
    np.save(tmp_path / "pool.npy", np.ones((100_000, 16), np.float32))
    mapped = np.load(tmp_path / "pool.npy", mmap_mode="r")
    asked: list[int] = []

    def block(*what: Any, **how: Any) -> Any:
        found = _vectors.block(*what, **how)
        asked.append(found.size)
        return found

    monkeypatch.setattr(module, "block", block)
    method = nearest(points(np.eye(3, 16)))
    asked.clear()  # of the targets
    method(sl.Vectors(pool.rows, mapped))
    assert sum(asked) == mapped.size
    assert max(asked) <= 2**20


def test_zero_vectors_are_similar_to_nothing(points: Points) -> None:
    found = nearest(points(np.array([[0, 0], [-1, 0]])))(points(np.array([[0, 0], [1, 0], [-2, 0]])))
    assert found.values.tolist() == [0, 0, 1]


def test_values_stay_within_one(points: Points) -> None:
    vectors = points(np.random.default_rng(1).normal(size=(400, 64)))
    found = nearest(vectors)(vectors)
    assert found.values.max() <= 1
    assert found.nearest.tolist() == list(range(400)), "a row is its own nearest"
    np.testing.assert_allclose(found.values, 1, atol=1e-5)


def test_nobody_to_compare_with(points: Points) -> None:
    targets = points(np.eye(3), group="task", task=["b", "a", "b"])
    none = sl.Selection(targets.rows.take(np.array([], np.int64)))
    for per, shape in (("all", (4,)), ("group", (4, 2)), ("row", (4, 0))):
        for reduce in ("max", "mean"):
            found = nearest(targets, none, per=per, reduce=reduce)(points(np.ones((4, 3))))
            assert found.values.shape == shape
            assert np.isnan(found.values).all()
            assert np.isnan(found.best()).all()
    some = sl.Selection(targets.rows.take(np.array([2, 0])))
    found = nearest(targets, some, per="group")(points(np.ones((1, 3))))
    assert np.isnan(found.values[0, 0])
    assert found.values[0, 1] == pytest.approx(3**-0.5)


def test_targets_that_are_part_of_a_data_set(points: Points) -> None:
    whole = points(np.eye(4))
    part = np.array([3, 1])
    targets = sl.Vectors(whole.rows.take(part), whole.matrix[part])
    among = sl.Selection(whole.rows.take(np.array([1])))
    assert nearest(targets, among)(whole).values.tolist() == [0, 1, 0, 0]
    assert nearest(targets, per="row")(whole).columns == ["p3", "p1"]
    absent = sl.Selection(whole.rows.take(np.array([0, 1])))
    with pytest.raises(sl.DataError, match=r"1 rows .* not among the 2 rows whose vectors it was given"):
        nearest(targets, absent)


def test_vectors_of_two_lengths(points: Points) -> None:
    with pytest.raises(sl.DataError, match="those of the pool have 3 numbers and those of the targets 2"):
        nearest(points(np.eye(2)))(points(np.eye(3)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_named(points: Points, bad: float) -> None:
    good, broken = points(np.eye(3)), points(np.array([[1, 0, 0], [0, bad, 0]]))
    for targets, pool in ((good, broken), (broken, good)):
        with pytest.raises(sl.DataError, match="vector of row 'p1' holds a number that is not finite"):
            nearest(targets)(pool)


def test_no_full_matrix_is_ever_there(points: Points, peak: Callable[..., int]) -> None:
    import faiss

    rows, count, width = 40_000, 500, 64
    random = np.random.default_rng(0)
    pool = points(random.standard_normal((rows, width), np.float32))
    search = nearest(points(random.standard_normal((count, width), np.float32)))
    search(points(np.eye(1, width)))  # what is imported for the first is not its memory
    cores = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(2)  # each has a block
    try:
        assert peak(lambda: search(pool)) < rows * count * 4 / 2
    finally:
        faiss.omp_set_num_threads(cores)
