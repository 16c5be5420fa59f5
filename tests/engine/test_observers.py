"""Observers: told of what happens, and unable to break it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: t
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  lengths: {score: length, from: pool}
  chosen:  {budget: top, from: lengths, size: 3}
outputs: {chosen: chosen}
"""
RUN = "selectlang run s.yaml --set pool=pool.jsonl --plugins plugins --out out"
WATCH = """
import json
import selectlang as sl

def tell(**what):
    with open("told", "a") as file:
        file.write(json.dumps(what) + "\\n")

@sl.hookimpl
def stage_started(path, method, rows):
    tell(started=path, method=method, rows=rows)

@sl.hookimpl
def stage_finished(cached, path):  # any of the arguments, in any order
    tell(finished=path, cached=cached)

@sl.hookimpl
def run_finished(record):
    tell(outputs=record["outputs"]["chosen"]["rows"])
"""
BAD = """
import sys
import selectlang as sl

@sl.hookimpl
def stage_started():
    raise ValueError("no thanks")

@sl.hookimpl
def stage_finished():
    END

@sl.hookimpl
def run_finished(record):
    record.clear()
    raise KeyError("gone")
"""


def test_observers_are_told(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(9), "plugins/watch.py": WATCH})
    p.run(RUN).ok()
    told = [json.loads(line) for line in (p.folder / "told").read_text().splitlines()]
    assert told == [
        {"started": "lengths", "method": "score length", "rows": 9},
        {"finished": "lengths", "cached": False},
        {"started": "chosen", "method": "budget top", "rows": 9},
        {"finished": "chosen", "cached": False},
        {"outputs": 3},
    ]
    (p.folder / "told").unlink()
    p.run(RUN).ok()
    told = [json.loads(line) for line in (p.folder / "told").read_text().splitlines()]
    assert {"finished": "chosen", "cached": True} in told
    assert not any("started" in what for what in told)


@pytest.mark.parametrize("end", ["raise OSError('full')", "sys.exit(5)"])
def test_an_observer_cannot_break_a_run(project: Make, pool: Make, end: str) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(9), "plugins/bad.py": BAD.replace("END", end)})
    plain = project({"s.yaml": SPEC, "pool.jsonl": pool(9), "plugins/watch.py": WATCH}, "plain")
    done = p.run(RUN).ok()
    assert done.bytes() == plain.run(RUN).ok().bytes()
    assert done.err.count("observer plugins/bad.py/bad: stage_started failed: ValueError: no thanks") == 1
    assert done.err.count("bad: stage_finished failed: ") == 1
    assert done.err.count("bad: run_finished failed: KeyError: 'gone'") == 1
    assert done.record["outputs"]["chosen"]["rows"] == 3
