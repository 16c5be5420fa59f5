"""The benchmark of rounds, small: what it shows, it shows again, in direction."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from rich.console import Console

from selectlang.demo.model import pairs, write_model, write_toy_reward_model
from selectlang.demo.planted import NOISY_TASKS
from selectlang.demo.pool import make_pool

BATCH = 30


def test_the_hard_rate_rises_and_hard_rows_cost_fewer_calls(bench: Any, tmp_path: Path) -> None:
    """With replies that repeat the question, `fake/judge` finds some tasks hard and others easy."""
    planted = bench("planted")
    found = planted.labelling(tmp_path, "fake/echo", 0, rows=1200, batch=BATCH, rounds=4)
    random = found.pop("at random")
    wanted = int(BATCH * sum(random) * 0.8)
    for arm, rates in found.items():
        assert rates[0] == random[0], "the first batch is drawn at random, whatever the arm"
        assert mean(rates[1:]) > rates[0] + 0.2, arm
        assert mean(rates[1:]) > mean(random[1:]) + 0.2, arm
        calls = planted.calls_until(rates, BATCH, wanted)
        assert 1.4 * calls < planted.calls_until(random, BATCH, wanted), arm
    bench("rounds").show_labelling(Console(record=True, quiet=True), [{**found, "at random": random}])


def test_garbled_clusters_lose_weight_but_not_under_perplexity(bench: Any, tmp_path: Path) -> None:
    others = make_pool(800, seed=1000)
    good = [row for row in others if row["quality"] == "good"]
    base = write_model(tmp_path / "base", pairs(good), steps=150)
    reward = write_toy_reward_model(tmp_path / "reward", others, steps=200)
    found = bench("planted").noise(tmp_path, base, reward, 0, rows=1000, rounds=3)
    share = sum(row["task"] in NOISY_TASKS for row in make_pool(1000, 0)) / 1000
    for signal, weights in found.items():
        assert weights[0] == pytest.approx(share)
        if signal == "perplexity":
            assert min(weights[1:]) > 1.2 * share
        else:
            assert weights[1] < 0.8 * share, signal
            assert weights[2] < 0.5 * share, signal
    bench("rounds").show_noise(Console(record=True, quiet=True), [found])


def test_calls_until(bench: Any) -> None:
    """Batches of 10 with 5, 0 and 10 hard rows."""
    calls_until = bench("planted").calls_until
    rates = [0.5, 0.0, 1.0]
    assert [calls_until(rates, 10, wanted) for wanted in (1, 5, 6, 15, 16)] == [2, 10, 21, 30, None]
