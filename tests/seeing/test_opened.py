"""A run opened again: its values are those that it had, and a record that somebody has edited is refused."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.engine.opened import Opened
from selectlang.errors import DataError
from selectlang.language.resolved import resolved
from selectlang.plugins import load
from selectlang.store.store import Store
from tests.conftest import Project

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: reopened
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  value:  {score: from_field, from: pool, field: value}
  copied: {score: from_field, from: pool, field: value}
  tasks:  {cluster: by_field, from: pool, field: task}
  grown:
    loop: 2
    carry: {chosen: {next: both}}
    stages:
      batch: {budget: per_cluster, from: {clusters: tasks, scores: value, skip: chosen}, size: 4, draw: top}
      both:  {merge: union, from: [chosen, batch]}
  last:   {budget: top, from: {scores: copied, skip: grown.chosen}, size: 3}
outputs: {chosen: grown.chosen, last: last, left: last.left}
"""
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, pool: Make) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        Project(folder, patch).write({"s.yaml": SPEC, "pool.jsonl": pool(30)}).run(RUN).ok()
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path, project_at: Make) -> Any:
    """A run with a store of its own, which may be edited."""
    shutil.copytree(made, tmp_path / "run")
    return project_at(tmp_path / "run")


def opened(p: Any) -> Opened:
    return Opened.open(p.folder / "out", Store(p.store))


def test_values_are_read_by_stage_round_and_port(run: Any, pool: Make) -> None:
    found = opened(run)
    rows = pool(30)
    assert found.value("value").values.tolist() == [row["value"] for row in rows]
    assert found.value("copied").values.tolist() == found.value("value").values.tolist()  # the same result
    tasks = found.value("tasks")
    assert [tasks.names[label] for label in tasks.labels] == [row["task"] for row in rows]
    assert found.data("pool").ids() == [row["id"] for row in rows]
    batches = [found.value(f"grown/batch#{number}").rows.ids() for number in (1, 2)]
    assert [*batches[0], *batches[1]] == found.output("chosen").rows.ids() == run_ids(run, "chosen")
    assert found.value("last", "left") == found.output("left") == 30 - 8 - 3
    assert found.inputs("last")["skip"][0].rows.ids() == run_ids(run, "chosen")
    assert len(found.inputs("grown/batch#1")["skip"][0].rows) == 0  # nothing yet
    assert [stage["path"] for stage in found.stages][:2] == ["value", "tasks"]


def run_ids(p: Any, name: str) -> list[str]:
    lines = (p.folder / "out" / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line)["selectlang"]["id"] for line in lines]


def test_a_verdict_is_read_as_the_rows_that_have_it(project: Make, pool: Make) -> None:
    plugin = """
import numpy as np
import selectlang as sl

@sl.judge
def odd(rows: sl.Rows) -> sl.Labels:
    "Whether the value is odd."
    codes = np.array([value % 2 for value in rows.field("value")], np.int8)
    return sl.Labels(rows, codes, ["even", "odd"])

@sl.hookimpl
def register_methods(register):
    register(odd)
"""
    spec = """
selectlang: 1
name: odd
data: {pool: {path: $pool, id: id}}
params: {pool: {type: path}}
stages:
  judged: {judge: odd, from: pool}
  chosen: {budget: random, from: judged.odd, size: 5}
outputs: {chosen: chosen, odd: judged.odd}
"""
    p = project({"s.yaml": spec, "plugins/odd.py": plugin, "pool.jsonl": pool(30)})
    p.run(f"{RUN} --plugins plugins").ok()
    found = opened(p)
    odd = [row["id"] for row in pool(30) if row["value"] % 2]
    assert found.output("odd").rows.ids() == found.inputs("chosen")["rows"][0].rows.ids() == odd
    assert found.value("judged").codes.tolist() == [row["value"] % 2 for row in pool(30)]


def test_a_run_of_this_process_has_the_same_values(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.folder)
    monkeypatch.setenv("SELECTLANG_STORE", str(run.store))
    done = sl.load("s.yaml").run(pool="pool.jsonl", out="again", quiet=True)
    assert done.value("grown/batch#2").rows.ids() == opened(run).value("grown/batch#2").rows.ids()
    assert {**done.record, "outputs": 0} == {**sl.open_run("again").record, "outputs": 0}


def test_the_spec_of_the_record_is_checked_again(run: Any) -> None:
    found = opened(run)
    program = found.program(load())
    assert resolved(program) == found.record["spec"]
    assert program.file == found.record["file"]
    assert program.params == found.record["params"]


def test_a_spec_whose_plugins_are_not_here_is_told(run: Any) -> None:
    edit(run, lambda record: record["spec"]["stages"]["value"].update(score="of_nobody"))
    with pytest.raises(DataError, match=r"of_nobody.*SL.*--plugins"):
        opened(run).program(load())


def test_names_that_are_not_there_are_told_with_the_nearest(run: Any) -> None:
    found = opened(run)
    for call, said in (
        (lambda: found.value("valu"), "no stage 'valu', did you mean 'value'?"),
        (lambda: found.value("grown/batch"), "no stage 'grown/batch', did you mean 'grown/batch#"),
        (lambda: found.value("last", "lef"), "no port of 'last' 'lef', did you mean 'left'?"),
        (lambda: found.data("pol"), "no data set 'pol', did you mean 'pool'?"),
        (lambda: found.output("chose"), "no output 'chose', did you mean 'chosen'?"),
    ):
        with pytest.raises(DataError) as error:
            call()
        assert said in str(error.value)


def test_what_the_store_holds_no_more_is_told(run: Any) -> None:
    record = opened(run).record
    key = opened(run).stage("tasks")["key"]
    Store(run.store).discard(key)
    with pytest.raises(
        DataError,
        match="stage 'tasks': the store .* does not hold its result; .* SELECTLANG_STORE",
    ):
        opened(run).value("tasks")
    Store(run.store).discard(record["data"]["pool"]["key"])
    with pytest.raises(DataError, match="data 'pool'"):
        opened(run).data("pool")


def test_from_another_folder_the_store_above_the_run_is_found(
    made: Path, tmp_path: Path, project_at: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest that holds the results; nothing in it is touched, and none in the run folder is used."""
    home, elsewhere = tmp_path / "home", project_at(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    elsewhere.environment["SELECTLANG_STORE"] = ""
    shutil.copytree(made / "out", home / "runs" / "out")
    shutil.copytree(made / "store", home / ".selectlang")
    for nearer in (home / "runs" / ".selectlang", elsewhere.folder / ".selectlang"):
        assert Store(nearer).scratch  # which holds nothing
    row, run = pool_id(made), home / "runs" / "out"
    before = sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*"))
    for command in (f"why {run} {row}", f"dropped {run}", f"diff {run} {run}", f"verify {run}"):
        said = elsewhere.run(f"selectlang {command}").ok().out
        assert command.split()[0] != "verify" or "with the same counts" in said
    monkeypatch.chdir(elsewhere.folder)
    monkeypatch.delenv("SELECTLANG_STORE", raising=False)
    assert len(sl.open_run(run).value("value").rows) == 30
    assert sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*")) == before
    key = sl.open_run(run).opened.stage("value")["key"]
    damaged = next((home / ".selectlang" / "entries" / key[:2] / key).rglob("values.npy"))
    damaged.write_bytes(b"x")
    elsewhere.run(f"selectlang why {run} {row}")
    assert damaged.is_file(), "it is for its own runs to make it again"
    elsewhere.environment["SELECTLANG_STORE"] = "other"  # who names a store means that one
    assert elsewhere.run(f"selectlang dropped {run}").code == 1
    elsewhere.environment["SELECTLANG_STORE"] = ""
    (home / ".selectlang").rename(run / ".selectlang")
    done = elsewhere.run(f"selectlang dropped {run}")
    assert (done.code, "set SELECTLANG_STORE to it; or run the same spec" in done.err) == (1, True)


def pool_id(made: Path) -> str:
    found: str = json.loads((made / "out" / "chosen.jsonl").read_text().splitlines()[0])["selectlang"]["id"]
    return found


def test_a_damaged_result_is_not_read(run: Any) -> None:
    key = opened(run).stage("value")["key"]
    (array,) = (run.store / "entries" / key[:2] / key).rglob("values.npy")
    array.write_bytes(array.read_bytes()[:-8] + bytes(8))
    with pytest.raises(DataError, match="does not hold its result"):
        opened(run).value("value")


def test_a_result_that_a_later_run_made_anew_is_not_read_as_that_of_the_first(run: Any) -> None:
    """As when calls failed in the first run, and a later one made them again under the same key."""
    found = opened(run)
    key = found.stage("value")["key"]
    store = Store(run.store)
    edit(run, lambda record: record["stages"][0].update(content=store.content(key)))
    assert opened(run).value("value").values[0] == found.value("value").values[0]
    edit(run, lambda record: record["stages"][0].update(content="0" * 64))
    with pytest.raises(DataError, match="a later run made its result anew"):
        opened(run).value("value")


def edit(p: Any, change: Callable[[dict[str, Any]], Any]) -> None:
    path = p.folder / "out" / "record.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


HOSTILE: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("does not say by which selectlang", lambda r: r.pop("selectlang")),
    ("does not say by which selectlang", lambda r: r.update(selectlang=3)),
    ("upgrade selectlang", lambda r: r.update(selectlang="9.0.0")),
    ("'stages' is missing", lambda r: r.pop("stages")),
    ("'outputs' is missing", lambda r: r.update(outputs=[])),
    ("'spec' is missing", lambda r: r.update(spec="x")),
    ("'file' is missing", lambda r: r.update(file=7)),
    ("is damaged", lambda r: r["stages"].append("x")),
    ("is damaged", lambda r: r["stages"][0].update(key="../../../etc")),
    ("is damaged", lambda r: r["stages"][0].update(ports=["../../x"])),
    ("is damaged", lambda r: r["stages"][0].update(ports=[])),
    ("is damaged", lambda r: r["stages"][0].update(inputs={"rows": "x"})),
    ("is damaged", lambda r: r["stages"][0].update(inputs={"rows": [3]})),
    ("is damaged", lambda r: r["stages"][0].update(also="x")),
    ("is damaged", lambda r: r["stages"][0].update(path=["x"])),
    ("is damaged", lambda r: r["stages"][0].update(settings=[])),
    ("has no key", lambda r: r["data"]["pool"].update(key="/etc/passwd")),
    ("has no key", lambda r: r["data"].update(pool=None)),
    ("does not say whose result", lambda r: r["outputs"]["chosen"].update(result="../x")),
    ("does not say whose result", lambda r: r["outputs"]["chosen"].pop("result")),
    ("is damaged", lambda r: r["outputs"]["chosen"].update(rows="7")),
    ("is damaged", lambda r: r["outputs"]["left"].update(value=[])),
]


@pytest.mark.parametrize("said, change", HOSTILE)
@pytest.mark.parametrize("command", ["why out r1", "dropped out", "diff out out"])
def test_an_edited_record_is_refused(said: str, change: Any, command: str, run: Any) -> None:
    edit(run, change)
    done = run.run(f"selectlang {command}")
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r["stages"][0].update(key="0" * 64),
        lambda r: r["stages"][0].update(ports=["other"]),
        lambda r: r["data"]["pool"].update(key=r["stages"][0]["key"]),
        lambda r: r["stages"][-1]["inputs"].update(scores=["data:../../.."]),
        lambda r: r["stages"][-1]["inputs"].update(scores=["0" * 64 + ".x."]),
        lambda r: r["stages"][-1]["inputs"].update(scores=["empty:Scores:../../.."]),
        lambda r: r["stages"][-1].update(seed="x"),
        lambda r: r["stages"][-1].update(settings={"x": {"y": [1]}}),
        lambda r: r.update(spec={"stages": [1], "outputs": 3, "data": {"a": 1}, "name": ["x"]}),
        lambda r: r.update(packages=3, plugins=[1, {}]),
        lambda r: r.pop("seed"),
    ],
)
@pytest.mark.parametrize(
    "command", ["why out r1", "why out r1 --json", "dropped out --output last", "diff out out"]
)
def test_a_record_that_lies_leads_to_a_plain_error_or_none(change: Any, command: str, run: Any) -> None:
    edit(run, change)
    done = run.run(f"selectlang {command}")
    assert done.code in (0, 1), done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "it is no JSON"), ("[" * 100_000, "it is no JSON"), ("[1]", "does not say by which"),
        ('{"selectlang": "0.1.0"', "it is no JSON"), ("\x00", "it is no JSON"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_record(text: str, said: str, run: Any) -> None:
    (run.folder / "out" / "record.json").write_text(text)
    done = run.run("selectlang why out r1")
    assert (done.code, said in done.err) == (1, True), done.err


def test_a_folder_that_is_no_run(run: Any, tmp_path: Path) -> None:
    for name, said in (("nothing", "there is no such folder"), (".", "it holds no record.json")):
        done = run.run(f"selectlang why {name} r1")
        assert (done.code, said in done.err) == (1, True), done.err


def test_arrays_of_a_value_cannot_be_written_to(run: Any) -> None:
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(opened(run).value("value").values)[0] = 1


JUNK: list[Any] = [
    None, True, -1, 10**30, 1e400, "",
    "x", "\udcff\x1b[31m", "0" * 64, "../../x", [], [[]], {}, {"a": {"b": []}},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every part of a record."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield (*path, key)
        yield from places(part, (*path, key))


def changed(record: Any, path: tuple[Any, ...], junk: Any) -> Any:
    found = copy.deepcopy(record)
    part = found
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = junk
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_edited_nothing_breaks(
    data: st.DataObject, made: Path, project_at: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = project_at(made)
    record = json.loads((made / "out" / "record.json").read_text())
    path = data.draw(st.sampled_from(list(places(record))))
    edited = changed(record, path, data.draw(st.sampled_from(JUNK)))
    (made / "odd").mkdir(exist_ok=True)
    (made / "odd" / "record.json").write_text(json.dumps(edited))
    commands = ("why odd r1", "dropped odd", "diff out odd", "diff odd out --json")
    done = p.run(f"selectlang {data.draw(st.sampled_from(commands))}")
    assert done.code in (0, 1), (path, done.err)
    assert "\x1b" not in done.out + done.err
    monkeypatch.setenv("SELECTLANG_STORE", str(p.store))
    try:
        opened_again = sl.open_run(made / "odd")
    except sl.DataError:
        return
    assert opened_again._repr_html_()
    assert "\x1b" not in repr(opened_again)
