"""What commands say of rows that were skipped, and of what the store holds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from selectlang.store.store import Store

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: longest
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id, bad_rows: skip}}
stages:
  lengths: {score: length, from: pool, text: response}
  chosen:  {budget: top, from: lengths, size: 5}
outputs: {chosen: chosen}
"""


@pytest.mark.parametrize("bad", [0, 1, 3, 8])
def test_skipped_rows_are_reported(project: Make, pool: Make, bad: int) -> None:
    """How many, and the first few with file, line and reason: by plan, by run, and in the record."""
    lines = [json.dumps(row) for row in pool(9)]
    p = project({"s.yaml": SPEC, "pool.jsonl": "\n".join([lines[0], *['{"a": 1}'] * bad, *lines[1:]])})
    shown = min(bad, 5)
    count = f"data 'pool': {bad} bad rows skipped" if bad > 1 else "data 'pool': 1 bad row skipped"
    count += ", the first 5 of them:" if bad > 5 else ":"
    places = [f"data 'pool': pool.jsonl:{number}: " for number in range(2, 2 + shown)]
    expected = [count, *places] if bad else []
    command = "selectlang {} s.yaml --set pool=pool.jsonl"
    for _ in range(2):  # and again when the data comes out of the store
        plan = p.run(command.format("plan")).ok()
        said = [line.strip() for line in plan.out.splitlines() if "data 'pool'" in line]
        assert [line.startswith(start) for line, start in zip(said, expected, strict=True)] == [True] * len(
            said
        )
        found = json.loads(p.run(command.format("plan") + " --json").ok().out)
        assert found["notes"] == said
        run = p.run(command.format("run") + " --out out").ok()
        assert [line for line in run.err.splitlines() if "data 'pool'" in line] == [
            f"note: {line}" for line in said
        ]
        skipped = run.record["data"]["pool"]["skipped"]
        assert skipped["count"] == bad
        assert [f"data 'pool': {line}" for line in skipped["first"]] == said[1:]


def test_the_store_lists_what_was_used_last_first(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(9)})
    p.run("selectlang run s.yaml --set pool=pool.jsonl --out out").ok()
    entries = sorted(Store(p.store).entries(), key=lambda entry: entry.key)
    days = [3, 9, 9, 1]  # two at the same time stand in the order of their keys
    for entry, day in zip(entries, days, strict=True):
        used = datetime(2026, 1, day, 12, tzinfo=UTC).timestamp()
        os.utime(p.store / "entries" / entry.key[:2] / entry.key / "meta.json", (used, used))
    order = [entries[1].key, entries[2].key, entries[0].key, entries[3].key]
    listed = p.run("selectlang store list").ok().out.splitlines()
    assert [line.split()[0] for line in listed[1:-1]] == [key[:12] for key in order]
    assert [line.split()[1] for line in listed[1:-1]] == [f"2026-01-0{day}" for day in (9, 9, 3, 1)]
    assert all(len(line) <= 80 for line in listed[:-1])
    text = p.run("selectlang store list --json").ok().out
    found = json.loads(text)
    assert [one["key"] for one in found] == order
    assert all(list(one) == ["key", "path", "method", "size", "created", "used"] for one in found)
    assert {one["path"]: one["method"] for one in found} == {
        "pool": "data", "lengths": "score length", "chosen": "budget top", "report": "report",
    }  # fmt: skip
    assert found[0]["used"] == "2026-01-09T12:00:00+00:00"
    assert {one["key"]: one["size"] for one in found} == {entry.key: entry.size for entry in entries}
    assert p.run("selectlang store list --json").ok().out == text
    assert p.run("selectlang store list --json --store none").ok().out == "[]\n"
