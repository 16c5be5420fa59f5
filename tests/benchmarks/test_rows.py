"""The benchmarks of rows, tiny: they run, and the arms choose what they say."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of benchmarks/, which are scripts and no package."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


@pytest.mark.parametrize("parquet", [False, True])
def test_reading(
    parquet: bool,
    bench: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    read = bench("read")
    monkeypatch.delitem(read.PARQUET if parquet else read.ARMS, "pandas")  # which comes with an extra
    read.compare(tmp_path, 20, 1, parquet)
    assert "Reading 20 rows" in capsys.readouterr().out


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
    assert all(0 <= inside < whole and memory > 10 for inside, whole, memory in found.values())
    assert len((tmp_path / "out" / "chosen.jsonl").read_text(encoding="utf-8").splitlines()) == 860
