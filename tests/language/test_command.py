"""The command: files that are none, formats, exit codes, and what it imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.faults import Fault, Place, Source

GOOD = """\
selectlang: 1
name: example
params: {pool: {type: path}}
data: {pool: {path: $pool}}
stages: {lengths: {score: length, from: pool}, chosen: {budget: top, from: lengths, size: 10}}
outputs: {chosen: chosen}
"""
BAD = GOOD.replace("top", "tpo")


def text_of(checked: Any, path: Path, raw: bytes) -> str:
    path.write_bytes(raw)
    outcome = checked("check", path.name)
    assert (outcome.code, outcome.err) == (1, "")
    return str(outcome.out)


@pytest.mark.parametrize(
    "raw, said",
    [
        (b"", "x.yaml:1:1: the file is empty  [SL104]\n"),
        (b" \n\n", "x.yaml:1:1: the file is empty  [SL104]\n"),
        (b"---\n", "x.yaml:2:1: a spec is a mapping, found nothing  [SL109]\n"),
        (b"name: x\ndoc: caf\xe9\n", "x.yaml:2:9: not UTF-8: byte 0xe9  [SL102]\n"),
        ("name: x".encode("utf-16"), "x.yaml:1:1: not UTF-8: byte 0xff  [SL102]\n"),
        (b"PAR1\x00\x01\x80", "x.yaml:1:7: not UTF-8: byte 0x80  [SL102]\n"),
        (b"a: 1\n" * 200_001, "x.yaml:1:1: a file has at most 1,000,000 bytes, this one has more  [SL105]\n"),
        (b"[" * 1000 + b"]" * 1000, "x.yaml:1:41: nested more than 40 deep  [SL106]\n"),
        (b"- " * 1000 + b"x", "x.yaml:1:81: nested more than 40 deep  [SL106]\n"),
        (b"{a: " * 1000 + b"}" * 1000, "x.yaml:1:161: nested more than 40 deep  [SL106]\n"),
        (b"[" * 900_000, "x.yaml:1:41: nested more than 40 deep  [SL106]\n"),
        (b"\x00", "x.yaml:1:1: not YAML: control characters are not allowed  [SL103]\n"),
        (b"a: 1\nb: \x1b[31mred\n", "x.yaml:2:4: not YAML: control characters are not allowed  [SL103]\n"),
        (b"\t", "x.yaml:1:1: not YAML: a tab, and YAML is indented with spaces  [SL103]\n"),
        (b"{a: b", "not YAML"),
        (b"a: b: c\n", "x.yaml:1:5: not YAML: a value with ': ' in it stands in quotes  [SL103]\n"),
        (b"a: {b: c: d}\n", "x.yaml:1:9: not YAML: a comma is missing, or the quotes around a value"),
        (b"a: b\n  c: d\n", "x.yaml:2:4: not YAML: a key inside the value above it: check the indents"),
        (b"a: *.json\n", "x.yaml:1:4: not YAML: a value that begins with '*' stands in quotes  [SL103]\n"),
        (b"a: {b: %c}\n", "x.yaml:1:8: not YAML: a value that begins with '%' stands in quotes  [SL103]\n"),
        (b"a: {b} is c\nd: e\n", "x.yaml:1:8: not YAML: a value goes on after its closing quote or bracket"),
        (b'a: "\\d"\n', "x.yaml:1:5: not YAML: a backslash in double quotes"),
        (b"a: - b\n", "x.yaml:1:4: not YAML: a value that begins with '- ' stands in quotes"),
        (b"a: *\n", "x.yaml:1:4: not YAML: a value that begins with '*' stands in quotes  [SL103]\n"),
        (b"a: [*x]", "x.yaml:1:5: alias '*x': write the value out, or use a param  [SL108]\n"),
    ],
)
def test_a_file_that_is_no_spec(
    raw: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = text_of(command, tmp_path / "x.yaml", raw)
    assert said in found
    assert found.endswith("1 fault\n")


@pytest.mark.parametrize(
    "name",
    [
        "gone.yaml",
        "folder/",
        "folder",
        "x" * 5000,
        "x" * 5000 + ".yaml",
        "gone",
        "",
        "a:b",
        "selectlang:gone",
    ],
)
def test_a_spec_that_is_not_there(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    outcome = command("check", name)
    assert (outcome.code, outcome.err) == (1, "")
    assert "[SL101]" in outcome.out or "[SL402]" in outcome.out


def test_a_spec_that_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.yaml")
    Path("loop.yaml").symlink_to("loop.yaml")
    for name, said in (
        ("pipe.yaml", "the file is empty  [SL104]"),
        ("loop.yaml", "cannot read the file: its links lead nowhere  [SL101]"),
        ("./", "cannot read the file: Is a directory  [SL101]"),
    ):
        outcome = command("check", name)
        assert (outcome.code, outcome.err) == (1, "")
        assert outcome.out.startswith(f"{name}:1:1: {said}\n")
        Path("child.yaml").write_text(f"selectlang: 1\nname: x\nextends: {name}\n")
        assert "[SL402]" in command("check", "child.yaml").out
    pipe = os.open("pipe.yaml", os.O_RDWR)  # one that somebody writes to is read to its end
    os.write(pipe, b"selectlang: 1\n")
    threading.Timer(0.2, lambda: (os.write(pipe, b"- x\n"), os.close(pipe))).start()
    assert "pipe.yaml:2:1: not YAML" in command("check", "pipe.yaml").out


def test_a_path_near_another_and_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/loop.yaml").write_text(GOOD)
    missing = "cannot read the file: No such file or directory"
    for given, meant in (("mine/loop.yml", "mine/loop.yaml"), ("kmq.yaml", "selectlang:kmq")):
        assert command("check", given).out.startswith(
            f"{given}:1:1: {missing}, did you mean {meant!r}?  [SL101]"
        )
    assert command("check", "mine/other-thing.yaml").out.startswith(
        f"mine/other-thing.yaml:1:1: {missing}  [SL101]"
    )
    Path("record.json").write_text(json.dumps({"selectlang": "0.1.0", "spec": {}, "spec_params": {}, "x": 1}))
    found = command("check", "record.json")
    assert found.out.startswith("record.json:1:25: 'record.json' is the record of a run, no spec  [SL405]\n")
    assert found.out.endswith("1 fault\n")


def test_a_name_near_a_packaged_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is no spec 'kmqq', did you mean 'kmq'?  [SL402]" in command("check", "kmqq").out
    Path("kmqq.yaml").write_text("extends: selectlang:kmq", "utf-8")
    assert "there is no spec 'kmqq', did you mean 'kmqq.yaml'?  [SL402]" in command("check", "kmqq").out
    assert command("check", "kmq").out == "kmq: fine, 4 stages\n"
    assert command("check", "selectlang:kmq").code == 0


def test_every_packaged_spec_is_fine(command: Callable[..., Any], here: Path) -> None:
    specs = sorted((here.parent.parent / "specs").glob("*.yaml"))
    outcome = command("check", *specs)
    assert (outcome.code, outcome.out.count(": fine, ")) == (0, len(specs))


def test_several_specs_are_checked_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(GOOD)
    Path("bad.yaml").write_text(BAD)
    outcome = command("check", "good.yaml", "bad.yaml", "gone.yaml")
    assert outcome.code == 1
    assert outcome.out.startswith("good.yaml: fine, 2 stages\nbad.yaml:5:65: there is no budget method 'tpo'")
    assert outcome.out.endswith("[SL101]\n2 faults\n")


def test_json(checked: Callable[..., Any]) -> None:
    outcome = checked(GOOD, "--format", "json")
    assert (outcome.code, json.loads(outcome.out)) == (0, [])
    faults = json.loads(checked(GOOD.replace("size: 10", "size: 10, size: 20"), "--format", "json").out)
    assert faults == [
        {
            "code": "SL107",
            "message": "key 'size' stands twice",
            "file": "spec.yaml",
            "line": 5,
            "column": 95,
            "end_column": 99,
            "also": {"message": "first here", "file": "spec.yaml", "line": 5, "column": 85, "end_column": 89},
        }
    ]
    faults = json.loads(checked(BAD, "--format", "json").out)
    assert faults[0]["hint"].startswith("methods of budget: ")


def test_github(checked: Callable[..., Any]) -> None:
    outcome = checked(GOOD, "--format", "github")
    assert (outcome.code, outcome.out) == (0, "")
    outcome = checked(GOOD.replace("size: 10", "size: 120%"), "--format", "github")
    assert outcome.code == 1
    assert outcome.out == (
        "::error file=spec.yaml,line=5,col=91,title=SL210::"
        "'size': a share is above 0%25 and at most 100%25, found '120%25'\n"
    )


def test_github_escapes_what_would_end_a_property_or_a_line() -> None:
    place = Place(Source("a,b:c%\n.yaml", "x"), 2, 3, 4)
    said = Fault("SL999", "100%\r\n::error::no", place, ("see\n", place), "one\ntwo").github()
    assert "\n" not in said
    assert said.startswith("::error file=a%2Cb%3Ac%25\ufffd.yaml,line=2,col=3,title=SL999::100%25")
    assert said.endswith("one%0Atwo")


def test_exit_codes(
    checked: Callable[..., Any], command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SELECTLANG_STORE", str(tmp_path / "store"))
    assert checked(GOOD).code == 0
    assert checked(BAD).code == 1
    assert checked(GOOD, "--set", "poool=x").code == 2
    assert checked(GOOD, "--plugins", "gone").code == 2
    for arguments in (["check"], ["check", "x", "--format", "xml"], ["chekc"], []):
        with pytest.raises(SystemExit) as raised:
            command(*arguments)
        assert raised.value.code == 2

    def fail(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("selectlang.language.check.check", fail)
    outcome = checked(GOOD)
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith(
        "a fault of selectlang: ZeroDivisionError: by nothing\nthe traceback is in "
    )
    assert "Traceback" not in outcome.err
    logs = list((tmp_path / "store").rglob("*.log"))
    assert len(logs) == 1
    assert "ZeroDivisionError" in logs[0].read_text()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("selectlang.language.check.check", interrupt)
    assert checked(GOOD).code == 130


def test_a_plugin_that_is_broken_matters_only_to_specs_that_need_it(
    checked: Callable[..., Any], here: Path
) -> None:
    faulty = ("--plugins", str(here / "faulty"))
    assert checked(GOOD, *faulty).code == 0
    assert checked(GOOD.replace("score: length", "score: good"), *faulty).code == 0
    assert "[SL501]" in checked(GOOD.replace("score: length", "score: odd"), *faulty).out


@pytest.mark.parametrize(
    "source, reason",
    [
        ("import sys\nsys.exit(0)", "SystemExit"),
        ("import nothing_of_this_name", "No module named"),
        ("def (", "SyntaxError"),
        ("import selectlang as sl\n@sl.hookimpl\ndef register_method(register): pass", "register_method"),
        (
            "import selectlang as sl\n@sl.hookimpl\ndef register_methods(register): register(3)",
            "is not marked",
        ),
        ("import selectlang as sl\n@sl.hookimpl\ndef register_methods(registry): pass", "registry"),
        ("raise RuntimeError('\\x1b[31mred\\n\\x07')", "red"),
    ],
)
def test_a_plugin_may_fail_in_any_way(
    source: str, reason: str, checked: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "plain.py").write_text(source)
    assert checked(GOOD, "--plugins", "plugins").code == 0
    outcome = checked(GOOD.replace("score: length", "score: lenght"), "--plugins", "plugins")
    assert outcome.code == 1
    assert reason in outcome.out
    assert all(char.isprintable() or char == "\n" for char in outcome.out)


def test_a_method_that_takes_a_name_that_is_taken(checked: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "again.py").write_text(
        "import selectlang as sl\n\n@sl.score\ndef length(rows: sl.Rows) -> sl.Scores:\n    '''Again.'''\n\n"
        "@sl.hookimpl\ndef register_methods(register):\n    register(length)\n"
    )
    said = checked(GOOD, "--plugins", "plugins").out
    assert "score 'length' is registered twice, by selectlang " in said
    assert "again.py" in said
    assert "[SL502]" in said


HEAVY = [
    "numpy",
    "pyarrow",
    "torch",
    "sklearn",
    "faiss",
    "transformers",
    "sentence_transformers",
    "litellm",
    "rich",
]


@pytest.mark.parametrize(
    "code",
    [
        "import selectlang",
        "from selectlang.cli import main; assert main(['check', 'kmq', 'rds-plus', 'kmq-rounds']) == 0",
        "from selectlang.cli import main; assert main(['show', 'SL302']) == 0",
    ],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    code += f"\nimport sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
