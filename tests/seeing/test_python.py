"""Specs and runs in Python: rows go in and come out as what one works with."""

from __future__ import annotations

import html.parser
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import selectlang as sl
from selectlang import progress
from selectlang.demo.pool import write
from selectlang.result import Result

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: small
doc: The highest values.
params:
  pool: {type: path, doc: rows to choose from}
  size: {type: amount, default: 3}
  out:  {type: float, default: 0.5}
data: {pool: {path: $pool, id: id}}
stages:
  value:  {score: from_field, from: pool, field: value}
  noise:  {score: random, from: pool}
  both:   {merge: blend, from: [value, noise], share: $out}
  chosen: {budget: top, from: both, size: $size}
outputs: {chosen: chosen, both: both, left: chosen.left}
"""


@pytest.fixture
def here(project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch) -> Any:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(20)})
    monkeypatch.chdir(p.folder)
    monkeypatch.setenv("SELECTLANG_STORE", str(p.store))
    return p


def run(**params: Any) -> Result:
    return sl.load("s.yaml").run(quiet=True, **params)


def ids(result: Result) -> list[str]:
    return [row["selectlang"]["id"] for row in result.rows()]


@pytest.fixture
def expected(here: Any) -> list[str]:
    found: list[str] = here.run("selectlang run s.yaml --set pool=pool.jsonl --out cli").ok().ids()
    return found


class Other:
    """A table of a library that speaks Arrow, as those of polars are."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


def given(pool: Make) -> dict[str, Any]:
    import pandas as pd

    rows = pool(20)
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, "pool.parquet")
    Path("half.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:10]))
    Path("rest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[10:]))
    return {
        "path": "pool.jsonl", "Path": Path("pool.jsonl"), "paths": ["half.jsonl", Path("rest.jsonl")],
        "dicts": rows, "tuple": tuple(rows), "table": table,
        "chunked": pa.concat_tables([table[:7], table[7:]]), "batch": table.to_batches()[0],
        "pandas": pd.DataFrame(rows), "parquet": "pool.parquet",
        "tables": [table[:5], table[5:]], "other": Other(table),
    }  # fmt: skip


def test_whatever_the_rows_come_in_the_same_are_chosen(expected: list[str], pool: Make) -> None:
    for name, value in given(pool).items():
        assert ids(run(pool=value, out=f"runs/{name}")) == expected, name


def test_a_dataset_of_the_hub_library(
    expected: list[str], pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `datasets.Dataset` is asked for batches of Arrow tables, and made of one."""

    class Dataset:
        def __init__(self, table: pa.Table) -> None:
            self.table = table

        def with_format(self, name: str) -> Dataset:
            assert name == "arrow"
            return self

        def iter(self, size: int) -> Any:
            return (self.table[start : start + size] for start in range(0, len(self.table), size))

    class DatasetDict(dict[str, Any]):
        def with_format(self, name: str) -> Any:
            raise AssertionError

    for kind in (Dataset, DatasetDict):
        kind.__module__ = "datasets.arrow_dataset"
    module = ModuleType("datasets")
    module.Dataset = Dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    result = run(pool=Dataset(pa.Table.from_pylist(pool(20))))
    assert ids(result) == expected
    assert result.dataset().table.column("id").to_pylist() == expected
    with pytest.raises(sl.UsageError, match="takes one split; name it"):
        run(pool=DatasetDict(train=1))


def test_the_shape_of_what_was_given_comes_back(here: Any, pool: Make) -> None:
    rows = [{**row, "nested": {"a": [row["value"], None]}} for row in pool(20)]
    del rows[3]["task"]
    by_id = {row["id"]: row for row in rows}
    for row in run(pool=rows).rows():
        said = row.pop("selectlang")
        assert row == by_id[said["id"]]
    table = run(pool=pa.Table.from_pylist(pool(20))).table()
    assert table.column_names == [*pool(1)[0], "selectlang"]
    frame = run(pool=run(pool=rows[4:]).pandas()).pandas()
    assert sorted(frame["id"]) == sorted(row["id"] for row in frame["selectlang"])


def test_the_same_rows_are_one_file_and_are_read_once(here: Any, pool: Make) -> None:
    assert run(pool=pool(20)).record["stages"][0]["state"] == "ran"
    (path,) = (here.store / "cache" / "tables").iterdir()
    before = path.stat().st_ino
    again = run(pool=pool(20))
    assert path.stat().st_ino == before
    assert {stage["state"] for stage in again.record["stages"]} <= {"cached", "not needed"}
    assert len(list((here.store / "cache" / "tables").iterdir())) == 1
    (path,) = map(Path, again.record["data"]["pool"]["path"])
    done = here.run(f"selectlang run s.yaml --set pool={path} --out cli").ok()  # it can be run again
    assert done.ids() == ids(again)
    assert "; 1 table given from Python, 3 kB" in prune(here, "0d --dry-run")
    run(pool=pool(30))
    os.utime(path, (time.time() - 7200,) * 2)
    assert "; 1 table given from Python, 3 kB" in prune(here, "1h")
    assert not path.exists()
    assert "from Python" not in prune(here, "1h")


def prune(here: Any, age: str) -> str:
    out: str = here.run(f"selectlang store prune --older-than {age}").ok().out
    return out


def test_a_result_gives_rows_tables_scores_and_values(here: Any, pool: Make) -> None:
    result = run(pool=pool(20), size=4)
    rows = result.rows()
    first, *others = list(rows)
    assert (len(rows), rows[0], rows[-1], rows[1:3]) == (4, first, others[-1], others[:2])
    assert list(rows) == list(rows) == rows  # as often as one likes
    assert repr(rows) == f"4 rows of {result.folder / 'chosen.jsonl'}"
    assert result.table().num_rows == 4
    assert result.table("both").column_names == ["id", "score"]
    assert result.rows("both")[0]["id"] == "r0"
    assert result.scores("value").to_pylist() == [
        {"id": row["id"], "score": row["value"]} for row in pool(20)
    ]
    chosen = result.scores("chosen").to_pylist()
    assert [each["id"] for each in chosen] == ids(result)
    assert result.value("chosen", "left") == 16
    assert result.why("r0")["id"] == "r0"
    assert result.dropped().num_rows == 16
    assert result.folder.is_absolute()
    assert json.loads((result.folder / "record.json").read_text())["params"]["size"] == 4


def test_a_run_is_opened_again(here: Any, pool: Make) -> None:
    result = run(pool=pool(20), out="mine")
    again = sl.open_run("mine")
    assert ids(again) == ids(result)
    assert again.scores("value") == result.scores("value")
    with pytest.raises(sl.DataError, match="there is no such folder"):
        sl.open_run("other")


def test_it_does_not_matter_where_one_goes_after(
    here: Any, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(pool=pool(20), out="mine")
    (here.folder / "elsewhere").mkdir()
    monkeypatch.chdir(here.folder / "elsewhere")
    assert len(list(result.rows())) == 3
    assert result.value("value").values[0] == 0


def test_without_out_a_new_folder_is_made_as_by_the_command(here: Any, pool: Make) -> None:
    assert run(pool="pool.jsonl").folder.parent == here.folder / "runs"


def test_a_spec_says_its_params_and_plans(here: Any, pool: Make) -> None:
    spec = sl.load("s.yaml")
    assert (
        repr(spec)
        == """\
small: The highest values.
  pool: path, no value yet (rows to choose from)
  size: amount, 3
  out: float, 0.5"""
    )
    plan = spec.plan(pool=pool(20))
    assert [(line.path, line.state) for line in plan.lines][:1] == [("value", "run")]
    assert not (here.folder / "runs").exists()


def test_a_param_may_be_called_as_an_argument_is(here: Any) -> None:
    result = sl.load("s.yaml").run({"out": 1.0}, pool="pool.jsonl", out="mine", quiet=True)
    assert result.record["params"]["out"] == 1.0
    assert result.folder.name == "mine"
    with pytest.raises(sl.UsageError, match="param 'size' is given twice"):
        sl.load("s.yaml").run({"size": 3}, size=4, pool="pool.jsonl")


def test_numbers_of_numpy_are_numbers(here: Any) -> None:
    assert len(run(pool="pool.jsonl", size=np.int64(5), out="x").rows()) == 5


@pytest.mark.parametrize(
    "params, error, said",
    [
        ({"poul": 1}, sl.UsageError, "no param 'poul', did you mean 'pool'"),
        ({"pool": {1, 2}}, sl.UsageError, "param 'pool' takes a path, a list of paths, .*found builtins.set"),
        ({"pool": 3}, sl.UsageError, "param 'pool' takes a path, .*found builtins.int"),
        ({"pool": [3]}, sl.UsageError, "param 'pool' takes a path, .*found builtins.int"),
        ({"pool": [{"a": 1}, 3]}, sl.UsageError, "param 'pool' takes a path, .*found builtins.dict"),
        ({"pool": [{"a": {1}}]}, sl.DataError, "param 'pool': row 1 is no JSON: a set is no text"),
        ({"pool": [{"a": 1}, {"a": float("nan")}]}, sl.DataError, "param 'pool': row 2 is no JSON"),
        ({"pool": [{"a": "b", "id": 1}]}, sl.DataError, "data 'pool'"),
        ({"pool": "gone.jsonl"}, sl.DataError, "there is no file 'gone.jsonl'"),
        ({"pool": "pool.jsonl", "size": "x"}, sl.UsageError, "param 'size'"),
        ({}, sl.UsageError, "^no value for param 'pool': give pool=...$"),
        ({"pool": "pool.jsonl", "options": {"max_cots": 1}}, sl.UsageError, "there is no 'max_cots', did"),
        ({"pool": "pool.jsonl", "options": {"max_cost": "x"}}, sl.UsageError, "a value is of the wrong type"),
        ({"pool": "pool.jsonl", "options": {"max_cost": -1}}, sl.UsageError, "max-cost is -1"),
        ({"pool": "pool.jsonl", "engine": "spark"}, sl.UsageError, "engine is 'spark', expected"),
        ({"pool": "pool.jsonl", "address": "x:1"}, sl.UsageError, "give engine='ray' too"),
    ],
)  # fmt: skip
def test_mistakes_in_a_call(params: Any, error: type[Exception], said: str, here: Any) -> None:
    with pytest.raises(error, match=said):
        run(**params)


def test_a_spec_with_faults(here: Any) -> None:
    here.write({"bad.yaml": SPEC.replace("score: random", "score: randon")})
    with pytest.raises(sl.SpecError, match=r"bad.yaml:\d+:\d+: .*'randon', did you mean 'random'"):
        sl.load("bad.yaml")
    with pytest.raises(sl.SpecError, match="there is no spec 'kmx'"):
        sl.load("kmx")


def test_mistakes_with_a_result(here: Any, pool: Make) -> None:
    result = run(pool=[{**row, "mixed": [1, "x"][row["value"] % 2]} for row in pool(20)], size=19)
    for call, said in (
        (lambda: result.rows("other"), r"no output 'other' \(it has: 'chosen', 'both', 'left'\)"),
        (lambda: result.rows("left"), "output 'left' is no table"),
        (lambda: result.table(), r"field 'mixed' makes no column .*rows\(\) gives rows as they are"),
        (lambda: result.scores("val"), "no stage 'val', did you mean 'value'"),
        (lambda: result.value("value", "x"), "no port of 'value' 'x'"),
        (lambda: result.dataset(), "datasets is not installed; install it with: pip install"),
    ):
        if "datasets" in said and "datasets" in sys.modules:
            continue
        with pytest.raises(sl.DataError, match=said):
            call()
    (result.folder / "chosen.jsonl").unlink()
    with pytest.raises(sl.DataError, match=r"chosen.jsonl is not there; run the spec again"):
        result.rows()


@pytest.mark.parametrize("file", ["../../secret.jsonl", "/etc/passwd", "other.jsonl", 3])
def test_an_edited_record_leads_to_no_other_file(file: Any, here: Any, pool: Make) -> None:
    result = run(pool=pool(20), out="mine")
    (here.folder / "secret.jsonl").write_text("{}\n")
    record = json.loads((result.folder / "record.json").read_text())
    record["outputs"]["chosen"]["file"] = file
    (result.folder / "record.json").write_text(json.dumps(record))
    with pytest.raises(sl.DataError, match="its record is damaged"):
        sl.open_run("mine").rows()


def test_progress_and_notes(here: Any, capsys: pytest.CaptureFixture[str]) -> None:
    result = sl.load("s.yaml").run(pool="pool.jsonl", size=50)
    assert "chosen: budget top over 20 rows" in capsys.readouterr().err
    assert any("asked for 50 rows, 20 were eligible" in note for note in result.notes)
    run(pool="pool.jsonl", size=2)
    assert capsys.readouterr() == ("", "")


class Strict(html.parser.HTMLParser):
    """Collects the tags and the text of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]
        assert not {name for name, _ in attrs} - {"href", "target"}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_notebook_shows_a_run(here: Any, pool: Make) -> None:
    result = run(pool=pool(20), out="mine run")
    seen = Strict()
    seen.feed(result._repr_html_())
    for word in (
        "small",
        "The highest values.",
        "chosen.jsonl",
        "score from_field",
        "budget top",
        "mine run",
    ):
        assert word in seen.text
    assert seen.links == ["mine%20run/report.html"]
    (result.folder / "report.html").unlink()
    seen.feed(result._repr_html_())
    assert len(seen.links) == 1
    assert repr(result).splitlines()[:2] == [
        f"run of small in {here.folder / 'mine run'}", "  chosen: 3 rows in chosen.jsonl",
    ]  # fmt: skip
    assert "  left: 17" in repr(result)
    assert "4 stages run, 0 from the store" in repr(result)


def test_hostile_records_are_drawn_as_text(here: Any, pool: Make) -> None:
    result = run(pool=pool(20), out="mine")
    bad = '<script>alert(1)</script><img src=x onerror="alert(1)">\x1b[31m'
    record = json.loads((result.folder / "record.json").read_text())
    record["spec"] |= {"name": bad, "doc": bad}
    record["outputs"][bad] = {"result": record["outputs"]["chosen"]["result"], "rows": 7, "file": bad}
    for stage in record["stages"]:
        stage |= {"path": bad, "method": bad, "rows_in": bad, "rows_out": bad, "state": bad, "seconds": bad}
    (result.folder / "record.json").write_text(json.dumps(record))
    again = sl.open_run("mine")
    again.notes.append(bad)
    seen = Strict()
    seen.feed(again._repr_html_())
    assert set(seen.tags) <= {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "code", "a"}
    assert "\x1b" not in again._repr_html_() + repr(again)


def test_of_many_stages_a_notebook_shows_some(here: Any, pool: Make) -> None:
    result = run(pool=pool(20))
    result.record["stages"] *= 30
    drawn = result._repr_html_()
    assert drawn.count("<tr>") == 40 + 2 + 3
    assert "and 80 more stages" in drawn


def test_the_package_stays_light() -> None:
    code = (
        "import sys, selectlang as sl; sl.load;"
        "heavy = {'numpy', 'pyarrow', 'pandas', 'yaml', 'rich', 'jsonschema'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_plugins_in_a_folder(here: Any) -> None:
    here.write({"own/p.py": """
import selectlang as sl

@sl.score
def ones(rows: sl.Rows) -> sl.Scores:
    "One."
    return [1.0] * len(rows)

@sl.hookimpl
def register_methods(register):
    register(ones)
""", "own.yaml": SPEC.replace("score: random", "score: ones")})  # fmt: skip
    result = sl.load("own.yaml", plugins=["own"]).run(pool="pool.jsonl", quiet=True)
    assert set(result.scores("noise").column("score").to_pylist()) == {1.0}


def test_a_lock_is_gone_by(here: Any, pool: Make) -> None:
    here.run("selectlang lock s.yaml --set pool=pool.jsonl").ok()
    spec = sl.load("s.yaml", lock="selectlang.lock")
    assert len(spec.run(pool=pool(20), quiet=True).rows()) == 3  # the same rows, from elsewhere
    with pytest.raises(sl.SelectlangError, match="does not hold here, and nothing was run"):
        spec.run(pool="pool.jsonl", size=4, quiet=True)
    with pytest.raises(sl.SelectlangError, match="there is no other.lock here"):
        sl.load("s.yaml", lock="other.lock")


def test_the_control_can_be_turned_off(here: Any) -> None:
    assert run(pool="pool.jsonl").record["control"]
    assert not run(pool="pool.jsonl", control=False).record.get("control")


def test_the_page_on_python_does_what_it_says(here: Any, capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "python.md"
    if not page.is_file():
        pytest.skip("the page is not here: this is no checkout")
    write(here.folder / "quickstart")
    names: dict[str, Any] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    for block in blocks:
        exec(block, names)
    assert len(blocks) >= 6
    assert [line.path for line in names["plan"].lines] == ["chosen"]
    assert (len(names["few"].rows()), len(names["run"].rows())) == (5, 100)
    printed = capsys.readouterr().out
    assert "the spec has no param 'sise', did you mean 'size'? (params: pool, size)" in printed


@pytest.mark.parametrize("shell, widgets, live", [
    ("ZMQInteractiveShell", True, True), ("ZMQInteractiveShell", False, False),
    ("TerminalInteractiveShell", True, False),
])  # fmt: skip
def test_a_notebook_with_widgets_shows_bars(
    shell: str, widgets: bool, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: type(shell, (), {})()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setattr(progress, "find_spec", lambda name: object() if widgets else None)
    assert isinstance(progress.progress(), progress.LiveProgress) == live
