"""Loops and recipes: rounds that build on one another, and specs inside specs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: rounds
params:
  pool:   {type: path}
  rounds: {type: int, default: 3}
  parts:  {type: int, default: 3}
  size:   {type: amount, default: 20}
data: {pool: {path: $pool, id: id}}
stages:
  vectors: {embed: tfidf, from: pool, dimension: 8}
  topics:  {cluster: kmeans, from: vectors, k: 5}
  quality: {score: length, from: pool, text: response}
  drawing:
    loop: $rounds
    carry: {chosen: {next: grown}}
    stages:
      batch:
        budget: per_cluster
        from: {clusters: topics, scores: quality, skip: chosen}
        size: $size
        over: $parts
        draw: weighted
      grown: {merge: union, from: [chosen, batch]}
outputs: {chosen: drawing.chosen}
"""
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out"


def counts(outcome: Any, stage: str = "drawing/batch") -> list[int]:
    """Rows that each round chose."""
    stages = [s for s in outcome.record["stages"] if s["path"].startswith(f"{stage}#")]
    return [next(iter(s["rows_out"].values()), -1) for s in stages]


@pytest.mark.parametrize("size, rounds", [("20", 3), ("20", 7), ("33%", 4), ("5", 8), ("120", 5)])
def test_rounds_add_up_and_never_take_a_row_twice(project: Make, pool: Make, size: str, rounds: int) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(120)})
    done = p.run(f"{RUN} --set size={size} --set rounds={rounds} --set parts={rounds}").ok()
    total = 40 if size == "33%" else int(size)
    ids = done.ids()
    assert len(ids) == len(set(ids)) == total
    made = counts(done)
    assert len(made) == rounds
    assert max(made) - min(made) <= 1
    assert sum(made) == total


def test_a_longer_loop_reuses_the_rounds_it_has(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(120)})
    given = "--set parts=5 --set size=20"
    first = p.run(f"{RUN} {given} --set rounds=2").ok()
    two, keys = first.ids(), first.keys
    again = p.run(f"{RUN} {given} --set rounds=4").ok()
    states = again.states
    assert {path for path, state in states.items() if state == "ran"} == {
        f"drawing/{stage}#{number}" for stage in ("batch", "grown") for number in (3, 4)
    }
    assert again.ids()[: len(two)] == two
    assert {path: again.keys[path] for path in keys} == keys


def test_each_round_draws_by_its_own_seed(project: Make, pool: Make) -> None:
    done = project({"s.yaml": SPEC, "pool.jsonl": pool(120)}).run(RUN).ok()
    seeds = [done.stage(f"drawing/batch#{number}")["seed"] for number in (1, 2, 3)]
    assert len(set(seeds)) == 3
    given = SPEC.replace("draw: weighted", "draw: weighted\n        seed: 5")
    done = project({"s.yaml": given, "pool.jsonl": pool(120)}).run(RUN).ok()
    seeds = [done.stage(f"drawing/batch#{number}")["seed"] for number in (1, 2, 3)]
    assert len(set(seeds)) == 3


UNTIL = """
selectlang: 1
name: until
params:
  pool: {type: path}
  left: {type: float, default: 60}
  each: {type: amount, default: 13}
data: {pool: {path: $pool, id: id}}
stages:
  quality: {score: length, from: pool, text: response}
  drawing:
    loop: 50
    until: {batch.left: {below: $left}}
    carry: {chosen: {next: grown}}
    stages:
      batch: {budget: top, from: {scores: quality, skip: chosen}, size: $each}
      grown: {merge: union, from: [chosen, batch]}
outputs: {chosen: drawing.chosen}
"""


def paths(plan: str) -> list[str]:
    return [line.split()[0] for line in plan.splitlines() if line.startswith("drawing/")]


def test_until_ends_a_loop_in_the_run_and_then_in_the_plan(project: Make, pool: Make) -> None:
    """120 rows, 13 a round: fewer than 60 are left after round five."""
    p = project({"s.yaml": UNTIL, "pool.jsonl": pool(120)})
    plan = "selectlang plan s.yaml --set pool=pool.jsonl"
    assert len(paths(p.run(plan).ok().out)) == 100  # nothing is known yet: at most fifty rounds of two stages
    done = p.run(RUN).ok()
    assert counts(done) == [13] * 5
    assert len(set(done.ids())) == 65
    assert done.record["loops"] == [{"path": "drawing", "rounds": 5, "ended": "batch.left below 60"}]
    assert "note: drawing: ended after round 5: batch.left below 60" in done.err
    after = p.run(plan).ok().out
    assert paths(after) == [f"drawing/{stage}#{n}" for n in range(1, 6) for stage in ("batch", "grown")]
    assert "0 of 11 to run" in after


def test_until_reads_on_when_the_bound_moves(project: Make, pool: Make) -> None:
    p = project({"s.yaml": UNTIL, "pool.jsonl": pool(120)})
    p.run(RUN).ok()
    more = p.run(RUN + " --set left=30").ok()
    assert len(counts(more)) == 7  # 120 - 7 * 13 = 29
    assert sum(state == "ran" for state in more.states.values()) == 4
    fewer = p.run(RUN + " --set left=110").ok()
    assert (len(counts(fewer)), set(fewer.states.values())) == (1, {"cached"})
    assert len(fewer.rows()) == 13


def test_until_is_not_misled_by_a_damaged_metric(project: Make, pool: Make) -> None:
    """The metric that ended the loop is damaged: it is made again, and the loop ends where it did."""
    p = project({"s.yaml": UNTIL, "pool.jsonl": pool(120)})
    first = p.run(RUN).ok()
    whole = first.bytes()
    key = first.keys["drawing/batch#5"]
    for name in ("meta.json", "port_left/value.json"):
        path = p.store / "entries" / key[:2] / key / name
        path.write_bytes(path.read_bytes()[:-3])
        again = p.run(RUN).ok()
        assert (len(counts(again)), again.bytes()) == (5, whole)
        assert f"store: {key[:12]} is damaged" in again.err
        assert again.states["drawing/batch#5"] == "ran"


def test_a_budget_that_runs_dry_in_a_loop(project: Make, pool: Make) -> None:
    p = project({"s.yaml": UNTIL.replace("loop: 50", "loop: 4"), "pool.jsonl": pool(30)})
    done = p.run(RUN + " --set left=-1").ok()
    assert counts(done) == [13, 13, 4, 0]
    assert "note: drawing/batch#3: asked for 13 rows, 4 were eligible: chose 4" in done.err
    assert "note: drawing/batch#4: asked for 13 rows, 0 were eligible: chose 0" in done.err


def test_a_carry_may_start_from_something(project: Make, pool: Make) -> None:
    spec = UNTIL.replace(
        "carry: {chosen: {next: grown}}", "carry: {chosen: {start: first, next: grown}}"
    ).replace("stages:\n  quality", "stages:\n  first: {budget: random, from: pool, size: 7}\n  quality")
    done = project({"s.yaml": spec, "pool.jsonl": pool(120)}).run(RUN).ok()
    assert counts(done) == [13] * 5  # 120 - 7 - 5 * 13 = 48
    assert len(set(done.ids())) == 72
    assert done.stage("drawing/grown#1")["rows_out"] == {"": 20}


def test_a_loop_in_a_loop(project: Make, pool: Make) -> None:
    spec = """
selectlang: 1
name: nested
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  outer:
    loop: 3
    carry: {all: {next: inner.some}}
    stages:
      inner:
        loop: 2
        carry: {some: {start: all, next: grown}}
        stages:
          batch: {budget: random, from: {rows: pool, skip: some}, size: 5}
          grown: {merge: union, from: [some, batch]}
outputs: {chosen: outer.all}
"""
    done = project({"s.yaml": spec, "pool.jsonl": pool(60)}).run(RUN).ok()
    assert len(set(done.ids())) == 30
    batches = [s for s in done.record["stages"] if s["path"].startswith("outer/inner/batch")]
    assert [s["path"] for s in batches] == [f"outer/inner/batch#{i}#{j}" for i in (1, 2, 3) for j in (1, 2)]
    assert len({s["seed"] for s in batches}) == 6
    inner = [{"path": f"outer/inner#{i}", "rounds": 2, "ended": None} for i in (1, 2, 3)]
    assert done.record["loops"] == [*inner, {"path": "outer", "rounds": 3, "ended": None}]


RECIPE = """
selectlang: 1
name: longest
params:
  rows: {type: path}
  keep: {type: amount, default: 10}
data: {rows: {path: $rows, id: id}}
stages:
  lengths: {score: length, from: rows, text: response}
  noise:   {score: random, from: rows}
  chosen:  {budget: top, from: lengths, size: $keep}
  other:   {budget: top, from: noise, size: $keep}
outputs: {chosen: chosen, other: other}
"""
USER = """
selectlang: 1
name: user
imports: {longest: ./longest.yaml}
params: {pool: {type: path}, keep: {type: amount, default: 12}}
data: {pool: {path: $pool, id: id}}
stages:
  some:  {budget: random, from: pool, size: 50%}
  long:  {recipe: longest, from: {rows: some}, params: {keep: $keep}}
  again: {recipe: longest, from: {rows: pool}, params: {keep: 5}}
  rest:  {merge: subtract, from: [some, long.chosen]}
outputs:
  {chosen: long.chosen, other: long.other, again: again.chosen, noise: again.other, rest: rest, some: some}
"""


def test_a_recipe_is_a_stage_with_a_scope_of_its_own(project: Make, pool: Make) -> None:
    rows = pool(60)
    p = project({"s.yaml": USER, "longest.yaml": RECIPE, "pool.jsonl": rows})
    done = p.run(RUN).ok()
    some = set(done.ids("some"))
    assert len(some) == 30
    assert set(done.ids("chosen")) <= some
    assert set(done.ids("rest")) == some - set(done.ids("chosen"))
    assert (len(done.ids("chosen")), len(done.ids("again"))) == (12, 5)
    words = {row["id"]: len(row["output"].split()) for row in rows}
    assert all(a >= b for a, b in pairwise(words[name] for name in done.ids("chosen")))
    assert done.why()[0]["why"] == {"stage": "long/chosen", "method": "budget top"}
    assert done.stage("long/noise")["seed"] != done.stage("again/noise")["seed"]
    assert done.record["spec"]["stages"]["long"]["recipe"]["stages"]["lengths"]["text"] == "response"
    more = p.run(RUN + " --set keep=13").ok()
    assert {path for path, state in more.states.items() if state == "ran"} == {
        "long/chosen",
        "long/other",
        "rest",
    }


def test_a_recipe_that_reads_its_own_data(project: Make, pool: Make) -> None:
    """A data set that `from` gives no rows to is read from the path its params name."""
    spec = USER.replace("from: {rows: pool}, params: {keep: 5}", "params: {keep: 5, rows: $pool}")
    p = project({"s.yaml": spec, "longest.yaml": RECIPE, "pool.jsonl": pool(60)})
    done = p.run(RUN).ok()
    assert done.record["data"].keys() == {"pool", "again/rows"}
    assert done.record["data"]["again/rows"]["key"] == done.record["data"]["pool"]["key"]
    assert len(done.rows("again")) == 5
