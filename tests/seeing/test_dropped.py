"""selectlang dropped: every row that was left out, once, with the stage at which it came furthest."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from selectlang.engine.opened import Opened
from selectlang.seeing.dropped import dropped
from selectlang.store.store import Store

Make = Callable[..., Any]

PLUGIN = """
import numpy as np
import selectlang as sl

@sl.judge
def odd(rows: sl.Rows) -> sl.Labels:
    "Whether the value is odd; nobody knows about those above 90."
    codes = np.array([-1 if value > 90 else value % 2 for value in rows.field("value")], np.int8)
    return sl.Labels(rows, codes, ["even", "odd"])

@sl.generate
def some(rows: sl.Rows) -> sl.Replies:
    "Answers half of the requests, as where calls fail."
    return sl.Replies(sl.Rows(rows.data, rows.positions[::2], ["yes"] * len(rows.positions[::2])))

@sl.hookimpl
def register_methods(register):
    register(odd)
    register(some)
"""
SPEC = """
selectlang: 1
name: chain
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool, id: id, bad_rows: skip}}
stages:
  value:  {score: from_field, from: pool, field: value}
  some:   {budget: top, from: value, size: 40}
  judged: {judge: odd, from: some}
  first:  {budget: bottom, from: {scores: value, within: judged.odd}, size: 3}
  rest:   {merge: subtract, from: {rows: judged.odd, remove: first}}
  common: {merge: intersect, from: [rest, some]}
  replies: {generate: some, from: common}
  kept:   {merge: intersect, from: [common, replies]}
  last:   {budget: top, from: {scores: value, within: kept}, size: 2}
  both:   {merge: union, from: [first, last]}
outputs: {chosen: both, last: last, first: first, score: value}
"""


@pytest.fixture
def run(project: Make, pool: Make) -> Any:
    p = project({"s.yaml": SPEC, "plugins/p.py": PLUGIN, "pool.jsonl": pool(60)})
    with (p.folder / "pool.jsonl").open("a") as file:
        file.write('{"id": "bad"}\n{"id": "worse"\n')
    p.run("selectlang run s.yaml --plugins plugins --out out").ok()
    return p


def opened(p: Any) -> Opened:
    return Opened.open(p.folder / "out", Store(p.store))


def told(p: Any, output: str) -> dict[str, tuple[str, str]]:
    found = dropped(opened(p), output)
    ids = found.data.ids(found.at)
    assert len(ids) == len(set(ids))
    return {row: (found.stages[found.stage[i]], found.reasons[found.reason[i]]) for i, row in enumerate(ids)}


def test_each_row_is_told_at_the_stage_at_which_it_came_furthest(run: Any, pool: Make) -> None:
    value = {row["id"]: row["value"] for row in pool(60)}
    found = opened(run)
    ids = {path: found.value(path).rows.ids() for path in ("some", "first", "last", "replies", "common")}
    expected = {}
    for row in value:
        if row in ids["last"]:
            continue
        if row not in ids["some"]:
            expected[row] = ("some", "below the line")
        elif value[row] > 90:
            expected[row] = ("judged", "no verdict")
        elif value[row] % 2 == 0:
            expected[row] = ("judged", "verdict even")
        elif row in ids["first"]:
            expected[row] = ("rest", "in remove: first")
        elif row not in ids["replies"]:
            expected[row] = ("replies", "left out by generate some")
        else:
            expected[row] = ("last", "below the line")
    assert told(run, "last") == expected
    assert set(expected.values()) >= {("some", "below the line"), ("judged", "verdict even")}
    both = {row: why for row, why in expected.items() if row not in ids["first"]}
    assert told(run, "chosen") == both  # of a union the last stage that saw a row


def test_a_lower_half_is_above_the_line(run: Any, pool: Make) -> None:
    found = told(run, "first")
    assert {why for why in found.values() if why[0] == "first"} == {("first", "above the line")}


def test_the_table(run: Any) -> None:
    said = run.run("selectlang dropped out --output last --limit 2").ok().out
    lines = said.splitlines()
    assert lines[0] == "last holds 2 of the 60 rows of pool; left out:"
    assert lines[2].split() == ["rows", "stage", "reason"]
    rows = [line.split(maxsplit=2) for line in lines[3:] if line.strip() and line.split()[0].isdigit()]
    assert sum(int(row[0]) for row in rows) == 58
    assert [row[1] for row in rows] == ["last", "replies", "rest", "judged", "judged", "some"]
    assert "note: data 'pool': 2 bad rows were not read, and are no rows here" in said
    assert "the first 2, those nearest to the line first:" in said
    assert said.splitlines()[-2].split()[1:3] == ["last", "3"]
    assert "first 58" not in run.run("selectlang dropped out --output last --limit 0").ok().out
    assert "all, those nearest" in run.run("selectlang dropped out --output last --limit 99").ok().out


def test_the_first_output_of_rows_is_meant(run: Any) -> None:
    assert run.run("selectlang dropped out").ok().out.startswith("chosen holds 5 of the 60 rows of pool")


def test_a_file_holds_all_of_it(run: Any) -> None:
    said = run.run("selectlang dropped out --output last --out left.parquet").ok()
    assert said.out == "58 rows left out of last in left.parquet\n"
    run.run("selectlang dropped out --output last --out left.csv").ok()
    table = pq.read_table(run.folder / "left.parquet")
    assert table.column_names == ["id", "stage", "reason", "group", "score", "rank", "line"]
    rows = table.to_pylist()
    assert {row["id"]: (row["stage"], row["reason"]) for row in rows} == told(run, "last")
    with (run.folder / "left.csv").open(newline="") as file:
        text = list(csv.DictReader(file))
    assert [row["id"] for row in text] == [row["id"] for row in rows]
    assert [row["score"] for row in text] == ["" if r["score"] is None else f"{r['score']:g}" for r in rows]
    best = next(row for row in rows if row["stage"] == "last")
    assert best["rank"] == 3
    assert best["score"] <= best["line"]
    assert {row["rank"] for row in rows if row["stage"] == "judged"} == {None}


def test_a_file_of_nothing(project: Make, pool: Make) -> None:
    spec = SPEC.replace("size: 40", "size: 100%").split("  judged:")[0] + "outputs: {chosen: some}\n"
    p = project({"s.yaml": spec, "pool.jsonl": pool(5)})
    p.run("selectlang run s.yaml --out out").ok()
    assert p.run("selectlang dropped out --out none.parquet").ok().out.startswith("0 rows left out")
    assert pq.read_table(p.folder / "none.parquet").num_rows == 0
    assert (
        p.run("selectlang dropped out").ok().out
        == "chosen holds 5 of the 5 rows of pool; nothing was left out\n"
    )


@pytest.mark.parametrize(
    "options, code, said",
    [
        ("--out left.txt", 2, "expected a file that ends in .parquet or .csv"),
        ("--out nowhere/left.csv", 2, "there is no folder nowhere"),
        ("--out folder.csv", 2, "this is a folder"),
        ("--limit x", 2, "is no number of things"),
        ("--output nothing", 1, "this run has no output 'nothing'"),
    ],
)
def test_mistakes(options: str, code: int, said: str, run: Any) -> None:
    (run.folder / "folder.csv").mkdir()
    done = run.run(f"selectlang dropped out {options}")
    assert (done.code, said in done.err) == (code, True), done.err


def test_an_output_without_rows(project: Make, pool: Make) -> None:
    spec = SPEC.split("  judged:")[0] + "outputs: {left: some.left}\n"
    p = project({"s.yaml": spec, "pool.jsonl": pool(5)})
    p.run("selectlang run s.yaml --out out").ok()
    for options in ("", "--output left"):
        done = p.run(f"selectlang dropped out {options}")
        assert done.code == 1
        assert "holds rows" in done.err or "holds no rows" in done.err


def test_a_file_that_is_there_is_replaced_whole_or_not_at_all(run: Any) -> None:
    path = run.folder / "left.csv"
    path.write_text("before")
    run.run("selectlang dropped out --out left.csv").ok()
    assert path.read_text().startswith('"id",')
    assert [each.name for each in run.folder.iterdir() if each.name.startswith(".left")] == []


def test_stages_whose_values_are_lost_are_said_to_be(run: Any) -> None:
    Store(run.store).discard(opened(run).stage("judged")["key"])
    found = told(run, "last")
    assert ("rest", "the store holds its values no more") in set(found.values())
    assert len(found) == 58


LOOP = """
selectlang: 1
name: looped
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool, id: id}}
stages:
  value: {score: from_field, from: pool, field: value}
  half:  {budget: random, from: pool, size: 30}
  turns:
    loop: 40
    carry: {chosen: {next: grown}}
    stages:
      batch: {budget: top, from: {scores: value, within: half, skip: chosen}, size: 1}
      grown: {merge: union, from: [chosen, batch]}
outputs: {chosen: turns.chosen}
"""


def test_of_a_loop_the_last_round_tells(project: Make, pool: Make) -> None:
    p = project({"s.yaml": LOOP.replace("loop: 40", "loop: 20"), "pool.jsonl": pool(60)})
    p.run("selectlang run s.yaml --out out").ok()
    counts = dropped(opened(p), "chosen").counts()
    assert counts == [(30, "half", "not drawn"), (10, "turns/batch#20", "below the line")]
    p.write({"s.yaml": LOOP})  # after 30 rounds there is nothing left to take
    p.run("selectlang run s.yaml --out out").ok()
    assert dropped(opened(p), "chosen").counts() == [(30, "half", "not drawn")]


def test_calls_that_failed_are_told(project: Make, pool: Make) -> None:
    """What a stage that asks says of its failures stands beside the counts."""
    spec = """
selectlang: 1
name: graded
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool, id: id}}
stages:
  grades: {judge: rubric, from: pool, model: fake/judge, max_failed: 1}
  chosen: {budget: threshold, from: grades.scores, at_least: 5}
outputs: {chosen: chosen}
"""
    p = project({"s.yaml": spec, "pool.jsonl": pool(12)})
    p.run("selectlang run s.yaml --out out").ok()
    record = json.loads((p.folder / "out" / "record.json").read_text())
    grades = next(stage for stage in record["stages"] if stage["path"] == "grades")
    grades["notes"] = ["3 of 12 calls to fake/judge failed and are left out"]
    (p.folder / "out" / "record.json").write_text(json.dumps(record))
    said = p.run("selectlang dropped out").ok().out
    assert "note: grades: 3 of 12 calls to fake/judge failed and are left out" in said
