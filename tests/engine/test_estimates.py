"""What a plan knows of rows: merges, loops, repeats, and what it warns of; then what a run says of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]

HEAD = """
selectlang: 1
name: t
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
"""
GIVEN = "s.yaml --set pool=pool.jsonl"


def planned(p: Any) -> dict[str, tuple[int | None, int | None, bool]]:
    found = json.loads(p.run(f"selectlang plan {GIVEN} --json").ok().out)
    return {line["path"]: (line["rows_in"], line["rows_out"], line["most"]) for line in found["lines"]}


def spec(stages: str, outputs: str) -> str:
    return f"{HEAD}{stages}\noutputs: {{{outputs}}}\n"


def test_merges_of_scores_and_of_selections(project: Make, pool: Make) -> None:
    stages = """
  some:   {budget: random, from: pool, size: 12}
  other:  {budget: random, from: pool, size: 15}
  noise:  {score: random, from: pool}
  long:   {score: length, from: some}
  words:  {score: length, from: some, unit: words}
  far:    {score: length, from: other}
  both:   {merge: blend, from: [long, words]}
  apart:  {merge: blend, from: [long, far]}
  all:    {merge: blend, from: [long, noise]}
  joined: {merge: union, from: [some, other]}
  shared: {merge: intersect, from: [some, other]}
  rest:   {merge: subtract, from: [pool, some]}
"""
    p = project(
        {
            "s.yaml": spec(stages, "a: both, b: apart, c: all, d: joined, e: shared, f: rest"),
            "pool.jsonl": pool(20),
        }
    )
    found = planned(p)
    assert found["both"] == (12, 12, False)  # scores of the very same rows
    assert found["apart"] == (15, 20, True)  # of other rows, so up to all of both, but no more than there are
    assert found["all"] == (20, 20, False)
    assert found["joined"] == (20, 20, True)
    assert found["shared"] == (20, 20, True)
    assert found["rest"] == (20, 20, True)
    done = p.run(f"selectlang run {GIVEN} --out out").ok()
    for path in ("both", "apart", "all", "joined", "shared", "rest"):
        rows_in, bound, most = found[path]
        rows_out = done.stage(path)["rows_out"][""]
        assert done.stage(path)["rows_in"] == rows_in
        assert rows_out <= bound if most else rows_out == bound
        assert f"{path}: merge" in done.err
    assert "over 0 rows" not in done.err


def test_rounds_of_a_loop(project: Make, pool: Make) -> None:
    stages = """
  noise: {score: random, from: pool}
  drawing:
    loop: 4
    carry: {chosen: {next: grown}}
    stages:
      batch: {budget: top, from: {scores: noise, skip: chosen}, size: 10}
      grown: {merge: union, from: [chosen, batch]}
"""
    p = project({"s.yaml": spec(stages, "chosen: drawing.chosen"), "pool.jsonl": pool(25)})
    found = planned(p)
    assert [found[f"drawing/grown#{n}"] for n in (1, 2, 3, 4)] == [
        (10, 10, False), (20, 20, False), (25, 25, False), (25, 25, False),
    ]  # fmt: skip


def test_batches_of_a_part_come_to_no_more_than_it_has(project: Make, pool: Make) -> None:
    """Each skips what those before it chose, which a union holds; as a run finds it."""
    stages = """
  some:  {budget: random, from: pool, size: 12}
  noise: {score: random, from: pool}
  drawing:
    loop: 4
    carry: {chosen: {next: grown}}
    stages:
      batch:  {budget: top, from: {scores: noise, within: some, skip: chosen}, size: 5}
      long:   {score: length, from: batch}
      better: {budget: threshold, from: long, at_least: 3}
      grown:  {merge: union, from: [chosen, batch]}
  kept:
    loop: 3
    carry: {chosen: {next: grown}}
    stages:
      batch:  {budget: top, from: {scores: noise, within: some, skip: chosen}, size: 5}
      long:   {score: length, from: batch}
      better: {budget: threshold, from: long, at_least: 3}
      grown:  {merge: union, from: [chosen, better]}
"""
    p = project({"s.yaml": spec(stages, "chosen: drawing.chosen, kept: kept.chosen"), "pool.jsonl": pool(30)})
    found = planned(p)
    rounds = [found[f"drawing/batch#{n}"][1:] for n in (1, 2, 3, 4)]
    assert rounds == [(5, False), (5, False), (2, False), (0, False)]
    assert [found[f"drawing/grown#{n}"][1:] for n in (2, 3, 4)] == [(10, False), (12, False), (12, False)]
    # Of which rows are taken out, only the run can tell here.
    assert [found[f"kept/batch#{n}"][1:] for n in (1, 2, 3)] == [(5, False), (5, True), (5, True)]
    assert [found[f"kept/grown#{n}"][1:] for n in (1, 2, 3)] == [(5, True), (10, True), (12, True)]
    done = p.run(f"selectlang run {GIVEN} --out out").ok()
    for path, (rows_in, bound, most) in found.items():
        made = next(iter(done.stage(path)["rows_out"].values()))
        assert done.stage(path)["rows_in"] <= (rows_in or 0)
        assert made <= bound if most else made == bound, path


def test_what_may_be_there_twice_is_not_taken_out_whole(project: Make, pool: Make) -> None:
    """Ten draws with replacement hold ten rows at most, and maybe one alone."""
    stages = """
  tasks: {cluster: by_field, from: pool, field: task}
  drawn: {budget: per_cluster, from: tasks, draw: random, replace: true, size: 10}
  once:  {merge: union, from: [drawn]}
  rest:  {budget: random, from: {rows: pool, skip: drawn}, size: 20}
"""
    p = project({"s.yaml": spec(stages, "once: once, rest: rest"), "pool.jsonl": pool(20)})
    found = planned(p)
    assert found["drawn"][1:] == (10, False)
    assert found["once"][1:] == (10, True)
    assert found["rest"][1:] == (20, True)


@pytest.mark.parametrize(
    "settings, rows_out, most",
    [
        ("size: 50", 20, False),
        ("size: 50, replace: true", 50, False),
        ("size: 50, rounding: floor", 20, True),
        ("size: 12, shortage: lose", 12, True),
        ("size: 99 tokens", 20, True),
        ("size: 99 tokens, replace: true", None, True),
    ],
)
def test_what_a_budget_may_choose(
    project: Make, pool: Make, settings: str, rows_out: int | None, most: bool
) -> None:
    stages = f"""
  tasks:  {{cluster: by_field, from: pool, field: task}}
  chosen: {{budget: per_cluster, from: tasks, draw: random, {settings}}}
  again:  {{score: length, from: chosen}}
"""
    p = project({"s.yaml": spec(stages, "chosen: chosen, again: again"), "pool.jsonl": pool(20)})
    found = planned(p)
    assert found["chosen"] == (20, rows_out, most)
    assert found["again"] == (rows_out, rows_out, most)
    done = p.run(f"selectlang run {GIVEN} --out out").ok()
    made = done.stage("chosen")["rows_out"]["selection"]
    assert rows_out is None or (made <= rows_out if most else made == rows_out)


@pytest.mark.parametrize("k", ["30", "[2, 30]"])
def test_more_clusters_than_rows(project: Make, pool: Make, k: str) -> None:
    stages = f"""
  some:    {{budget: random, from: pool, size: 12}}
  vectors: {{embed: tfidf, from: some, dimension: 4}}
  topics:  {{cluster: kmeans, from: vectors, k: {k}}}
"""
    p = project({"s.yaml": spec(stages, "topics: topics"), "pool.jsonl": pool(20)})
    plan = p.run(f"selectlang plan {GIVEN}").ok()
    assert "topics: asks for 30 clusters of 12 rows; a run would end there" in plan.out
    done = p.run(f"selectlang run {GIVEN} --out out")
    assert done.code == 1
    assert "topics: asks for 30 clusters of 12 rows; lower k, or give more rows" in done.err
    assert "vectors" not in done.err  # before anything is made for nothing
    enough = {
        "s.yaml": spec(stages.replace("size: 12", "size: 30"), "topics: topics"),
        "pool.jsonl": pool(40),
    }
    assert "clusters" not in project(enough, "enough").run(f"selectlang plan {GIVEN}").ok().out


def test_a_share_that_comes_to_nothing(project: Make, pool: Make) -> None:
    stages = """
  some:   {budget: random, from: pool, size: 12}
  chosen: {budget: random, from: {rows: pool, within: some}, size: 1%}
"""
    p = project({"s.yaml": spec(stages, "chosen: chosen"), "pool.jsonl": pool(20)})
    assert "chosen: 1% of 12 rows comes to 0 rows" in p.run(f"selectlang plan {GIVEN}").ok().out
    for _ in range(2):  # the second time it comes from the store
        done = p.run(f"selectlang run {GIVEN} --out out").ok()
        assert done.rows() == []
        assert "note: chosen: 1% of 12 rows comes to 0 rows: chose none" in done.err


def test_a_size_that_is_more_than_there_is(project: Make, pool: Make) -> None:
    stages = """
  some:   {budget: random, from: pool, size: 12}
  chosen: {budget: random, from: {rows: pool, skip: some}, size: SIZE}
"""
    notes = {"8": "", "9": "chosen: asks for 9 rows of 8", "2k": "chosen: asks for 2,000 rows of 8"}
    for size, note in notes.items():
        files = {"s.yaml": spec(stages.replace("SIZE", size), "chosen: chosen"), "pool.jsonl": pool(20)}
        out = project(files, size).run(f"selectlang plan {GIVEN}").ok().out
        assert note in out
        assert ("asks for" in out) == bool(note)


def test_a_seed_may_be_any_number(project: Make, pool: Make) -> None:
    stages = """
  vectors: {embed: tfidf, from: pool, dimension: 4}
  topics:  {cluster: kmeans, from: vectors, k: 3, seed: SEED}
  chosen:  {budget: per_cluster, from: topics, draw: random, replace: true, size: 5, seed: SEED}
"""
    for seed in (7, 2**31, 2**70):
        text = spec(stages.replace("SEED", str(seed)), "chosen: chosen")
        done = project({"s.yaml": text, "pool.jsonl": pool(20)}, str(seed)).run(
            f"selectlang run {GIVEN} --out out"
        )
        seeds = {done.ok().stage(path)["seed"] for path in ("topics", "chosen")}
        assert len(seeds) == 1
        assert seeds == {7} if seed == 7 else max(seeds) < 2**31


def test_draws_without_end(project: Make, pool: Make) -> None:
    stages = """
  tasks:  {cluster: by_field, from: pool, field: task}
  chosen: {budget: per_cluster, from: tasks, draw: random, replace: true, size: 1000000000}
"""
    done = project({"s.yaml": spec(stages, "chosen: chosen"), "pool.jsonl": pool(20)})
    done = done.run(f"selectlang run {GIVEN} --out out")
    assert done.code == 1
    assert "chosen: size: 1000000000 takes more than 16,777,216 draws with replacement" in done.err
