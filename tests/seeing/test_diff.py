"""selectlang diff: what differs between two specs, two runs, and two files of rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len

from selectlang.engine.opened import Opened
from selectlang.seeing.runs import compare
from selectlang.store.store import Store

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: first
params: {pool: {type: path, default: pool.jsonl}, size: {type: amount, default: 6, doc: how much}}
data: {pool: {path: $pool, id: id, group: task}}
stages:
  value:  {score: from_field, from: pool, field: value}
  tasks:  {cluster: by_field, from: pool, field: task}
  noise:  {score: random, from: pool, seed: 1}
  both:   {merge: blend, from: [value, noise], share: 0.5}
  chosen: {budget: per_cluster, from: {clusters: tasks, scores: both}, size: $size, draw: top}
outputs: {chosen: chosen}
"""


def specs(p: Any, old: str, new: str, options: str = "") -> str:
    p.write({"a.yaml": old, "b.yaml": new})
    out: str = p.run(f"selectlang diff a.yaml b.yaml {options}").ok().out
    assert max(map(cell_len, out.splitlines())) <= 80
    return out


def test_specs_that_say_the_same(project: Make) -> None:
    p = project({})
    assert specs(p, SPEC, "# a comment\n" + SPEC.replace("share: 0.5", "share: 5e-1")) == (
        "after resolving, both specs say the same\n"
    )
    assert json.loads(specs(p, SPEC, SPEC, "--json"))["same"] is True


def test_settings_stage_by_stage(project: Make) -> None:
    new = (
        SPEC.replace("name: first", "name: second\nseed: 7")
        .replace("share: 0.5", "share: 0.25")
        .replace("draw: top", "draw: weighted, share: equal")
        .replace("how much", "how many rows")
    )
    assert (
        specs(project({}), SPEC, new)
        == """\
spec
  name: first -> second
  seed: 42 -> 7
stage both (merge blend)
  share: 0.5 -> 0.25
stage chosen (budget per_cluster)
  draw: top -> weighted
  share: proportional -> equal
param size
  doc: how much -> how many rows
"""
    )


def test_stages_that_came_went_or_changed_their_name(project: Make) -> None:
    new = SPEC.replace("noise", "luck").replace(
        "chosen: {budget: per_cluster, from: {clusters: tasks, scores: both}, size: $size, draw: top}",
        "pairs: {merge: product, from: [both, luck]}\n  chosen: {budget: top, from: pairs, size: $size}",
    )
    assert (
        specs(project({}), SPEC, new)
        == """\
stage both (merge blend)
  from.scores: ["value", "noise"] -> ["value", "luck"]
stage chosen (budget top)
  method: budget per_cluster -> budget top
  from.scores: both -> pairs
  no more: from.clusters, draw, share, counts, temperature, truncate, replace,
  shortage, rounding
stage noise is now luck
only in a.yaml:
  stage tasks (cluster by_field)
only in b.yaml:
  stage pairs (merge product)
"""
    )


def test_params_go_to_the_specs_that_have_them(project: Make) -> None:
    new = SPEC.replace(
        "size: {type: amount, default: 6, doc: how much}", "least: {type: float, default: 1.5}"
    )
    new = new.replace("size: $size", "size: 6, temperature: $least")
    p = project({})
    assert "temperature: 1.0 -> 2.5" in specs(p, SPEC, new, "--set least=2.5 --set size=6")
    assert "size: 9 -> 6" in specs(p, SPEC, new, "--set size=9")
    p.write({"a.yaml": SPEC, "b.yaml": new})
    wrong = p.run("selectlang diff a.yaml b.yaml --set siez=3")
    assert (wrong.code, wrong.err) == (
        2,
        "selectlang: neither spec has a param 'siez', did you mean 'size'?\n",
    )
    p.write({"b.yaml": "selectlang: 1\nname: x\n"})
    assert p.run("selectlang diff a.yaml b.yaml").code == 1


def test_loops_and_recipes_are_compared_inside(project: Make) -> None:
    inner = SPEC.replace("name: first", "name: inner")
    outer = """
selectlang: 1
name: outer
imports: {inner: inner.yaml}
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool, id: id}}
stages:
  first: {recipe: inner, from: {pool: pool}, params: {size: 3}}
  rounds:
    loop: 2
    carry: {chosen: {next: grown}}
    stages:
      value: {score: from_field, from: pool, field: value}
      batch: {budget: top, from: {scores: value, skip: chosen}, size: 2}
      grown: {merge: union, from: [chosen, batch]}
outputs: {first: first.chosen, second: rounds.chosen}
"""
    p = project({"inner.yaml": inner, "other.yaml": inner.replace("share: 0.5", "share: 0.1")})
    new = (
        outer.replace("inner.yaml", "other.yaml").replace("loop: 2", "loop: 3").replace("size: 2", "size: 4")
    )
    assert (
        specs(p, outer, new)
        == """\
stage first/both (merge blend)
  share: 0.5 -> 0.1
stage rounds
  loop: 2 -> 3
stage rounds/batch (budget top)
  size: 2 -> 4
"""
    )


def test_long_values_are_shown_where_they_differ(project: Make) -> None:
    long = "doc: " + "the same words again and again, " * 8
    old, new = (SPEC.replace("name: first", f"name: first\n{long}{end}") for end in ("left", "right"))
    assert "  doc: ... again, left -> ... again, right\n" in specs(project({}), old, new).replace(
        "in, ", "in, "
    )


def runs(p: Any, old: str, new: str, names: tuple[str, str] = ("a", "b")) -> tuple[Opened, Opened]:
    for name, text in zip(names, (old, new), strict=True):
        p.write({f"{name}.yaml": text})
        p.run(f"selectlang run {name}.yaml --out {name}").ok()
    store = Store(p.store)
    return Opened.open(p.folder / names[0], store), Opened.open(p.folder / names[1], store)


def test_the_overlap_and_where_fates_part_by_counting(project: Make, pool: Make) -> None:
    """Rows with a low value get another score in the second run; the rest part where they are chosen."""
    new = SPEC.replace("default: 6", "default: 21").replace("seed: 1", "seed: 2")
    p = project({"pool.jsonl": pool(60)})
    old_run, new_run = runs(p, SPEC.replace("default: 6", "default: 15"), new)
    found = compare(old_run, new_run)["outputs"]["chosen"]
    old, fresh = (set(run.value("chosen").rows.ids()) for run in (old_run, new_run))
    assert (found["old"], found["new"], found["both"]) == (15, 21, len(old & fresh))
    assert (found["gained"], found["lost"]) == (len(fresh - old), len(old - fresh))
    assert found["jaccard"] == len(old & fresh) / len(old | fresh)
    assert [each["stage"] for each in found["parted"]] == ["noise"]  # every draw differs
    assert {row["id"] for row in found["parted"][0]["gained_first"]} <= fresh - old
    assert {row["id"] for row in found["parted"][0]["lost_first"]} <= old - fresh
    task = {row["id"]: row["task"] for row in pool(60)}
    for name in ("cluster", "task"):
        for each in found["groups"][name]:
            for side, ids in (("old", old), ("new", fresh)):
                assert each[side] == sum(task[row] == each["group"] for row in ids)


PLUGIN = """
import numpy as np
import selectlang as sl

@sl.score
def lifted(rows: sl.Rows, *, least: float = 0.0) -> sl.Scores:
    "The value, or 0 where it is lower than `least`."
    return [value if value >= least else 0.0 for value in rows.field("value")]

@sl.embed
def moved(rows: sl.Rows, *, by: float = 0.0) -> sl.Vectors:
    "Two numbers of the value; those of multiples of 5 are moved."
    value = np.array(rows.field("value"), np.float32)
    return sl.Vectors(rows, np.stack([value, np.where(value % 5 == 0, by, 1)], axis=1).astype(np.float32))

@sl.hookimpl
def register_methods(register):
    register(lifted)
    register(moved)
"""
PARTING = """
selectlang: 1
name: parting
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool, id: id}}
stages:
  points: {embed: moved, from: pool, by: 0}
  near:   {score: nearest, from: {pool: points, targets: points}, reduce: mean}
  value:  {score: lifted, from: pool, least: 0}
  chosen: {budget: top, from: value, size: 30}
  far:    {budget: bottom, from: near, size: 10}
outputs: {chosen: chosen, far: far}
"""


def test_the_first_stage_at_which_fates_part(project: Make, pool: Make) -> None:
    """By hand: scores that fell below the bar part at `value`, the others where more are chosen."""
    p = project({"pool.jsonl": pool(60), "plugins/p.py": PLUGIN})
    for name, text in (("a", PARTING), ("b", PARTING.replace("least: 0", "least: 60").replace("30", "40"))):
        p.write({f"{name}.yaml": text})
        p.run(f"selectlang run {name}.yaml --plugins plugins --out {name}").ok()
    store = Store(p.store)
    old, new = (Opened.open(p.folder / name, store) for name in "ab")
    found = compare(old, new)["outputs"]
    value = {row["id"]: row["value"] for row in pool(60)}
    before, after = (set(run.value("chosen").rows.ids()) for run in (old, new))
    expected: dict[str, list[int]] = {}
    for row in before ^ after:
        stage = "value" if 0 < value[row] < 60 else "chosen"
        expected.setdefault(stage, [0, 0])[0 if row in after else 1] += 1
    assert {each["stage"]: [each["gained"], each["lost"]] for each in found["chosen"]["parted"]} == expected
    assert (found["far"]["gained"], found["far"]["parted"]) == (0, [])
    p.write({"c.yaml": PARTING.replace("by: 0", "by: 9")})
    p.run("selectlang run c.yaml --plugins plugins --out c").ok()
    far = compare(old, Opened.open(p.folder / "c", store))["outputs"]["far"]
    before, after = (set(run.value("far").rows.ids()) for run in (old, Opened.open(p.folder / "c", store)))
    moved = sum(value[row] % 5 == 0 for row in before ^ after)
    counts = {each["stage"]: each["gained"] + each["lost"] for each in far["parted"]}
    assert counts.get("points", 0) == moved
    assert sum(counts.values()) == len(before ^ after) > 0


def test_rows_that_one_pool_lacks_or_that_say_something_else_part_in_the_data(
    project: Make, pool: Make
) -> None:
    rows = pool(40)
    other = [{**row, "output": "another answer"} if row["value"] > 90 else row for row in rows[:-5]]
    p = project({"pool.jsonl": rows, "other.jsonl": other})
    old, new = runs(p, SPEC, SPEC.replace("pool.jsonl", "other.jsonl").replace("seed: 1", "seed: 9"))
    found = compare(old, new)
    assert found["data"] == [{"name": "pool", "old": 40, "new": 35}]
    said = found["outputs"]["chosen"]
    before, after = (set(run.value("chosen").rows.ids()) for run in (old, new))
    changed = {row["id"] for row in rows if row["value"] > 90} | {row["id"] for row in rows[-5:]}
    counts = {each["stage"]: each["gained"] + each["lost"] for each in said["parted"]}
    assert counts.get("the data", 0) == len((before ^ after) & changed)
    assert sum(counts.values()) == len(before ^ after)


def test_the_text_of_two_runs(project: Make, pool: Make) -> None:
    p = project({"pool.jsonl": pool(30)})
    runs(p, SPEC, SPEC.replace("default: 6", "default: 9"))
    out = p.run("selectlang diff a b").ok().out
    assert out.splitlines()[:5] == [
        "chosen: 6 -> 9 rows; 6 in both, 3 gained, 0 lost, Jaccard 0.667", "",
        "where their fates part", "stage   gained  lost", "chosen       3     0",
    ]  # fmt: skip
    assert "cluster  old  new  change\na          2    3      +1" in out
    assert out.endswith("the specs\nstage chosen (budget per_cluster)\n  size: 6 -> 9\n")
    assert max(map(cell_len, out.splitlines())) <= 80
    same = p.run("selectlang diff a/record.json a").ok().out
    assert same == (
        "chosen: 6 -> 6 rows; 6 in both, 0 gained, 0 lost, Jaccard 1.000\n\nthe specs say the same\n"
    )
    found = json.loads(p.run("selectlang diff a b --json").ok().out)
    assert (found["of"], found["outputs"]["chosen"]["gained"]) == ("run", 3)


def test_clusters_of_different_runs_are_not_compared_by_their_numbers(project: Make, pool: Make) -> None:
    spec = SPEC.replace("tasks:  {cluster: by_field, from: pool, field: task}", """
  words:  {embed: tfidf, from: pool, dimension: 4}
  tasks:  {cluster: kmeans, from: words, k: 3}""")  # fmt: skip
    p = project({"pool.jsonl": pool(30)})
    old, new = runs(p, spec, spec.replace("k: 3", "k: 4"))
    assert set(compare(old, new)["outputs"]["chosen"]["groups"]) == {"task"}
    old, new = runs(p, spec, spec.replace("default: 6", "default: 9"))
    assert set(compare(old, new)["outputs"]["chosen"]["groups"]) == {"task", "cluster"}


def test_values_that_are_lost_are_not_compared(project: Make, pool: Make) -> None:
    p = project({"pool.jsonl": pool(30)})
    old, _ = runs(p, SPEC, SPEC.replace("share: 0.5", "share: 0.1").replace("default: 6", "default: 9"))
    Store(p.store).discard(old.stage("both")["key"])
    out = p.run("selectlang diff a b").ok().out
    assert "note: both: its values are no longer in the store, and were not compared" in out


def test_groups_sources_and_files_are_each_compared_under_their_name(project: Make, pool: Make) -> None:
    rows = [{**row, "source": "web" if row["value"] % 2 else "book"} for row in pool(30)]
    p = project({"a.jsonl": rows[:15], "b.jsonl": rows[15:]})
    spec = SPEC.replace("default: pool.jsonl", "default: [a.jsonl, b.jsonl]")
    old, new = runs(p, spec, spec.replace("default: 6", "default: 9"), ("one", "other"))
    groups = compare(old, new)["outputs"]["chosen"]["groups"]
    assert set(groups) == {"cluster", "task", "source", "file"}
    value = {row["id"]: row["source"] for row in rows}
    for each in groups["source"]:
        for side, run in (("old", old), ("new", new)):
            assert each[side] == sum(value[row] == each["group"] for row in run.value("chosen").rows.ids())
    assert {each["group"] for each in groups["file"]} == {"a", "b"}
    same = compare(*runs(p, spec.replace("group: task", "group: _file"), spec, ("one", "other")))
    assert set(same["outputs"]["chosen"]["groups"]) == {"group", "source", "file"}


def test_a_group_may_have_the_name_of_a_column(project: Make, pool: Make) -> None:
    rows = [{**row, "change": row["task"]} for row in pool(30)]
    p = project({"pool.jsonl": rows})
    runs(
        p,
        *(
            SPEC.replace("group: task", "group: change").replace("default: 6", f"default: {n}")
            for n in (6, 9)
        ),
    )
    assert "change  old  new  change\n" in p.run("selectlang diff a b").ok().out


def test_rows_that_were_chosen_again_are_counted(project: Make, pool: Make) -> None:
    p = project({"pool.jsonl": pool(6)})
    again = SPEC.replace("draw: top", "draw: random, replace: true").replace("default: 6", "default: 20")
    old, _ = runs(p, again, SPEC)
    different = len(set(old.value("chosen").rows.ids()))
    for names in ("a b", "a/chosen.jsonl b/chosen.jsonl"):
        out = p.run(f"selectlang diff {names}").ok().out
        assert f": 20 ({different} different) -> 6 rows; {different} in both, " in out


def test_two_files(project: Make, pool: Make) -> None:
    p = project({"pool.jsonl": pool(30)})
    old, new = runs(p, SPEC, SPEC.replace("default: 6", "default: 9"))
    ids = [run.value("chosen").rows.ids() for run in (old, new)]
    out = p.run("selectlang diff a/chosen.jsonl b/chosen.jsonl").ok().out
    assert out.startswith("rows: 6 -> 9 rows; 6 in both, 3 gained, 0 lost, Jaccard 0.667\n")
    assert f"gained: {', '.join(row for row in ids[1] if row not in ids[0])}\n" in out
    assert "cluster  old  new  change" in out
    p.write({"x.yaml": SPEC.replace("outputs: {chosen: chosen}", "outputs: {chosen: both}")})
    p.run("selectlang run x.yaml --out x").ok()
    found = json.loads(p.run("selectlang diff a/chosen.jsonl x/chosen.parquet --json").ok().out)
    assert (found["of"], found["both"], found["gained"]) == ("rows", 6, 24)


def test_tables_of_rows_are_files_of_rows(project: Make, pool: Make, tmp_path: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    p = project({})
    pq.write_table(pa.Table.from_pylist(pool(30)), p.folder / "pool.parquet")
    text = SPEC.replace("pool.jsonl", "pool.parquet")
    runs(p, text, text.replace("default: 6", "default: 9"))
    out = p.run("selectlang diff a/chosen.parquet b/chosen.parquet").ok().out
    assert out.startswith("rows: 6 -> 9 rows; 6 in both, 3 gained, 0 lost")


@pytest.mark.parametrize(
    "command, code, said",
    [
        ("a a.yaml", 2, "'a' is the folder of a run, and 'a.yaml' is a spec; give two of a kind"),
        ("a.yaml a/chosen.jsonl", 2, "'a.yaml' is a spec, and 'a/chosen.jsonl' is a file of rows"),
        ("a a --set size=3", 2, "--set and --params are for specs"),
        ("plain plain", 1, "plain: it holds no record.json"),
        ("a.yaml nothing.yaml", 1, "nothing.yaml"),
        ("pool.jsonl pool.jsonl", 0, "rows: 30 -> 30 rows"),
        ("no-id.jsonl pool.jsonl", 1, "no-id.jsonl: row 1 has no id; expected rows that a run has written"),
        ("bad.jsonl pool.jsonl", 1, "bad.jsonl:2: is no JSON"),
        ("bad.parquet pool.jsonl", 1, "bad.parquet: is no Parquet file"),
        ("gone.jsonl pool.jsonl", 1, "gone.jsonl: cannot be read: No such file"),
        ("list.jsonl pool.jsonl", 1, "list.jsonl: row 1 has no id"),
        ("odd.jsonl odd.jsonl", 0, "rows: 1 -> 1 row"),
    ],
)
def test_mistakes(command: str, code: int, said: str, project: Make, pool: Make) -> None:
    p = project({
        "pool.jsonl": pool(30), "plain/x": "", "no-id.jsonl": '{"a": 1}\n',
        "bad.jsonl": '{"id": "x"}\n{"id"\n',
        "bad.parquet": "PAR1", "list.jsonl": "[1]\n", "odd.jsonl": '{"id": "\\ud800", "selectlang": 3}\n',
    })  # fmt: skip
    runs(p, SPEC, SPEC)
    done = p.run(f"selectlang diff {command}")
    assert done.code == code, done.err
    assert said in done.out + done.err
    assert "Traceback" not in done.err
