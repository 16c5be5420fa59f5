"""The run folder: whole or not there, one run at a time, and nothing of the user's is replaced or deleted."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

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


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def whole(folder: Path) -> bool:
    """Whether there is a record, and every output is as it says."""
    try:
        record = json.loads((folder / "record.json").read_bytes())
    except FileNotFoundError:
        return False
    return all(
        hashlib.sha256((folder / output["file"]).read_bytes()).hexdigest() == output["sha256"]
        for output in record["outputs"].values()
        if "file" in output
    )


# Which folders are taken


def test_the_out_folder_is_new_or_that_of_a_run(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29), "mine/notes.txt": "precious", "file": ""})
    refused = p.run("selectlang run s.yaml --set pool=pool.jsonl --out mine")
    assert refused.code == 2
    assert "mine: the folder holds other things than a run" in refused.err
    assert not p.store.exists()  # refused before anything is done
    for out in ("file", "file/below"):
        refused = p.run(f"selectlang run s.yaml --set pool=pool.jsonl --out {out}")
        assert (refused.code, "Traceback" in refused.err) == (2, False)
    foreign = p.write({"other/record.json": '{"speed": 33}'})
    assert foreign.run("selectlang run s.yaml --set pool=pool.jsonl --out other").code == 2
    assert names(p.folder / "mine") == ["notes.txt"]
    done = p.run("selectlang run s.yaml --set pool=pool.jsonl --out a/b/c").ok()
    assert names(done.folder) == ["chosen.jsonl", "record.json", "report.html"]


def test_without_out_each_run_makes_a_folder(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    command = "selectlang run s.yaml --set pool=pool.jsonl"
    for _ in range(3):
        p.run(command).ok()
    made = sorted((p.folder / "runs").iterdir())
    assert len(made) == 3
    assert all(path.name.startswith("longest-2") and (path / "record.json").is_file() for path in made)
    assert p.run(command + " --set size=nonsense").code == 2
    p.write({"pool.jsonl": "no json\n"})
    assert p.run(command).code == 1
    assert sorted((p.folder / "runs").iterdir()) == made


@pytest.mark.parametrize("out", ["", "--out new", "--out new/in/new", "--out there", "--out there/new"])
def test_a_run_that_fails_leaves_no_folder(project: Make, out: str) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": "no json\n"})
    (p.folder / "there").mkdir()
    assert p.run(f"selectlang run s.yaml --set pool=pool.jsonl {out}").code == 1
    assert names(p.folder) == ["pool.jsonl", "s.yaml", "store", "there"]
    assert names(p.folder / "there") == []


def test_a_rerun_that_fails_leaves_the_outputs_of_the_run_before(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    done = p.run(RUN).ok()
    before = {path.name: path.read_bytes() for path in done.folder.iterdir()}
    p.write({"pool.jsonl": "no json\n"})
    assert p.run(RUN).code == 1
    assert {path.name: path.read_bytes() for path in done.folder.iterdir()} == before


# What is replaced and deleted


def test_a_run_replaces_the_outputs_of_the_run_before_and_nothing_else(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    p.run(RUN).ok()
    p.write({"out/notes.txt": "mine", "s.yaml": SPEC.replace("outputs: {chosen:", "outputs: {best:")})
    done = p.run(RUN).ok()
    assert names(done.folder) == ["best.jsonl", "notes.txt", "record.json", "report.html"]


@pytest.mark.parametrize("name", ["best.jsonl", "best.parquet"])
def test_a_file_that_no_run_has_written_is_not_replaced(project: Make, pool: Make, name: str) -> None:
    """`best` would be JSON Lines or Parquet: before the data is read, both are kept."""
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    before = p.run(RUN).ok().bytes()
    p.write({f"out/{name}": "mine", "s.yaml": SPEC.replace("outputs: {chosen:", "outputs: {best:")})
    shutil.rmtree(p.store)
    refused = p.run(RUN)
    assert refused.code == 2
    assert f"--out out: it holds {name}, which is no output of the run that was written there" in refused.err
    assert (p.folder / "out" / name).read_text() == "mine"
    assert (p.folder / "out" / "chosen.jsonl").read_bytes() == before
    assert names(p.folder / "out") == sorted([name, "chosen.jsonl", "record.json", "report.html"])
    assert not p.store.exists()


def test_a_file_that_appears_while_a_run_goes_on_is_not_replaced(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from selectlang.engine import run

    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    record = run.record

    def late(*arguments: Any) -> Any:
        p.write({"out/chosen.jsonl": "mine"})
        return record(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(run, "record", late)
        refused = p.run(RUN)
    assert (refused.code, "it holds chosen.jsonl" in refused.err) == (2, True)
    assert names(p.folder / "out") == ["chosen.jsonl"]
    assert (p.folder / "out/chosen.jsonl").read_text() == "mine"


@pytest.mark.parametrize(
    "given",
    ["out/chosen.jsonl", "./out/../out/chosen.jsonl", "link.jsonl", "linked/chosen.jsonl", "o*/*.jsonl"],
)
def test_a_run_does_not_replace_what_it_reads(project: Make, pool: Make, given: str) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    before = p.run(RUN).ok().bytes()
    (p.folder / "link.jsonl").symlink_to("out/chosen.jsonl")
    (p.folder / "linked").symlink_to("out")
    refused = p.run(f"selectlang run s.yaml --set pool='{given}' --out out")
    assert refused.code == 2
    assert "--out out: data 'pool' reads" in refused.err
    assert "which this run would replace; name another folder" in refused.err
    assert (p.folder / "out/chosen.jsonl").read_bytes() == before
    done = p.run(f"selectlang run s.yaml --set pool='{given}' --set size=2 --out better").ok()
    assert len(done.rows()) == 2


def test_the_pool_may_lie_in_the_run_folder(project: Make, pool: Make) -> None:
    """As long as no output takes its name."""
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    p.run(RUN).ok()
    p.write({"out/pool.jsonl": pool(20)})
    before = (p.folder / "out/pool.jsonl").read_bytes()
    inside = "selectlang run s.yaml --set pool=out/pool.jsonl --out out"
    assert len(p.run(inside).ok().rows()) == 5
    p.write({"s.yaml": SPEC.replace("outputs: {chosen: chosen}", "outputs: {pool: pool}")})
    refused = p.run(inside)
    assert (refused.code, "data 'pool' reads out/pool.jsonl" in refused.err) == (2, True)
    assert (p.folder / "out/pool.jsonl").read_bytes() == before


def test_what_a_recipe_reads_is_not_replaced(project: Make, pool: Make) -> None:
    outer = """
selectlang: 1
name: outer
imports: {longest: ./s.yaml}
params: {pool: {type: path}}
stages: {inner: {recipe: longest, params: {pool: $pool}}}
outputs: {chosen: inner}
"""
    p = project({"s.yaml": SPEC, "outer.yaml": outer, "pool.jsonl": pool(29)})
    p.run(RUN).ok()
    refused = p.run("selectlang run outer.yaml --set pool=out/chosen.jsonl --out out")
    assert (refused.code, "reads out/chosen.jsonl" in refused.err) == (2, True)


@pytest.mark.parametrize(
    "output",
    [
        {"victim": {"file": "../victim.jsonl"}},
        {"../victim": {"file": "../victim.jsonl"}},
        {"victim": {"file": "{folder}/victim.jsonl"}},
        {"..": {"folder": ".."}},
        {"": {"file": ".jsonl"}},
        {"deep/victim": {"folder": "deep/victim"}},
        {"notes": {"file": "notes.txt"}},
        {"chosen": {"file": "notes.txt"}},
        {"chosen": {"file": "chosen.jsonl", "folder": "deep"}},
        {"chosen": {"file": ["notes.txt"], "folder": {"a": 1}}},
        {"chosen": []},
        [],
    ],
)
def test_a_record_that_was_tampered_with_deletes_nothing(project: Make, pool: Make, output: Any) -> None:
    """An output of an old record is deleted only under the name that a run gives to it."""
    files = {"s.yaml": SPEC.replace("outputs: {chosen:", "outputs: {best:"), "pool.jsonl": pool(29)}
    p = project({**files, "victim.jsonl": "mine", "out/notes.txt": "mine", "out/deep/victim/file": "mine"})
    listed = json.loads(json.dumps(output).replace("{folder}", str(p.folder)))
    p.write({"out/record.json": json.dumps({"selectlang": "0.1.0", "outputs": listed})})
    code = p.run(RUN).code
    assert code == (2 if isinstance(output, list) or output.get("chosen") == [] else 0)
    for name in ("victim.jsonl", "out/notes.txt", "out/deep/victim/file"):
        assert (p.folder / name).read_text() == "mine"


MODEL = """
import selectlang as sl
from pathlib import Path

@sl.train
def words(rows: sl.Rows, *, base: sl.ModelName = "none") -> sl.Model:
    "The words of the rows, in a folder."
    folder = Path("made")
    folder.mkdir(exist_ok=True)
    (folder / "words.txt").write_text(" ".join(rows.responses()))
    (folder / f"{len(rows)}").touch()
    return sl.Model(folder)

@sl.hookimpl
def register_methods(register):
    register(words)
"""


def test_a_folder_of_a_model_is_replaced_whole(project: Make, pool: Make) -> None:
    spec = SPEC.replace(
        "outputs: {chosen: chosen}", "  model: {train: words, from: chosen}\noutputs: {model: model}"
    )
    reads = spec.replace("{train: words,", "{train: words, base: $base,").replace(
        "params:", "params:\n  base: {type: model}"
    )
    p = project({"s.yaml": spec, "reads.yaml": reads, "pool.jsonl": pool(29), "plugins/words.py": MODEL})
    run = RUN + " --plugins plugins"
    p.run(run).ok()
    assert names(p.folder / "out/model") == ["5", "words.txt"]
    shutil.rmtree(p.folder / "made")
    assert p.run(run + " --set size=4").ok().record["outputs"]["model"]["folder"] == "model"
    assert names(p.folder / "out/model") == ["4", "words.txt"]
    assert names(p.folder / "out") == ["model", "record.json", "report.html"]
    refused = p.run(run.replace("s.yaml", "reads.yaml") + f" --set base={p.folder}/out/model")
    assert (refused.code, "stage 'model' reads" in refused.err) == (2, True)
    p.write({"out/record.json": '{"selectlang": "0.1.0", "outputs": {}}'})
    refused = p.run(run)  # now the folder is nobody's
    assert (refused.code, "it holds model, which is no output" in refused.err) == (2, True)
    assert names(p.folder / "out/model") == ["4", "words.txt"]


# Runs that are killed


class Killed(BaseException):
    """What ends a run at once, in this process."""


@pytest.mark.parametrize("place", range(1, 10))
def test_killed_between_any_two_renames(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """Old outputs are there until the new are; a record never speaks of others; the next run mends all."""
    from selectlang.engine import folder

    new = SPEC.replace("outputs: {chosen: chosen}", "outputs: {chosen: chosen, lengths: lengths}")
    p = project({"s.yaml": SPEC.replace("outputs: {", "outputs: {old: pool, "), "pool.jsonl": pool(29)})
    p.run(RUN).ok()
    p.write({"out/notes.txt": "mine", "s.yaml": new})
    expected = p.run(RUN.replace("--out out", "--out other") + " --set size=7").ok().bytes()
    replace, count = os.replace, 0

    def killed(*arguments: Any) -> None:
        nonlocal count
        count += 1
        if count == place:
            raise Killed
        replace(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        patch.setattr(folder, "_clean", lambda writing: None)  # nor does a killed process
        try:
            p.run(RUN + " --set size=7").ok()
        except Killed:
            pass
        else:
            assert count == place - 1  # the last place is after the last rename
    out = p.folder / "out"
    assert whole(out) or not (out / "record.json").exists()
    assert (out / "chosen.jsonl").exists()
    p.write({"s.yaml": new})
    done = p.run(RUN + " --set size=7").ok()
    assert done.bytes() == expected
    assert whole(out)
    assert names(out) == ["chosen.jsonl", "lengths.parquet", "notes.txt", "record.json", "report.html"]
    assert (out / "notes.txt").read_text() == "mine"


def test_what_a_killed_run_wrote_is_deleted_even_when_the_next_fails(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    before = p.run(RUN).ok().bytes()
    p.write(
        {
            "out/.writing/new/chosen.jsonl": "half",
            "out/.writing/lock": "99999999 on here",
            "pool.jsonl": "?\n",
        }
    )
    assert p.run(RUN).code == 1
    assert names(p.folder / "out") == ["chosen.jsonl", "record.json", "report.html"]
    assert (p.folder / "out/chosen.jsonl").read_bytes() == before


@pytest.mark.parametrize("link", [True, False])
def test_what_only_looks_like_the_writing_of_a_run_is_not_deleted(
    project: Make, pool: Make, link: bool
) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29), "mine/notes.txt": "mine"})
    p.run(RUN).ok()
    if link:
        (p.folder / "out/.writing").symlink_to(p.folder / "mine")
    else:
        p.write({"out/.writing": "mine"})
    refused = p.run(RUN)
    assert (refused.code, "it holds .writing, which is no folder" in refused.err) == (2, True)
    assert names(p.folder / "mine") == ["notes.txt"]


# Two runs at once

SLOW = """
import os, subprocess, sys, time
import selectlang as sl

@sl.score
def slow(rows: sl.Rows) -> sl.Scores:
    "Lengths, once a file is there; a forked process outlives this one."
    if os.environ.get("FORK") and os.fork() == 0:
        os.close(1), os.close(2)
        time.sleep(20)
        os._exit(0)
    open("waits", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    return [float(len(text)) for text in rows.texts()]

@sl.hookimpl
def register_methods(register):
    register(slow)
"""


@pytest.fixture
def slow(project: Make, pool: Make) -> Any:
    spec = SPEC.replace(
        "{score: length, from: pool, text: response, unit: words}", "{score: slow, from: pool}"
    )
    return project({"s.yaml": spec, "quick.yaml": SPEC, "pool.jsonl": pool(29), "plugins/slow.py": SLOW})


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.005)


def test_a_second_run_into_the_folder_is_refused(slow: Any) -> None:
    first = slow.start(RUN + " --plugins plugins")
    wait_for(slow.folder / "waits", first)
    refused = slow.finish(slow.start("selectlang run quick.yaml --set pool=pool.jsonl --out out"))
    assert (refused.code, refused.out) == (2, "")
    assert f"--out out: process {first.pid} on " in refused.err
    assert "is running into this folder; wait for it to end, or name another folder" in refused.err
    assert names(slow.folder / "out") == [".writing"]
    (slow.folder / "go").touch()
    done = slow.finish(first).ok()
    assert whole(done.folder)
    assert names(done.folder) == ["chosen.jsonl", "record.json", "report.html"]
    assert slow.run("selectlang run quick.yaml --set pool=pool.jsonl --out out").code == 0


@pytest.mark.parametrize("fork", ["", "1"])
def test_a_killed_run_blocks_nobody(slow: Any, fork: str) -> None:
    """Not even when a process that it forked lives on."""
    first = slow.start(RUN + " --plugins plugins", FORK=fork)
    wait_for(slow.folder / "waits", first)
    os.kill(first.pid, signal.SIGKILL)
    first.wait(60)
    try:
        done = slow.run("selectlang run quick.yaml --set pool=pool.jsonl --out out").ok()
        assert names(done.folder) == ["chosen.jsonl", "record.json", "report.html"]
        assert whole(done.folder)
    finally:
        if fork:
            os.killpg(first.pid, signal.SIGKILL)
        first.communicate()


# Names and disks


def test_names_and_texts_that_are_no_utf8(project: Make) -> None:
    """Half a surrogate pair in ids, texts and groups, and bytes that are no UTF-8 in names of files."""
    half = "\ud800"
    rows = [
        {"id": f"r{i}{half}", "instruction": f"do {half}", "output": "x " * i, "task": half * (i % 2)}
        for i in range(9)
    ]
    spec = SPEC.replace("id: id}", "id: id, group: task}").replace(
        "outputs: {chosen: chosen}",
        "  fields: {cluster: by_field, from: pool, field: task}\n"
        "  spread: {budget: per_cluster, from: {clusters: fields, scores: lengths}, size: 3}\n"
        "outputs: {chosen: chosen, fields: fields, lengths: lengths, spread: spread, pool: pool}",
    )
    p = project({"s.yaml": spec})
    name = os.fsdecode(b"\xff.jsonl")
    (p.folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = p.run(f"selectlang run s.yaml --set pool={name} --out {os.fsdecode(b'out' + bytes([254]))}").ok()
    assert done.record["data"]["pool"]["path"] == [name]
    assert done.record["params"]["pool"] == name
    assert done.ids() == [f"r{i}\ufffd" for i in range(8, 3, -1)]
    assert [row["instruction"] for row in done.rows()] == [f"do {half}"] * 5  # as it was found
    with open(done.folder / "fields.parquet", "rb") as file:
        assert set(pq.read_table(file)["name"].to_pylist()) == {"", "\ufffd"}
    assert p.run(f"selectlang plan s.yaml --set pool={name}").code == 0


LIMITED = """
import resource, sys
most = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
from selectlang.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    "most, warm, what",
    [
        (0, False, "cannot make the store"),
        (50, False, "data 'pool': cannot write to the store, folder"),
        (4000, False, "data 'pool': cannot write to the store, folder"),
        (100, True, "chosen: cannot write to the store, folder"),
        (400, True, "chosen: cannot write to the store, folder"),
        (900, True, "cannot write to the run folder out: "),
    ],
)
def test_a_full_disk_is_a_sentence(project: Make, pool: Make, most: int, warm: bool, what: str) -> None:
    """No file may be longer than `most`: who writes, in Python or below it, gets an error of the system."""
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    if warm:
        p.run(RUN).ok()
        shutil.rmtree(p.folder / "out")
    command = [*RUN.split()[1:], "--set", "size=6"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(most), *command], cwd=p.folder, capture_output=True, text=True,
        env={**os.environ, **p.environment}, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert what in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (p.folder / "out").exists()
    assert len(p.run(RUN + " --set size=6").ok().rows()) == 6
    assert p.run("selectlang store verify").code == 0


@pytest.mark.parametrize("function", ["output", "_swap"])
def test_a_run_folder_on_a_full_disk(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    """The outputs of the run before stay as they are."""
    from selectlang.engine import folder

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})
    before = p.run(RUN).ok().bytes()
    # The first swap takes up what a killed run has left.
    calls = iter([folder._swap, full] if function == "_swap" else [full])
    with monkeypatch.context() as patch:
        patch.setattr(folder, function, lambda *arguments: next(calls)(*arguments))
        done = p.run(RUN + " --set size=7")
    assert done.code == 1
    assert "cannot write to the run folder out: No space left on device" in done.err
    assert whole(done.folder)
    assert done.bytes() == before
    assert len(p.run(RUN + " --set size=7").ok().rows()) == 7
