"""The quickstart says where things are, and what each run did."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selectlang import plugins
from selectlang.demo import quickstart, rounds
from selectlang.demo.pool import make_pool
from selectlang.language import check

Make = Callable[..., Any]


def test_the_last_words_name_the_folders_that_were_written() -> None:
    pool, targets = (quickstart.FOLDER / name for name in ("pool.jsonl", "targets.jsonl"))
    written = {command[-1] for command in quickstart.commands(pool, targets) if "--out" in command}
    assert written == {str(quickstart.FOLDER / name) for name in quickstart.SPECS}
    first, _, others = quickstart.NEXT.partition("those of the others")
    assert all(name in first for name in quickstart.SPECS)
    assert f" {quickstart.FOLDER}/<spec>/chosen.jsonl" in first
    assert f"\n{quickstart.ROUNDS}/<spec>/chosen.jsonl" in others


def test_a_run_counts_what_it_did_itself(project: Make) -> None:
    p = project({"pool.jsonl": make_pool(30)})
    command = (
        "selectlang run alpagasus --set pool=pool.jsonl --set judge=fake/judge --set least=3.5 --out out"
    )
    cells = [rounds.cells(Path(p.folder, "out"), p.run(command).ok().record) for _ in range(2)]
    assert [calls for _, _, calls, _ in cells] == ["30", "0"]
    assert cells[0][:2] == cells[1][:2]


def test_trainings_are_those_of_this_run(tmp_path: Path) -> None:
    (tmp_path / "chosen.jsonl").write_text(json.dumps({"quality": "good"}) + "\n", encoding="utf-8")
    states = [
        ("train", "ran"),
        ("classify", "ran"),
        ("train", "cached"),
        ("train", "not needed"),
        ("score", "ran"),
    ]
    record = {"asked": {}, "stages": [{"kind": kind, "state": state} for kind, state in states]}
    assert rounds.cells(tmp_path, record) == ["1", "100%", "0", "2"]


def test_a_model_has_one_name() -> None:
    """That of the specs: under another one, what the quickstart computes would be computed again."""
    defaults = check.check("kmq", plugins.load(), {}).params
    assert defaults["model"] == rounds.ENCODER
    pool, targets = Path("pool.jsonl"), Path("targets.jsonl")
    for command in quickstart.commands(pool, targets):
        assert all(word in (f"model={rounds.ENCODER}",) for word in command if word.startswith("model="))
