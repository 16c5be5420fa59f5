"""The exact search behind score: nearest, whichever screen goes before it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from selectlang_plugins._vectors import unit
from selectlang_plugins.score import _best as module
from selectlang_plugins.score._best import Best, _products

Matrix = NDArray[np.float32]
SCREENS = ["fp32", "bf16"]


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Best with the screens of a machine on which bf16 pays, or does not."""

    def make(targets: Matrix, bounds: NDArray[np.int64], screen: str) -> Best:
        monkeypatch.setattr(module, "_bf16_pays", lambda: screen == "bf16")
        return Best(targets, bounds, module.LARGE)

    return make


def brute(block: Matrix, targets: Matrix, bounds: NDArray[np.int64]) -> tuple[Any, Any]:
    """All pairs, each by itself."""
    rows, count = len(block), len(targets)
    i, j = np.divmod(np.arange(rows * count), max(1, count))
    every = _products(block, i, targets, j).reshape(rows, count)
    parts = [every[:, low:high] for low, high in pairwise(bounds)]
    values = [part.max(axis=1) if part.shape[1] else np.full(rows, np.nan) for part in parts]
    best = [
        low + part.argmax(axis=1) if part.shape[1] else np.full(rows, -1)
        for low, part in zip(bounds, parts, strict=False)
    ]
    return np.stack(values, 1), np.stack(best, 1)


def alike(seed: int, rows: int, targets: int, width: int, spread: float) -> tuple[Matrix, Matrix]:
    """Unit vectors that lie the closer together, the smaller their spread."""
    random = np.random.default_rng(seed)
    middle = random.standard_normal(width)
    made = [
        unit((middle + spread * random.standard_normal((n, width))).astype(np.float32))
        for n in (rows, targets)
    ]
    return made[0], made[1]


@pytest.mark.parametrize("screen", SCREENS)
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    spread=st.sampled_from([10.0, 0.3, 0.01, 1e-4]),
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=5),
    width=st.sampled_from([1, 7, 64]),
)
def test_it_is_the_largest_of_all_pairs(
    screen: str, seed: int, spread: float, sizes: list[int], width: int
) -> None:
    bounds = np.cumsum([0, *sizes])
    block, targets = alike(seed, 40, int(bounds[-1]), width, spread)
    block[3] = 0
    block[5], block[6] = block[4], -block[4]
    block[7, 0] = 0
    if len(targets) > 1:
        targets[-1] = targets[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_bf16_pays", lambda: screen == "bf16")
        search = Best(targets, bounds, module.LARGE)
        values, found = search(block)
    expected, nearest = brute(block, targets, bounds)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(found, nearest)


def test_screens_agree_and_the_place_of_a_row_does_not_matter(search: Any) -> None:
    block, targets = alike(0, 3000, 900, 96, 1.0)
    bounds = np.array([0, 300, 900])
    found = {screen: search(targets, bounds, screen) for screen in SCREENS}
    whole = {screen: best(block) for screen, best in found.items()}
    np.testing.assert_array_equal(whole["fp32"][0], whole["bf16"][0])
    np.testing.assert_array_equal(whole["fp32"][1], whole["bf16"][1])
    for best in found.values():
        one_by_one = np.concatenate([best(block[i : i + 1])[0] for i in range(0, 3000, 100)])
        np.testing.assert_array_equal(one_by_one, whole["fp32"][0][::100])


def test_the_coarse_screen_is_used_where_it_is_enough(search: Any) -> None:
    used: list[Any] = []

    def watched(best: Best) -> Best:
        best.screens = [lambda block, one=one: used.append(one) or one(block) for one in best.screens]  # type: ignore[misc]
        return best

    bounds = np.array([0, 900])
    block, targets = alike(0, 100, 900, 96, 3.0)
    watched(search(targets, bounds, "bf16"))(block)
    assert len(used) == 1
    block, targets = alike(1, 100, 900, 96, 1e-3)
    watched(search(targets, bounds, "bf16"))(block)
    assert len(used) == 3, "all of these targets are within the error of bf16"


def test_rounding_that_favours_the_wrong_target_misleads_nobody(search: Any) -> None:
    """Each row is as near to two targets, and leans to where rounding takes the one down and the other up."""
    import torch

    random, pairs = np.random.default_rng(0), 20
    targets = unit(random.standard_normal((600, 2048)).astype(np.float32))
    lost = torch.from_numpy(targets).bfloat16().float().numpy() - targets
    rows = []
    for one, other in zip(range(pairs), range(pairs, 2 * pairs), strict=True):
        base = np.linalg.qr(targets[[one, other]].T.astype(np.float64))[0]
        lean = (lost[other] - lost[one]).astype(np.float64)
        lean -= base @ (base.T @ lean)
        rows.append(0.1202 * targets[one] + 0.12 * targets[other] + lean / np.linalg.norm(lean))
    block, bounds = unit(np.array(rows, np.float32)), np.array([0, len(targets)])
    best = search(targets, bounds, "bf16")
    best.screens = best.screens[:1]
    rough, _ = best.screens[0](block)
    assert (rough.argmax(axis=0) != np.arange(pairs)).any(), "the screen alone is misled"
    values, found = best(block)
    expected, nearest = brute(block, targets, bounds)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(found, nearest)


def test_equal_targets_cost_one_pair(search: Any) -> None:
    block, targets = alike(0, 10, 1, 32, 1.0)
    best = search(np.repeat(targets, 50, axis=0), np.array([0, 20, 50]), "fp32")
    assert len(best.targets) == 2
    _, found = best(block)
    assert (found == [0, 20]).all()


@pytest.mark.parametrize("screen", SCREENS)
def test_a_zero_row_costs_one_pair(screen: str, search: Any) -> None:
    _, targets = alike(0, 1, 1500, 32, 1.0)
    best = search(targets, np.array([0, 20, 1500]), screen)
    best.screens = best.screens[:1]
    row, target = best._pairs(np.zeros((3, 32), np.float32))
    assert row.tolist() == [0, 0, 1, 1, 2, 2]
    assert target.tolist() == [0, 20] * 3


def test_a_small_search_does_not_load_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_bf16_pays", lambda: pytest.fail("it takes seconds"))
    block, targets = alike(0, 10, 30, 32, 1.0)
    Best(targets, np.array([0, 30]), 52_002)(block)
