"""The benchmarks of rows, tiny: they run, and the arms choose what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_choosing_drops_the_short_and_keeps_the_longest(bench: Any, tmp_path: Path) -> None:
    rows = [{"instruction": f"ask {i}", "output": "word " * i} for i in range(20)]
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    taken = bench("choose").ours(tmp_path, 3)
    chosen = (tmp_path / "ours" / "chosen.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["instruction"] for line in chosen] == ["ask 19", "ask 18", "ask 17"]
    assert taken.seconds > 0
    assert taken.memory > 10


def test_growing(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    growth = bench("growth")
    steps = ("round_robin, next", "per_cluster")
    monkeypatch.setattr(growth, "LAST", {step: growth.LAST[step] for step in steps})
    found = growth.grow(2000, 4, tmp_path)
    assert list(found) == list(steps)
    assert all(0 <= line[0] < line[1] and min(line[2:]) > 10 for line in found.values())
    assert len((tmp_path / "out" / "chosen.jsonl").read_text(encoding="utf-8").splitlines()) == 860
