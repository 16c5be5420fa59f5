"""What a change makes run again: what depends on it, and nothing else."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: kmq
params:
  pool: {type: path}
  size: {type: amount, default: 20}
data: {pool: {path: $pool, id: id}}
stages:
  vectors: {embed: tfidf, from: pool, dimension: 8}
  topics:  {cluster: kmeans, from: vectors, k: 5}
  quality: {score: length, from: pool, text: response}
  chosen:  {budget: per_cluster, from: {clusters: topics, scores: quality}, size: $size, draw: weighted}
outputs: {chosen: chosen}
"""
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out"
STAGES = {"vectors", "topics", "quality", "chosen"}


def ran(outcome: Any) -> set[str]:
    return {path for path, state in outcome.ok().states.items() if state == "ran"}


def test_the_same_again_runs_nothing_and_gives_the_same_bytes(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(120)})
    first = p.run(RUN)
    assert ran(first) == STAGES
    whole, keys = first.bytes(), first.keys
    again = p.run(RUN)
    assert (ran(again), again.bytes(), again.keys) == (set(), whole, keys)
    assert "0 stages run, 4 from the store" in again.out
    assert again.err == ""


def test_another_store_gives_the_same_bytes(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(120)})
    first = p.run(RUN).ok()
    whole, keys = first.bytes(), first.keys
    p.environment["SELECTLANG_STORE"] = str(p.folder / "other")
    again = p.run(RUN)
    assert (ran(again), again.bytes(), again.keys) == (STAGES, whole, keys)


def test_a_changed_size_runs_the_budget_alone(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(120)})
    p.run(RUN).ok()
    again = p.run(RUN + " --set size=30")
    assert ran(again) == {"chosen"}
    assert len(again.rows()) == 30


@pytest.mark.parametrize(
    "before, after, expected",
    [
        ("k: 5", "k: 6", {"topics", "chosen"}),
        ("dimension: 8", "dimension: 9", {"vectors", "topics", "chosen"}),
        ("text: response", "text: full", {"quality", "chosen"}),
        ("draw: weighted", "draw: top", {"chosen"}),
        ("draw: weighted", "draw: weighted, seed: 7", {"chosen"}),
        ("name: kmq", "name: kmq\nseed: 7", {"topics", "chosen"}),  # the stages that draw
        ("k: 5", "k: 5, iterations: 25", set()),  # the default, written out
        ("name: kmq", "# a comment\nname: other\ndoc: other words", set()),
        ("embed: tfidf, from: pool, dimension: 8", "dimension: 8, from: {rows: pool}, embed: tfidf", set()),
        ("default: 20", "default: '20'", set()),
    ],
)  # fmt: skip
def test_a_changed_setting_runs_what_depends_on_it(
    project: Make, pool: Make, before: str, after: str, expected: set[str]
) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(120)})
    p.run(RUN).ok()
    assert before in SPEC
    p.write({"s.yaml": SPEC.replace(before, after)})
    assert ran(p.run(RUN)) == expected


def test_paths_and_the_order_of_stages_change_no_key(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(120)})
    first = p.run(RUN).ok()
    keys = first.keys
    lines = SPEC.strip().splitlines()
    at = lines.index("stages:") + 1
    p.write({"deep/er/s.yaml": "\n".join([*lines[:at], *lines[at : at + 4][::-1], *lines[at + 4 :]])})
    (p.folder / "elsewhere").mkdir()
    shutil.move(p.folder / "pool.jsonl", p.folder / "elsewhere/pool.jsonl")
    again = p.run(f"selectlang run deep/er/s.yaml --set pool={p.folder}/elsewhere/pool.jsonl --out out")
    assert (ran(again), again.keys) == (set(), keys)


def test_a_new_stage_changes_the_seed_and_the_result_of_no_other(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(120)})
    first = p.run(RUN).ok()
    before = {path: first.stage(path) for path in STAGES}
    more = "stages:\n  aside: {budget: random, from: pool, size: 10}\n  noise: {score: random, from: pool}"
    more = SPEC.replace("stages:", more).replace(
        "{chosen: chosen}", "{chosen: chosen, aside: aside, noise: noise}"
    )
    p.write({"s.yaml": more})
    again = p.run(RUN)
    assert ran(again) == {"aside", "noise"}
    for path in STAGES:
        assert {name: again.stage(path)[name] for name in ("key", "seed")} == {
            name: before[path][name] for name in ("key", "seed")
        }
    seeds = {again.stage(path)["seed"] for path in ("aside", "noise", "topics", "chosen")}
    assert len(seeds) == 4  # and no two stages share a seed


def test_a_changed_row_runs_everything(project: Make, pool: Make) -> None:
    rows = pool(120)
    p = project({"s.yaml": SPEC, "pool.jsonl": rows})
    p.run(RUN).ok()
    rows[7]["output"] += "!"
    p.write({"pool.jsonl": rows})
    assert ran(p.run(RUN)) == STAGES


def test_a_data_set_that_no_stage_reads_is_not_in_their_keys(project: Make, pool: Make) -> None:
    spec = SPEC.replace("data: {pool:", "data:\n  other: {path: $other, id: id}\n  pool: {").replace(
        "id: id}}", "id: id}"
    )
    spec = spec.replace("pool: { {path", "pool: {path").replace("params:", "params:\n  other: {type: path}")
    spec = spec.replace("outputs: {", "outputs: {other: other, ")
    p = project({"s.yaml": spec, "pool.jsonl": pool(120), "other.jsonl": pool(5)})
    p.run(RUN + " --set other=other.jsonl").ok()
    p.write({"other.jsonl": pool(6)})
    again = p.run(RUN + " --set other=other.jsonl")
    assert ran(again) == set()
    assert len(again.rows("other")) == 6


PLUGIN = """
import selectlang as sl

@sl.score
def stars(rows: sl.Rows[sl.P], *, times: int = 1) -> sl.Scores[sl.P]:
    "Letters s."
    return [text.count("s") * times for text in rows.responses()]

@sl.hookimpl
def register_methods(register):
    register(stars)
"""
WITH_PLUGIN = SPEC.replace("{score: length, from: pool, text: response}", "{score: stars, from: pool}")


def test_a_changed_plugin_runs_what_depends_on_it(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # stale bytecode must not be used
    p = project({"s.yaml": WITH_PLUGIN, "pool.jsonl": pool(120), "plugins/stars.py": PLUGIN})
    run = RUN + " --plugins plugins"
    os.utime(p.folder / "plugins/stars.py", (1e9, 1e9))
    first = p.run(run).ok()
    assert ran(first) == STAGES
    p.write({"plugins/unrelated.py": PLUGIN.replace("stars", "moons")})
    assert ran(p.run(run)) == set()
    p.write({"plugins/stars.py": PLUGIN.replace('count("s")', 'count("e")')})
    os.utime(p.folder / "plugins/stars.py", (1e9, 1e9))  # an edit of the same length in the same second
    again = p.run(run)
    assert ran(again) == {"quality", "chosen"}
    counts = {row["id"]: row["output"].count("e") for row in pool(120)}
    assert [row["score"] for row in again.why()] == [counts[name] for name in again.ids()]
    p.write({"plugins/stars.py": PLUGIN})
    assert ran(p.run(run)) == set()  # the first results are still there


def test_where_a_plugin_file_stands_changes_no_key(project: Make, pool: Make) -> None:
    files = {"s.yaml": WITH_PLUGIN, "pool.jsonl": pool(120), "a/stars.py": PLUGIN, "b/c/stars.py": PLUGIN}
    p = project(files)
    p.run(RUN + " --plugins a").ok()
    for folder in ("./a", str(p.folder / "a"), "b/c"):
        assert ran(p.run(f"{RUN} --plugins {folder}")) == set()


@pytest.mark.parametrize("name", ["kmq", "random"])
def test_the_order_of_the_rows_does_not_matter(project: Make, pool: Make, name: str) -> None:
    spec = SPEC if name == "kmq" else SPEC.replace(
        "{budget: per_cluster, from: {clusters: topics, scores: quality}, size: $size, draw: weighted}",
        "{budget: random, from: pool, size: $size}",
    )  # fmt: skip
    rows = pool(120)
    p = project({"s.yaml": spec, "pool.jsonl": rows})
    first = p.run(RUN).ok()
    chosen = first.ids()
    random.Random(3).shuffle(rows)
    p.write({"pool.jsonl": rows})
    again = p.run(RUN)
    assert again.ids() == chosen
    assert "chosen" in ran(again)  # it is another data set all the same


def test_a_local_model_is_known_by_its_content(project: Make, pool: Make) -> None:
    """A model's folder may move; a changed file in it is another model."""
    plugin = PLUGIN.replace("times: int = 1", "model: sl.ModelName").replace(" * times", "")
    spec = WITH_PLUGIN.replace("{score: stars,", "{score: stars, model: $model,").replace(
        "params:", "params:\n  model: {type: model}"
    )
    p = project({"s.yaml": spec, "pool.jsonl": pool(120), "plugins/stars.py": plugin, "a/model.bin": "1"})
    run = RUN + " --plugins plugins --set model="
    p.run(run + "./a").ok()
    shutil.copytree(p.folder / "a", p.folder / "b")
    assert ran(p.run(run + "./b")) == set()
    p.write({"c/model.bin": "2"})
    assert ran(p.run(run + "./c")) == {"quality", "chosen"}
