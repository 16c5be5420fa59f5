"""A run: what it writes, and what it says of how it came about."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from selectlang import progress

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: longest
params:
  pool: {type: path}
  size: {type: amount, default: 5}
data: {pool: {path: $pool, id: id}}
stages:
  lengths: {score: length, from: pool, text: response, unit: words}
  chosen:  {budget: top, from: lengths, size: $size}
outputs: {chosen: chosen}
"""
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out"


def longest(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: -len(row["output"].split()))[:count]


def test_the_selection_has_the_shape_of_the_input(project: Make, pool: Make) -> None:
    rows = pool(29)  # every length once
    done = project({"s.yaml": SPEC, "pool.jsonl": rows}).run(RUN).ok()
    expected = longest(rows, 5)
    assert [{**row, "selectlang": None} for row in done.rows()] == [
        {**row, "selectlang": None} for row in expected
    ]
    why = {"stage": "chosen", "method": "budget top"}
    assert done.why() == [
        {"id": row["id"], "rank": rank, "score": len(row["output"].split()), "why": why}
        for rank, row in enumerate(expected, 1)
    ]
    assert "chosen: 5 rows in out/chosen.jsonl" in done.out
    assert "2 stages run, 0 from the store" in done.out


def test_parquet_goes_back_to_parquet(project: Make, pool: Make) -> None:
    rows = pool(29)
    p = project({"s.yaml": SPEC})
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, p.folder / "pool.parquet")
    done = p.run("selectlang run s.yaml --set pool=pool.parquet --out out").ok()
    written = pq.read_table(p.folder / "out/chosen.parquet")
    assert written.schema.names == [*table.schema.names, "selectlang"]
    assert done.ids() == [row["id"] for row in longest(rows, 5)]
    assert [row["rank"] for row in done.why()] == [1, 2, 3, 4, 5]
    assert done.why()[0]["why"] == {"stage": "chosen", "method": "budget top"}


def test_the_record_says_how_it_came_about(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    done = p.run(RUN + " --set size=20%").ok()
    record = done.record
    assert record["spec"]["stages"]["lengths"] == {
        "score": "length", "from": {"rows": "pool"}, "unit": "words", "text": "response", "model": None,
    }  # fmt: skip
    assert record["spec"]["stages"]["chosen"]["ties"] == "seed"
    assert record["params"] == {"pool": "pool.jsonl", "size": "20%"}
    assert record["seed"] == 42
    assert record["selectlang"]
    assert {"numpy", "pyarrow", "scikit-learn"} <= record["packages"].keys()
    assert {"name": "builtin", "distribution": "selectlang", "version": record["selectlang"]} in record[
        "plugins"
    ]
    assert record["peak_memory"] > 10**7
    assert 0 < sum(stage["seconds"] for stage in record["stages"]) <= record["seconds"] < 100
    data = record["data"]["pool"]
    assert (data["rows"], data["format"], data["path"]) == (29, "jsonl", ["pool.jsonl"])
    assert data["skipped"] == {"count": 0, "first": []}
    lengths, chosen = done.stage("lengths"), done.stage("chosen")
    assert lengths["inputs"] == {"rows": [f"data:{data['key']}"]}
    assert lengths["seed"] is None  # it draws nothing
    assert isinstance(chosen["seed"], int)
    assert (lengths["rows_in"], lengths["rows_out"]) == (29, {"": 29})
    assert (chosen["rows_in"], chosen["rows_out"]["selection"], chosen["metrics"]) == (29, 6, {"left": 23})
    assert chosen["settings"] == {"size": "20%", "ties": "seed"}
    assert chosen["inputs"] == {"scores": [f"{lengths['key']}.."]}
    assert (lengths["ports"], chosen["ports"]) == ([""], ["selection", "left"])
    assert record["outputs"]["chosen"] | {"sha256": ""} == {
        "file": "chosen.jsonl", "rows": 6, "unique": 6, "sha256": "",
        "bytes": (done.folder / "chosen.jsonl").stat().st_size, "result": f"{chosen['key']}.selection.",
    }  # fmt: skip


OUTPUTS = """
selectlang: 1
name: t
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id, group: task}}
stages:
  vectors: {embed: tfidf, from: pool, dimension: 4}
  topics:  {cluster: kmeans, from: vectors, k: 3}
  fields:  {cluster: by_field, from: pool, field: task}
  lengths: {score: length, from: pool}
  nearness: {score: nearest, from: {pool: vectors, targets: vectors}, per: group}
  chosen:  {budget: top, from: lengths, size: 3}
outputs:
  pool: pool
  vectors: vectors
  topics: topics.clusters
  fields: fields
  lengths: lengths
  nearness: nearness
  left: chosen.left
"""


def test_values_about_rows_become_tables(project: Make, pool: Make) -> None:
    rows = pool(29)
    done = project({"s.yaml": OUTPUTS, "pool.jsonl": rows}).run(RUN).ok()
    ids = [row["id"] for row in rows]
    assert [row["id"] for row in done.rows("pool")] == ids
    for name in ("vectors", "topics", "fields", "lengths", "nearness"):
        assert [row["id"] for row in done.rows(name)] == ids
        assert done.record["outputs"][name]["file"] == f"{name}.parquet"
    assert all(len(row["vector"]) == 4 for row in done.rows("vectors"))
    assert {row["cluster"] for row in done.rows("topics")} == {0, 1, 2}
    assert all(row["distance"] >= 0 for row in done.rows("topics"))
    assert [row["name"] for row in done.rows("fields")] == [row["task"] for row in rows]
    assert all(row["score"] > 0 for row in done.rows("lengths"))
    assert all(
        row[f"score {row['id'] and 'abc'[i % 3]}"] > 0.99 for i, row in enumerate(done.rows("nearness"))
    )
    assert done.record["outputs"]["left"]["value"] == 26
    assert "left: 26" in done.out


LABELS = """
import selectlang as sl

@sl.classify
def sides(rows: sl.Rows[sl.P]) -> sl.Labels[sl.P]:
    "Long or short."
    return ["long" if len(text) > 40 else "short" for text in rows.responses()]

@sl.merge
def weigh(clusters: sl.Clusters[sl.P]) -> sl.Weights[sl.P]:
    "A weight for each cluster."
    return [1 / clusters.k] * clusters.k

@sl.hookimpl
def register_methods(register):
    register(sides)
    register(weigh)
"""


def test_labels_and_weights_become_tables(project: Make, pool: Make) -> None:
    spec = """
selectlang: 1
name: t
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  side: {classify: sides, from: pool}
  fields: {cluster: by_field, from: pool, field: task}
  weights: {merge: weigh, from: fields}
  longs: {merge: union, from: [side.long]}
outputs: {side: side, longs: longs, weights: weights}
"""
    p = project({"s.yaml": spec, "pool.jsonl": pool(29), "plugins/sides.py": LABELS})
    done = p.run(RUN + " --plugins plugins").ok()
    by_label = [row["id"] for row in done.rows("side") if row["label"] == "long"]
    assert [row["id"] for row in done.rows("longs")] == by_label
    assert 0 < len(by_label) < 29
    assert [(row["cluster"], round(row["weight"], 6)) for row in done.rows("weights")] == [
        (0, 0.333333), (1, 0.333333), (2, 0.333333),
    ]  # fmt: skip


def test_an_empty_data_set_is_an_error_that_names_it(project: Make) -> None:
    done = project({"s.yaml": SPEC, "pool.jsonl": ""}).run(RUN)
    assert (done.code, done.out) == (1, "")
    assert done.err == "data 'pool': pool.jsonl: no rows: the data is empty\n"


def test_a_missing_file_and_a_missing_param(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pol.jsonl": pool(2)})
    for command in ("run", "plan"):
        done = p.run(f"selectlang {command} s.yaml --set pool=pool.jsonl")
        assert done.code == 1
        assert "data 'pool': there is no file 'pool.jsonl'; the nearest is 'pol.jsonl'" in done.err
        done = p.run(f"selectlang {command} s.yaml")
        assert done.code == 2
        assert "no value for param 'pool': give --set pool=..." in done.err


@pytest.mark.parametrize(
    "size, chosen, note",
    [
        ("50", 29, "chosen: asked for 50 rows, 29 were eligible: chose 29"),
        ("100%", 29, ""),
        ("100000 tokens", 29, "chosen: asked for 100,000 tokens, 29 were eligible: chose 29 rows of"),
        ("1 tokens", 0, "chosen: asked for 1 tokens, 29 were eligible: chose 0 rows of 0 tokens"),
    ],
)
def test_a_budget_that_cannot_be_met_says_so(
    project: Make, pool: Make, size: str, chosen: int, note: str
) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    for state in ("ran", "cached"):  # and says it again when its result comes from the store
        done = p.run(f"{RUN} --set size='{size}'").ok()
        assert (len(done.rows()), done.states["chosen"]) == (chosen, state)
        assert (f"note: {note}" in done.err) if note else ("note" not in done.err)
        assert [f"chosen: {line}".startswith(note) for line in done.stage("chosen")["notes"]] == [
            True
        ] * bool(note)


def test_an_empty_selection_flows_on(project: Make, pool: Make) -> None:
    """A threshold above all scores chooses nothing, and what follows works on nothing."""
    spec = """
selectlang: 1
name: t
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  lengths: {score: length, from: pool}
  none:    {budget: threshold, from: lengths, at_least: 1000000}
  again:   {score: length, from: none}
  words:   {score: random, from: none}
  both:    {merge: blend, from: [again, words]}
  top:     {budget: top, from: both, size: 10}
  joined:  {merge: union, from: [none, top]}
  rest:    {merge: subtract, from: [pool, joined]}
outputs: {top: top, joined: joined, rest: rest, again: again}
"""
    done = project({"s.yaml": spec, "pool.jsonl": pool(9)}).run(RUN).ok()
    assert (done.rows("top"), done.rows("joined"), done.rows("again")) == ([], [], [])
    assert len(done.rows("rest")) == 9
    assert done.stage("none")["rows_out"]["selection"] == 0
    assert "note: top: asked for 10 rows, 0 were eligible: chose 0" in done.err


def test_rows_and_a_selection_join(project: Make, pool: Make) -> None:
    spec = SPEC.replace(
        "outputs: {chosen: chosen}", "  all: {merge: union, from: [chosen, pool]}\noutputs: {all: all}"
    )
    rows = pool(29)
    done = project({"s.yaml": spec, "pool.jsonl": rows}).run(RUN).ok()
    best = [row["id"] for row in longest(rows, 5)]
    assert done.ids("all") == best + [row["id"] for row in rows if row["id"] not in best]


def test_one_result_under_two_names(project: Make, pool: Make) -> None:
    """Two stages that say the same are run once; the plan and the record name both."""
    spec = SPEC.replace(
        "stages:", "stages:\n  again: {score: length, from: pool, text: response, unit: words}"
    )
    spec = spec.replace("outputs: {chosen: chosen}", "outputs: {chosen: chosen, again: again}")
    p = project({"s.yaml": spec, "pool.jsonl": pool(29)})
    plan = p.run("selectlang plan s.yaml --set pool=pool.jsonl").ok().out
    assert "same as again" in plan
    done = p.run(RUN).ok()
    assert [stage.get("also") for stage in done.record["stages"]] == [["lengths"], None]


def test_progress_in_a_pipe_is_plain_lines(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    done = p.finish(p.start(RUN)).ok()
    assert "\x1b" not in done.err + done.out
    lines = done.err.splitlines()
    assert list(dict.fromkeys(line.split(":")[0] for line in lines)) == ["lengths", "chosen"]
    assert lines[0].startswith("lengths: score length over 29 rows")


def test_the_last_line_counts_what_ran_what_was_there_and_what_was_not_needed(
    project: Make, pool: Make
) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(1)})
    first = p.run(RUN).ok()
    assert "chosen: 1 row in out/chosen.jsonl\n2 stages run, 0 from the store, " in first.out
    assert "\n1 stage run, 1 from the store, " in p.run(f"{RUN} --set size=100%").ok().out
    key = first.keys["lengths"]
    shutil.rmtree(p.store / "entries" / key[:2] / key)
    assert "0 stages run, 1 from the store, 1 not needed, " in p.run(RUN).ok().out


def test_what_is_done_soon_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(progress, "SOON", 600)
    with progress.PlainProgress(stream) as show:
        show.start("a", "score length", 1)
        show.finish("a", 0.04)
        show.start("b", "score length", 1000)
        monkeypatch.setattr(progress, "SOON", 0)
        show.start("slow", "score length", 1000)
        while stream.getvalue().count("\n") < 2:
            time.sleep(0.01)
        show.kept("slow", 20, 1000)
        show.finish("slow", 2)
    assert show.begun == {}  # of what failed before it was told of, nothing is told after the run
    assert stream.getvalue().splitlines() == [
        "a: score length over 1 row, done in 0.0 s",
        "slow: score length over 1,000 rows",
        "slow: going on, 20 of 1,000 rows are kept",
        "slow: done in 2.0 s",
    ]


def test_bars_of_stages_that_begin_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second begins, as one in another thread may, while the first takes away what was read for both."""
    with progress.LiveProgress(io.StringIO()) as show:
        show.reading("pool", 10)
        show.reading("targets", 10)
        remove, second = show.live.remove_task, [("b", "score length", 10)]

        def removing(bar: Any) -> None:
            while second:
                show.start(*second.pop())
            remove(bar)

        monkeypatch.setattr(show.live, "remove_task", removing)
        show.start("a", "score length", 10)
        assert sorted(show.bars) == ["a", "b"]
        assert [task.description for task in show.live.tasks] == ["b: score length", "a: score length"]


def test_data_that_changes_while_it_is_read_is_not_used(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the store would hold other rows than its key says."""
    from selectlang.engine import datasets

    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    ingest = datasets.ingest

    def grows(*arguments: Any) -> None:
        p.write({"pool.jsonl": pool(30)})
        ingest(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(datasets, "ingest", grows)
        done = p.run(RUN)
    assert (done.code, done.out) == (1, "")
    assert done.err == "data 'pool': a file changed while it was read; run again when it is whole\n"
    assert list(p.store.glob("entries/*/*")) == []
    assert p.run(RUN).ok().record["data"]["pool"]["rows"] == 30
