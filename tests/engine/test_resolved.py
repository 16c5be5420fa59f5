"""The spec in a record is a spec: it checks again, and runs to the same keys and the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.language.check import check
from selectlang.language.resolved import remaining, resolved
from selectlang.plugins import load

Make = Callable[..., Any]
SPECS = Path(__file__).parents[2] / "specs"

PLAIN = """
selectlang: 1
name: plain
doc: "$5 a row: no param"
seed: 7
params:
  pool: {type: path, doc: rows to choose from}
  more: {type: [path]}
  size: {type: amount, default: 20%}
data:
  pool: {path: $pool, id: id, bad_rows: skip}
  all:  {path: [$pool, $more], group: task}
stages:
  vectors:  {embed: tfidf, from: {rows: pool, fit: all}, dimension: 4}
  targets:  {embed: tfidf, from: {rows: all, fit: all}, dimension: 4}
  nearness: {score: nearest, from: {pool: vectors, targets: targets}, per: group}
  lengths:  {score: length, from: pool}
  both:     {merge: rank_mean, from: [nearness, lengths]}
  chosen:   {budget: top, from: both, size: $size, seed: 3}
outputs: {chosen: chosen, left: chosen.left}
"""
LOOP = """
selectlang: 1
name: loop
params: {pool: {type: path}, more: {type: [path], default: [none]}}
data: {pool: {path: $pool, id: id}}
stages:
  topics:  {cluster: by_field, from: pool, field: task}
  lengths: {score: length, from: pool}
  rounds:
    loop: 4
    until: {batch.left: {at_most: 10, below: 11}}
    carry: {chosen: {next: grown}, twice: {start: chosen.selection, next: grown}}
    stages:
      batch: {budget: per_cluster, from: {clusters: topics, scores: lengths, skip: chosen}, size: 20, over: 5}
      grown: {merge: union, from: [chosen, batch, twice]}
  first:  {budget: random, from: pool, size: 3}
outputs: {chosen: rounds.chosen}
"""
LOOP = LOOP.replace("start: chosen.selection", "start: first")
INNER = """
selectlang: 1
name: inner
seed: 1000
params:
  pool:  {type: path}
  extra: {type: path, default: extra.jsonl}
  keep:  {type: amount, default: 4}
data: {pool: {path: $pool, id: id}, extra: {path: $extra}}
stages:
  noise: {score: random, from: pool}
  other: {score: random, from: extra}
  kept:  {budget: top, from: noise, size: $keep}
  extra_kept: {budget: top, from: other, size: 2}
outputs: {kept: kept, extra: extra_kept}
"""
RECIPE = """
selectlang: 1
name: recipe
imports: {inner: ./inner/inner.yaml}
params: {pool: {type: path}, more: {type: [path]}, keep: {type: int, default: 5}}
data: {pool: {path: $pool, id: id}}
stages:
  some:   {budget: random, from: pool, size: 9}
  bound:  {recipe: inner, from: {pool: some}, params: {keep: $keep}}
  own:    {recipe: inner, params: {pool: $pool, extra: $pool}}
  loops:
    loop: 2
    carry: {chosen: {next: grown}}
    stages:
      again: {recipe: inner, from: {pool: some}, params: {keep: 3}}
      grown: {merge: union, from: [chosen, again.kept]}
outputs: {bound: bound.kept, extra: bound.extra, own: own.extra, loops: loops.chosen}
"""


@pytest.mark.parametrize("spec", [PLAIN, LOOP, RECIPE], ids=["plain", "loop", "recipe"])
def test_the_spec_of_a_record_runs_to_the_same_keys(project: Make, pool: Make, spec: str) -> None:
    files = {"s.yaml": spec, "inner/inner.yaml": INNER, "inner/extra.jsonl": pool(15, start=200)}
    p = project({**files, "pool.jsonl": pool(40), "more.jsonl": pool(20, start=100)})
    first = p.run("selectlang run s.yaml --set pool=pool.jsonl --set more=more.jsonl --out out").ok()
    values = first.record["spec_params"]
    assert first.record["spec"]["params"].keys() == values.keys()
    p.write({"deep/again.yaml": json.dumps(first.record["spec"]), "values.yaml": json.dumps(values)})
    p.run("selectlang check deep/again.yaml").ok()
    again = p.run("selectlang run deep/again.yaml --params values.yaml --out again").ok()
    assert again.keys == first.keys
    assert set(again.states.values()) <= {"cached", "not needed"}
    for name, output in first.record["outputs"].items():
        assert again.record["outputs"][name] == output
        if "file" in output:
            assert again.bytes(name) == first.bytes(name)
    assert again.record["spec"] == first.record["spec"]
    assert again.record["spec_params"] == values


def test_the_folder_of_a_model_stays_a_param(project: Make, pool: Make) -> None:
    """It is none of the spec's: but the name of a model of a hub is."""
    method = """
import selectlang as sl

@sl.score
def named(rows: sl.Rows, *, model: sl.ModelName, other: sl.ModelName = "org/other") -> sl.Scores:
    "The same for all."
    return [float(len(other))] * len(rows)

@sl.hookimpl
def register_methods(register):
    register(named)
"""
    spec = """
selectlang: 1
name: t
params: {pool: {type: path}, base: {type: model, doc: a model}, other: {type: model}}
data: {pool: {path: $pool, id: id}}
stages:
  scores: {score: named, from: pool, model: $base, other: $other}
  chosen: {budget: top, from: scores, size: 3}
outputs: {chosen: chosen}
"""
    p = project(
        {"s.yaml": spec, "pool.jsonl": pool(9), "plugins/named.py": method, "model/config.json": "{}"}
    )
    run = "selectlang run s.yaml --plugins plugins --set pool=pool.jsonl --set other=org/name --out out"
    done = p.run(f"{run} --set base={p.folder / 'model'}").ok()
    scores = done.record["spec"]["stages"]["scores"]
    assert (scores["model"], scores["other"]) == ("$base", "org/name")
    assert done.record["spec"]["params"] == {
        "pool": {"type": "path"}, "base": {"type": "model", "doc": "a model"},
    }  # fmt: skip
    assert done.record["spec_params"] == {"pool": "pool.jsonl", "base": str(p.folder / "model")}
    p.write({"again.yaml": json.dumps(done.record["spec"])})
    again = p.run(
        "selectlang run again.yaml --plugins plugins --set pool=pool.jsonl --set base=model --out again"
    ).ok()
    assert again.keys == done.keys


@pytest.mark.parametrize("name", sorted(path.stem for path in SPECS.glob("*.yaml")))
def test_a_resolved_spec_of_the_library_checks_to_itself(tmp_path: Path, name: str) -> None:
    """Also before its params have values: they stay params."""
    registry = load()
    program = check(str(SPECS / f"{name}.yaml"), registry)
    found = resolved(program)
    again = tmp_path / "again.yaml"
    again.write_text(json.dumps(found))
    second = check(str(again), registry)
    assert resolved(second) == found
    assert set(program.missing) == set(second.missing) == found["params"].keys() - remaining(program).keys()


def test_a_spec_that_is_shown_checks_again(project: Make, pool: Make) -> None:
    p = project({"s.yaml": RECIPE, "inner/inner.yaml": INNER})
    for given in ("", " --set pool=pool.jsonl"):
        p.write({"shown.yaml": p.run("selectlang show s.yaml" + given).ok().out})
        p.run("selectlang check shown.yaml").ok()
        assert (
            p.run("selectlang show shown.yaml").ok().out.partition("selectlang: 1")[2]
            == (p.run("selectlang show s.yaml").ok().out.partition("selectlang: 1")[2])
        )


def test_a_recipe_that_is_written_out(project: Make) -> None:
    """It is checked as any spec is, in the lines of the file it stands in; it extends no other."""
    spec = """selectlang: 1
name: outer
params: {pool: {type: path}}
stages:
  inner:
    recipe: {selectlang: 1, name: x, params: {pool: {type: path}}, data: {pool: {path: $pool}},
      stages: {s: {score: lenght, from: pool}, t: {budget: top, from: s, size: 1}}, outputs: {t: t}}
    params: {pool: $pool, pole: 1}
outputs: {t: inner}
"""
    p = project({"s.yaml": spec})
    done = p.run("selectlang check s.yaml")
    assert done.code == 1
    assert "s.yaml:7:27: there is no score method 'lenght', did you mean 'length'?" in done.out
    assert "s.yaml:8:27: recipe 'inner' has no param 'pole'" in done.out
    fine = spec.replace("lenght", "length").replace(", pole: 1", "")
    p.write({"s.yaml": fine}).run("selectlang check s.yaml").ok()
    done = p.write({"s.yaml": fine.replace("name: x,", "name: x, extends: kmq,")}).run(
        "selectlang check s.yaml"
    )
    assert "a recipe that is written out extends no other  [SL403]" in done.out
