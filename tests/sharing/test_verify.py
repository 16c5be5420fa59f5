"""`selectlang verify`: what is not as the record says is found, and nothing in a record is believed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from selectlang.digests import json_digest
from selectlang.engine.record import sealed
from selectlang.errors import DataError
from selectlang.plugins import load
from selectlang.sharing.verify import verify
from selectlang.store.store import Store
from tests.engine.test_resolved import INNER, LOOP, PLAIN, RECIPE

Make = Callable[..., Any]
SPEC = """
selectlang: 1
name: t
params: {pool: {type: path}, size: {type: amount, default: 20%}}
data: {pool: {path: $pool, id: id}}
stages:
  lengths: {score: length, from: pool}
  chosen:  {budget: top, from: lengths, size: $size}
outputs: {chosen: chosen, left: chosen.left, lengths: lengths}
"""
OWN = """
import selectlang as sl

@sl.score
def own(rows: sl.Rows, *, model: sl.ModelName = "none") -> sl.Scores:
    "One."
    return [1.0] * len(rows)

@sl.hookimpl
def register_methods(register):
    register(own)
"""
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out"
Record = dict[str, Any]
GIT = {"git": "https://host/x", "rev": "v1", "path": "a.yaml"}


@pytest.fixture
def done(project: Make, pool: Make) -> Any:
    """A project with a run in `out`."""
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(30)})
    p.run(RUN).ok()
    return p


def states(p: Any, command: str = "selectlang verify out") -> dict[str, str]:
    """What is said of each part; the exit code and the last line must agree."""
    found = p.run(command)
    assert "Traceback" not in found.err
    _, *lines, last = found.out.splitlines()
    parts = {line.split()[1]: line.split()[0] for line in lines}
    wrong = list(parts.values()).count("WRONG")
    assert found.code == (1 if wrong else 0)
    assert last.endswith(f"{wrong} of {len(parts)} wrong" if wrong else "as its record says")
    return parts


def wrong(p: Any) -> set[str]:
    return {name for name, state in states(p).items() if state == "WRONG"}


def edit(p: Any, change: Callable[[Record], Any], seal: bool = True) -> None:
    """Change the record, as who knows how it is sealed would."""
    path = p.folder / "out" / "record.json"
    record = json.loads(path.read_bytes())
    change(record)
    if seal:
        record.pop("sha256", None)
        record = sealed(record)
    path.write_text(json.dumps(record), encoding="utf-8")


# What is fine.


def test_a_run_is_as_its_record_says(done: Any) -> None:
    assert states(done) == dict.fromkeys(
        ["record.json", "chosen", "left", "lengths", "report.html", "stages", "spec", "store"], "fine"
    )


@pytest.mark.parametrize("spec", [PLAIN, LOOP, RECIPE], ids=["plain", "loop", "recipe"])
def test_loops_and_recipes_are_retraced(project: Make, pool: Make, spec: str) -> None:
    files = {"s.yaml": spec, "inner/inner.yaml": INNER, "inner/extra.jsonl": pool(15, start=200)}
    p = project({**files, "pool.jsonl": pool(40), "more.jsonl": pool(20, start=100)})
    p.run("selectlang run s.yaml --set pool=pool.jsonl --set more=more.jsonl --out out").ok()
    assert set(states(p).values()) == {"fine"}
    p.run("selectlang run s.yaml --set pool=pool.jsonl --set more=more.jsonl --out out").ok()
    assert set(states(p).values()) == {"fine"}  # all from the store, some not needed


def test_neither_the_store_nor_the_data_is_needed(done: Any, tmp_path: Path) -> None:
    shutil.rmtree(done.store)
    (done.folder / "pool.jsonl").unlink()
    (done.folder / "s.yaml").unlink()
    assert states(done)["store"] == "-"
    assert not done.store.exists()
    shutil.move(done.folder / "out", tmp_path / "elsewhere")
    assert set(states(done, f"selectlang verify {tmp_path / 'elsewhere'}").values()) == {"fine", "-"}


def test_a_table_and_one_with_repeats(project: Make, pool: Make) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    spec = SPEC.replace("budget: top, from: lengths", "budget: top, from: twice").replace(
        "  chosen:",
        "  more: {merge: union, from: [pool, pool]}\n  twice: {score: length, from: more}\n  chosen:",
    )
    p = project({"s.yaml": spec})
    pq.write_table(pa.Table.from_pylist(pool(30)), p.folder / "pool.parquet")
    done = p.run("selectlang run s.yaml --set pool=pool.parquet --set size=20 --out out").ok()
    assert done.record["outputs"]["chosen"]["file"] == "chosen.parquet"
    assert set(states(p).values()) == {"fine"}
    edit(p, lambda record: record["outputs"]["chosen"].update(unique=7))
    assert wrong(p) == {"chosen"}


def test_other_plugins_leave_the_spec_unsaid(project: Make, pool: Make) -> None:
    p = project(
        {"s.yaml": SPEC.replace("score: length", "score: own"), "own/own.py": OWN, "pool.jsonl": pool(9)}
    )
    p.run(f"{RUN} --plugins own").ok()
    assert set(states(p, "selectlang verify out --plugins own").values()) == {"fine"}
    assert states(p)["spec"] == "-"
    p.write({"own/own.py": OWN.replace("1.0", "2.0")})
    assert states(p, "selectlang verify out --plugins own")["spec"] == "-"


def test_a_model_that_is_a_folder_may_be_gone(project: Make, pool: Make) -> None:
    spec = SPEC.replace("score: length, from: pool", "score: own, from: pool, model: $model")
    spec = spec.replace("params: {", "params: {model: {type: model}, ")
    p = project({"s.yaml": spec, "own/own.py": OWN, "pool.jsonl": pool(9), "models/one/config.json": "{}"})
    p.run(f"{RUN} --plugins own --set model=models/one").ok()
    shutil.rmtree(p.folder / "models")
    assert set(states(p, "selectlang verify out --plugins own").values()) == {"fine"}
    edit(p, lambda record: record["stages"][0]["in_key"]["model"].update(folder="0" * 64))
    assert "WRONG" in states(p, "selectlang verify out --plugins own").values()


# What is not.


def test_each_changed_byte_of_an_output_is_found(done: Any) -> None:
    path = done.folder / "out" / "chosen.jsonl"
    whole = path.read_bytes()
    for content in (whole[:-1], whole + b"\n", whole.replace(b"r", b"s", 1), b""):
        path.write_bytes(content)
        assert wrong(done) == {"chosen"}
    path.unlink()
    assert wrong(done) == {"chosen"}
    path.write_bytes(whole)
    assert wrong(done) == set()


def test_what_takes_the_place_of_an_output_is_not_followed(done: Any, tmp_path: Path) -> None:
    path = done.folder / "out" / "chosen.jsonl"
    path.rename(tmp_path / "real.jsonl")
    path.symlink_to(tmp_path / "real.jsonl")
    assert wrong(done) == {"chosen"}
    path.unlink()
    os.mkfifo(path)
    assert wrong(done) == {"chosen"}
    path.unlink()
    path.mkdir()
    assert wrong(done) == {"chosen"}


def test_a_hand_that_edits_the_record_is_found(done: Any) -> None:
    edit(done, lambda record: record.update(seconds=0.0), seal=False)
    assert wrong(done) == {"record.json"}


@pytest.mark.parametrize(
    "change, parts",
    [
        (lambda r: r["stages"][0]["settings"].update(unit="characters"), {"stages", "spec"}),
        (lambda r: r["stages"][1].update(seed=1), {"stages", "spec"}),
        (lambda r: r["stages"][1].update(inputs={"scores": [f"{'0' * 64}.."]}), {"stages"}),
        (lambda r: r["data"]["pool"].update(key="0" * 64), {"stages"}),
        (lambda r: r["outputs"]["left"].update(value=1.0), {"stages"}),
        (lambda r: r["outputs"]["chosen"].update(result=f"{'0' * 64}.."), {"stages"}),
        (lambda r: r["spec"]["stages"]["chosen"].update(size="30%"), {"spec"}),
        (lambda r: r["spec"].update(seed=1), {"spec"}),
        (lambda r: r["spec"]["stages"].update(chosen={"budget": "top"}), {"spec"}),
        (lambda r: r["spec"].update(extends="selectlang:kmq"), {"spec"}),
        (lambda r: r["spec"].update(imports={"a": GIT}), {"spec"}),
        (lambda r: r["spec"]["stages"].update(a={"recipe": {"extends": "../../x.yaml"}}), {"spec"}),
        (lambda r: r["stages"].pop(), {"stages", "spec"}),
        (lambda r: r["stages"].append({**r["stages"][0], "path": "more"}), {"spec"}),
        (lambda r: r["spec_params"].clear(), {"spec"}),
        (lambda r: r.update(request="0" * 64), {"spec"}),
        (lambda r: r.update(request=[]), {"spec"}),
        (lambda r: r["outputs"]["chosen"].update(rows=5), {"chosen"}),
        (lambda r: r["outputs"]["chosen"].update(unique=5), {"chosen"}),
        (lambda r: r["stages"][1].update(rows_out={"selection": 5}), {"store"}),
    ],
)  # fmt: skip
def test_a_record_that_contradicts_itself_is_found(
    done: Any, change: Callable[[Record], Any], parts: set[str]
) -> None:
    edit(done, change)
    assert wrong(done) == parts


def test_a_key_that_fits_other_settings_is_no_way_round(done: Any) -> None:
    """The stages must be those of the spec."""
    from selectlang.engine.keys import key

    def change(record: Record) -> None:
        stage = record["stages"][1]
        stage["settings"]["size"] = "30%"
        called = [stage[name] for name in ("kind", "method", "distribution", "version", "source")]
        new = key(called, stage["settings"], stage["inputs"], stage["seed"])
        for output in record["outputs"].values():
            output["result"] = output["result"].replace(stage["key"], new)
        stage["key"] = new

    edit(done, change)
    assert wrong(done) == {"spec"}


def test_rows_are_counted_whatever_the_hash_says(done: Any) -> None:
    """Who changes the file and its hash has to change the counts too."""
    path = done.folder / "out" / "chosen.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)

    def forged(content: bytes) -> set[str]:
        import hashlib

        path.write_bytes(content)
        said = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        edit(done, lambda record: record["outputs"]["chosen"].update(said))
        return wrong(done)

    assert forged(b"".join(lines)) == set()
    assert forged(b"".join(lines[:-1])) == {"chosen"}
    assert forged(b"".join([*lines[:-1], lines[0]])) == {"chosen"}
    assert forged(b"".join(reversed(lines))) == {"chosen"}
    for odd in (b"{", b"[]", b'{"selectlang": []}', b'{"selectlang": {"id": 1, "rank": 6}}', b"[" * 100_000):
        assert forged(b"".join([*lines[:-1], odd])) == {"chosen"}


def test_a_table_that_is_none(done: Any) -> None:
    import hashlib

    path = done.folder / "out" / "lengths.parquet"
    for content in (b"PAR1 no PAR1", b"", path.read_bytes()[:-9]):
        path.write_bytes(content)
        said = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        edit(done, lambda record, said=said: record["outputs"]["lengths"].update(said))
        assert wrong(done) == {"lengths"}


@pytest.mark.parametrize(
    "output",
    [
        {"file": "../../s.yaml"}, {"file": "/etc/passwd"}, {"file": "record.json"}, {"file": ["a"]},
        {"file": "lengths.parquet"}, {"file": "a\0b"}, {"folder": "../..", "files": {}},
        {"folder": ".", "files": {}}, {"folder": "chosen"}, {"folder": "chosen", "files": {"a": 1}},
        {"folder": "chosen", "files": {"../x": [1, "0"]}}, {"folder": "chosen", "files": []},
        {"bytes": "many"}, {"bytes": 10**400}, {"sha256": {}}, {"rows": 10**400},
    ],
)  # fmt: skip
def test_an_output_that_names_something_else(done: Any, output: Record) -> None:
    edit(done, lambda record: record["outputs"]["chosen"].update(output))
    found = done.run("selectlang verify out")
    assert wrong(done) == {"chosen"}
    assert len(found.out) < 5000


@pytest.mark.parametrize("name", ["../x", "/etc", "a/b", ".hidden", "", "a\nb", "x" * 1000])
def test_an_output_of_an_odd_name(done: Any, name: str) -> None:
    edit(done, lambda record: record["outputs"].update({name: record["outputs"]["chosen"]}))
    found = done.run("selectlang verify out")
    assert found.code == 1
    assert "no output of a run has this name" in found.out


def nested(depth: int) -> Any:
    found: Any = 1
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize(
    "content",
    [
        "", "null", "[]", "{}", "[" * 10**5, '{"selectlang": 1}', '{"selectlang": "0.1.0"}', "1" * 10_000,
        '"\\ud800"', '{"selectlang": "0.1.0", "stages": [1], "outputs": {}, "data": {}, "spec": {}}',
    ],
)  # fmt: skip
def test_a_record_that_is_none_is_a_sentence(done: Any, content: str) -> None:
    (done.folder / "out" / "record.json").write_text(content, encoding="utf-8")
    found = done.run("selectlang verify out")
    assert found.code == 1
    assert "record.json: " in found.err
    assert "Traceback" not in found.err
    assert len(found.err) < 1000


def test_a_record_may_be_nested_deep(done: Any) -> None:
    for depth in (50, 400, 900):
        edit(done, lambda record, depth=depth: record["spec_params"].update(more=nested(depth)), seal=False)
        found = done.run("selectlang verify out")
        assert found.code == 1
        assert "a fault of selectlang" not in found.err


def test_a_record_that_is_a_link_or_not_there(done: Any, tmp_path: Path) -> None:
    path = done.folder / "out" / "record.json"
    path.rename(tmp_path / "real.json")
    found = done.run("selectlang verify out")
    assert (found.code, "it holds no record.json" in found.err) == (1, True)
    path.symlink_to(tmp_path / "real.json")
    found = done.run("selectlang verify out")
    assert (found.code, "it is a link" in found.err) == (1, True)
    assert "there is no such folder" in done.run("selectlang verify nowhere").err


WORDS: list[Any] = [None, True, 0, -1, 1.5, "", "x", [], {}, [1], {"a": 1}, "0" * 64, float("nan"), 10**30]


def test_no_value_of_a_record_is_believed(done: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value is put in some place, sealed again: verify says what is wrong, or that all is fine."""
    monkeypatch.chdir(done.folder)
    registry, store = load(), Store(done.store)
    whole = json.loads(Path("out/record.json").read_bytes())
    unread = ("packages", "plugins", "machine", "control")
    paths = [path for path in _paths(whole) if path[0] not in unread]
    for number, path in enumerate(paths):
        edit(done, lambda record: (record.clear(), record.update(json.loads(json.dumps(whole)))))
        value = WORDS[number % len(WORDS)]
        edit(done, lambda record, path=path, value=value: _set(record, path, value))
        with suppress(DataError):  # which says that it is no record
            assert verify(Path("out"), registry, store)


def _paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [before] if before else []
    for name, part in parts:
        found += _paths(part, (*before, name))
    return found


def _set(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for name in path[:-1]:
        value = value[name]
    value[path[-1]] = new


# Models and the report.


def test_the_folder_of_a_model(project: Make, pool: Make) -> None:
    own = """
from pathlib import Path
import selectlang as sl

@sl.train
def taught(rows: sl.Rows, *, scratch: Path) -> sl.Model:
    "A file, and one in a folder."
    (scratch / "deep").mkdir()
    (scratch / "one.txt").write_text("one")
    (scratch / "deep" / "two.txt").write_text("two")
    return sl.Model(scratch)

@sl.hookimpl
def register_methods(register):
    register(taught)
"""
    spec = (
        SPEC.partition("stages:")[0]
        + "stages: {model: {train: taught, from: pool}}\noutputs: {model: model}\n"
    )
    p = project({"s.yaml": spec, "own/own.py": own, "pool.jsonl": pool(9)})
    p.run(f"{RUN} --plugins own").ok()
    assert states(p)["model"] == "fine"
    folder = p.folder / "out" / "model"
    for name, content in (("one.txt", "two"), ("deep/two.txt", "longer"), ("more.txt", "")):
        before = (folder / name).read_text() if (folder / name).exists() else None
        (folder / name).write_text(content)
        assert wrong(p) == {"model"}
        (folder / name).unlink() if before is None else (folder / name).write_text(before)
        assert wrong(p) == set()
    (folder / "one.txt").unlink()
    assert wrong(p) == {"model"}
    (folder / "one.txt").symlink_to("/etc/hostname")
    assert wrong(p) == {"model"}
    shutil.move(folder, p.folder / "real")
    assert wrong(p) == {"model"}
    folder.symlink_to(p.folder / "real")
    assert wrong(p) == {"model"}


def test_the_report_is_held_to_its_hash(done: Any) -> None:
    import hashlib

    path = done.folder / "out" / "report.html"
    path.write_text("<p>", encoding="utf-8")
    said = {"file": "report.html", "bytes": 3, "sha256": hashlib.sha256(b"<p>").hexdigest()}
    edit(done, lambda record: record.update(report=said))
    assert states(done)["report.html"] == "fine"
    path.write_text("<b>", encoding="utf-8")
    assert wrong(done) == {"report.html"}
    for odd in ({**said, "file": "../s.yaml"}, [], None, "report.html", {}):
        edit(done, lambda record, odd=odd: record.update(report=odd))
        assert wrong(done) == {"report.html"}


def test_the_seal_is_that_of_what_is_read_back(done: Any) -> None:
    record = json.loads((done.folder / "out" / "record.json").read_bytes())
    assert record.pop("sha256") == json_digest(record)
    assert sealed({"a": {1: (2, float("nan"))}})["sha256"] == json_digest({"a": {"1": [2, float("nan")]}})
