"""Specs of rounds on pools of planted quality: what each round found."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from selectlang.cli import main as selectlang
from selectlang.data.dataset import Dataset
from selectlang.demo.planted import NOISY_TASKS, garbled
from selectlang.demo.pool import make_pool
from selectlang.store.codec import decode
from selectlang.store.store import Store

SPECS = Path(__file__).parent / "specs"
MINILM = "all-MiniLM-L6-v2"
Curves = dict[str, list[float]]
"""A number for each round, by name."""

ARMS: dict[str, tuple[str, dict[str, object]]] = {
    "classifier and likeness": ("labelling", {"alpha": 0.7}),
    "classifier alone": ("labelling", {"alpha": 1}),
    "likeness alone": ("labelling", {"alpha": 0}),
    "at random": ("labelling-random", {}),
}
"""Ways to choose the rows to judge: a spec of benchmarks/specs, and params."""


def run(spec: str, out: Path, params: Mapping[str, object]) -> dict[str, Any]:
    """Run a spec of benchmarks/specs as a person would; returns its record. The store is beside `out`."""
    words = [word for key, value in params.items() for word in ("--set", f"{key}={value}")]
    said = io.StringIO()
    with (
        patch.dict(os.environ, SELECTLANG_STORE=str(out.parent / "store")),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        code = selectlang(["run", str(SPECS / f"{spec}.yaml"), *words, "--out", str(out)])
    if code:
        raise SystemExit(f"{spec} ended with {code}:\n{said.getvalue()[-2000:]}")
    found: dict[str, Any] = json.loads((out / "record.json").read_text(encoding="utf-8"))
    return found


def rounds_of(record: Mapping[str, Any], path: str) -> list[dict[str, Any]]:
    """What a record says of a stage of a loop, round by round."""
    return [stage for stage in record["stages"] if stage["path"].partition("#")[0] == path]


def write_rows(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def labelling(
    work: Path, base: str, seed: int, *, rows: int, batch: int, rounds: int, bert: bool = False
) -> Curves:
    """The share of hard rows in each judged batch, by arm, on the pool of a seed.

    Half of the pool is the diverse subset that batches are taken from.
    """
    pool = write_rows(work / f"labelling-{seed}" / "pool.jsonl", make_pool(rows, seed))
    shared: dict[str, object] = {"pool": pool, "base_model": base, "judge": "fake/judge", "batch": batch}
    shared |= {"rounds": rounds, "diverse": "50%", "clusters": 20, "accuracy": 1.01, "steps": 1}
    found: Curves = {}
    for arm, (spec, params) in ARMS.items():
        given = {**shared, **params}
        if bert and spec == "labelling":
            spec, given = "labelling-bert", {**given, "encoder": MINILM, "classifier": MINILM}
        record = run(spec, pool.parent / arm.replace(" ", "-"), given)
        found[arm] = [stage["metrics"]["hard_rate"] for stage in rounds_of(record, "training/judged")]
    return found


def calls_until(rates: Sequence[float], batch: int, wanted: int) -> float | None:
    """Judge calls until a number of hard rows is found, as if those of a batch lay evenly in it.

    None where so many are not found at all.
    """
    before = 0.0
    for number, found in enumerate(accumulate(rate * batch for rate in rates)):
        if found >= wanted:
            return batch * (number + (wanted - before) / (found - before))
        before = found
    return None


def noise(work: Path, base: Path, reward: Path, seed: int, *, rows: int, rounds: int) -> Curves:
    """The share of garbled rows that the weights of clusters ask for, by round and signal.

    That is the sum over clusters of weight times share of garbled rows. The first round draws by the sizes of
    the clusters, so that its share is that of the pool. A tenth of the pool is chosen.
    """
    made = garbled(make_pool(rows, seed), seed=seed)
    garbage = np.array([row["task"] in NOISY_TASKS for row in made])
    pool = write_rows(work / f"noise-{seed}" / "pool.jsonl", made)
    shared = {"pool": pool, "model": base, "k": 16, "rounds": rounds, "size": "10%"}
    signals: dict[str, dict[str, object]]
    signals = {"reward": {"reward_model": reward}, "judge": {"judge": "fake/judge"}, "perplexity": {}}
    found: Curves = {}
    for signal, params in signals.items():
        out = pool.parent / signal
        record = run(f"noise-{signal}", out, {**shared, **params})
        clusters = pq.read_table(out / "clusters.parquet")["cluster"].to_numpy()
        share = np.bincount(clusters, garbage) / np.bincount(clusters)
        stages = rounds_of(record, "rounds/reweighed")[: rounds - 1]  # nothing asks for those of the last
        made_of = [float(share @ weights(out.parent / "store", stage)) for stage in stages]
        found[signal] = [float(garbage.mean()), *made_of]
    return found


def weights(store: Path, stage: Mapping[str, Any]) -> NDArray[np.float64]:
    """The weights that a stage made, (clusters,), as the store keeps them."""
    folder = Store(store).path(stage["key"])
    assert folder is not None
    (port,) = folder.glob("port_*")
    none: dict[str, Dataset] = {}  # weights are about clusters, not about rows
    found: NDArray[np.float64] = decode(port, none.__getitem__).values
    return found
