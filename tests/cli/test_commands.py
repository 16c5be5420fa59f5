"""The command line: exit codes, help, and what each command prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import pytest

import selectlang
from selectlang.cli import COMMANDS
from selectlang.methods import Method
from selectlang.plugins import load

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: longest
doc: Keep the longest rows.
params: {pool: {type: path}, size: {type: amount, default: 5}}
data: {pool: {path: $pool, id: id}}
stages:
  lengths: {score: length, from: pool, text: response}
  chosen:  {budget: top, from: lengths, size: $size}
outputs: {chosen: chosen}
"""
BAD = SPEC.replace("score: length", "score: lenght")
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out"
METHODS = sorted(
    (method for method in load().methods.values()), key=lambda method: (method.kind, method.name)
)


def test_exit_codes(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "bad.yaml": BAD, "pool.jsonl": pool(9), "text.jsonl": "?\n"})
    for command, code in (
        ("selectlang check s.yaml", 0),
        ("selectlang check bad.yaml", 1),
        ("selectlang check s.yaml bad.yaml", 1),
        ("selectlang check none.yaml", 1),
        ("selectlang run bad.yaml --set pool=pool.jsonl --out out", 1),
        ("selectlang run s.yaml --set pool=text.jsonl --out out", 1),
        ("selectlang run s.yaml", 2),
        ("selectlang run s.yaml --set pol=pool.jsonl", 2),
        ("selectlang run s.yaml --set pool", 2),
        ("selectlang run s.yaml --set pool=pool.jsonl --set size=much", 2),
        ("selectlang run s.yaml --plugins nowhere", 2),
        ("selectlang plan", 2),
        ("selectlang", 2),
        ("selectlang fly", 2),
        ("selectlang store", 2),
        ("selectlang store prune", 2),
        ("selectlang store prune --older-than soon", 2),
        ("selectlang show score nothing", 2),
        ("selectlang show nothing much", 2),
        ("selectlang check s.yaml --colour", 2),
        ("selectlang --version", 0),
        ("selectlang --help", 0),
    ):
        done = p.run(command)
        assert done.code == code, f"{command}\n{done.out}\n{done.err}"
        assert "Traceback" not in done.err


def test_a_fault_of_ours_is_a_line_and_a_log(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import selectlang.engine.plan

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(selectlang.engine.plan, "plan", broken)
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(9)})
    done = p.run("selectlang plan s.yaml --set pool=pool.jsonl")
    assert done.code == 3
    first, second = done.err.splitlines()
    assert first == "a fault of selectlang: RuntimeError: a bug"
    log = next((p.store / "logs").iterdir())
    assert str(log) in second
    assert "RuntimeError: a bug" in log.read_text()
    assert "Traceback" in log.read_text()


def test_interrupted(project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import selectlang.engine.plan

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(selectlang.engine.plan, "plan", interrupt)
    done = project({"s.yaml": SPEC, "pool.jsonl": pool(9)}).run(
        "selectlang plan s.yaml --set pool=pool.jsonl"
    )
    assert done.code == 130
    assert done.err == "interrupted; what was finished is kept, and the same command goes on from there\n"


def test_a_reader_that_goes_away_is_no_fault(project: Make) -> None:
    """`selectlang plugins | head -1`: no traceback."""
    p = project({})
    command = f"{sys.executable} -m selectlang plugins | head -1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=p.folder, capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, **p.environment},
    )  # fmt: skip
    assert done.stdout.startswith("kind")
    assert done.stderr == ""


def test_help_of_every_command(project: Make) -> None:
    p = project({})
    text = p.run("selectlang --help").ok().out
    for name, about in COMMANDS.items():
        assert name in text
        assert about in text
        own = p.run(f"selectlang {name} --help").ok().out
        assert own.startswith(f"usage: selectlang {name}")
        options = re.findall(r"^  (--[a-z-]+)(?: [^\n]*)?\n?(?:  +(\S.*))?", own, re.MULTILINE)
        assert options or name == "store"
    for action in ("list", "verify", "prune"):
        assert (
            p.run(f"selectlang store {action} --help")
            .ok()
            .out.startswith(f"usage: selectlang store {action}")
        )


def test_every_option_says_what_it_does() -> None:
    """No option, and no command of `store`, without help."""
    import argparse

    from selectlang.cli import _parser

    for name in COMMANDS:
        parser = _parser([name])
        commands = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        waiting = [commands.choices[name]]
        while waiting:
            for action in waiting.pop()._actions:
                if isinstance(action, argparse._SubParsersAction):
                    waiting += action.choices.values()
                else:
                    assert action.help, f"{name}: {action.dest}"


def test_the_entry_point_and_the_version(project: Make) -> None:
    points = entry_points(group="console_scripts", name="selectlang")
    assert [point.value for point in points] == ["selectlang.cli:main"]
    assert project({}).run("selectlang --version").ok().out == f"selectlang {selectlang.__version__}\n"


def test_an_unknown_command_lists_the_known(project: Make) -> None:
    done = project({}).run("selectlang chek s.yaml")
    assert done.code == 2
    assert all(name in done.err for name in COMMANDS)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: f"{method.kind}-{method.name}")
def test_show_a_method(project: Make, method: Method) -> None:
    """What it does, its ports, each setting with its text, default and range, and where it comes from."""
    p = project({})
    text = p.run(f"selectlang show {method.kind} {method.name}").ok().out
    assert text.startswith(f"{method.kind}: {method.name}\n")
    about = method.doc.partition("Settings:")[0].strip()
    assert len(about) > 20
    assert about in text
    assert f"from {method.distribution} {method.version}" in text
    for port in method.inputs:
        assert f"  {port.name} ({port}" in text
    for name, setting in method.settings.items():
        assert setting.doc, f"{method.kind} {method.name} says nothing of its setting {name!r}"
        assert f"  {name} (" in text
        assert setting.doc in text
    documented = re.findall(r"^    (\w+): ", method.doc.partition("Settings:")[2], re.MULTILINE)
    assert documented == list(method.settings), "settings are described in the order of the signature"
    found = json.loads(p.run(f"selectlang show {method.kind} {method.name} --json").ok().out)
    assert found["properties"].keys() == method.settings.keys()
    assert set(found["required"]) == {name for name, setting in method.settings.items() if setting.required}
    assert found["additionalProperties"] is False


def test_defaults_of_settings_are_valid() -> None:
    from jsonschema import Draft202012Validator

    for method in METHODS:
        for name, setting in method.settings.items():
            Draft202012Validator.check_schema(setting.schema)
            if not setting.required:
                faults = list(Draft202012Validator(setting.schema).iter_errors(setting.default))
                assert faults == [], f"{method.kind} {method.name}: {name}"


def test_show_a_kind_a_spec_and_a_code(project: Make) -> None:
    import yaml

    p = project({"s.yaml": SPEC})
    listed = p.run("selectlang show budget").ok().out
    assert "per_cluster: " in listed
    assert "nearest: " not in listed
    shown = p.run("selectlang show s.yaml --set size=20%").ok().out
    assert "#   pool: path, no value yet" in shown
    assert '#   size: amount, "20%"' in shown
    spec = yaml.safe_load(shown)
    assert spec["stages"]["lengths"]["unit"] == "tokens"
    assert spec["stages"]["chosen"]["size"] == "20%"
    assert json.loads(p.run("selectlang show s.yaml --json --set size=20%").ok().out) == spec
    code = re.search(r"\[(SL\d+)\]", p.write({"bad.yaml": BAD}).run("selectlang check bad.yaml").out)
    assert code is not None
    assert p.run(f"selectlang show {code[1]}").ok().out.startswith(f"{code[1]}: ")
    unknown = p.run("selectlang show SL999")
    assert (unknown.code, "there is no error code SL999" in unknown.err) == (2, True)
    near = p.run("selectlang show score lenght")
    assert (near.code, "did you mean 'length'?" in near.err) == (2, True)
    odd = p.run("selectlang show skore length")
    assert (odd.code, "did you mean 'score'?" in odd.err) == (2, True)


def test_show_a_packaged_spec_by_its_name(project: Make) -> None:
    p = project({})
    assert p.run("selectlang show kmq").ok().out == p.run("selectlang show selectlang:kmq").ok().out


def test_plugins_lists_what_is_there(project: Make) -> None:
    p = project({})
    text = p.run("selectlang plugins").ok().out.splitlines()
    assert text[0].split() == ["kind", "method", "from", "what", "it", "does"]
    rows = [line.split()[:2] for line in text[1:]]
    for method in METHODS:
        assert [method.kind, method.name] in rows
    assert next(line for line in text if line.startswith("spec pack selectlang: ")).count(", ") >= 12
    found = json.loads(p.run("selectlang plugins --json").ok().out)
    assert {(one["kind"], one["method"]) for one in found["methods"]} == {(m.kind, m.name) for m in METHODS}
    assert "selectlang" in found["packs"]


def test_the_store_is_listed_verified_and_pruned(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(9)})
    assert "0 entries, 0 B" in p.run("selectlang store list").ok().out
    assert not p.store.exists()
    p.run(RUN).ok()
    listed = p.run("selectlang store list").ok().out.splitlines()
    assert listed[0].split() == ["key", "used", "size", "what", "stage"]
    assert {(line.split()[-2], line.split()[-1]) for line in listed[1:-1]} == {
        ("data", "pool"), ("length", "lengths"), ("top", "chosen"), ("report", "report"),
    }  # fmt: skip
    assert listed[-1].startswith("4 entries, ")
    assert p.run("selectlang store verify").ok().out == "0 damaged\n"
    value = next(p.store.glob("entries/*/*/port_/value.json"))
    value.write_text("{}")
    damaged = p.run("selectlang store verify")
    assert damaged.code == 1
    assert f"{value.parts[-3][:12]}: port_/value.json has 2 bytes" in damaged.out
    assert p.run("selectlang store verify --repair").ok().out.endswith("1 damaged, deleted\n")
    assert p.run("selectlang store verify").ok().out == "0 damaged\n"
    assert p.run("selectlang store prune --older-than 1d").ok().out == "deleted 0 entries, 0 B\n"
    assert "would delete 3 entries" in p.run("selectlang store prune --older-than 0d --dry-run").ok().out
    assert "deleted 3 entries" in p.run(f"selectlang store prune --older-than 0h --store {p.store}").ok().out
    assert "0 entries" in p.run("selectlang store list").ok().out


def test_a_store_that_is_none(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(9), "notes/plan.txt": "mine"})
    p.environment["SELECTLANG_STORE"] = str(p.folder / "notes")
    for command in (RUN, "selectlang store list", "selectlang store prune --older-than 0d"):
        done = p.run(command)
        assert done.code == 2
        assert "is no store: it holds 'plan.txt'" in done.err
    assert (p.folder / "notes/plan.txt").read_text() == "mine"


def test_the_store_stands_beside_the_work(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(9)})
    p.environment["SELECTLANG_STORE"] = ""
    p.run(RUN).ok()
    assert (p.folder / ".selectlang" / "format").is_file()


def test_params_from_a_file(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(9), "params.yaml": "pool: pool.jsonl\nsize: 4\n"})
    run = "selectlang run s.yaml --params params.yaml --out out"
    assert len(p.run(run).ok().rows()) == 4
    assert len(p.run(run + " --set size=3").ok().rows()) == 3


OURS = "selectlang selectlang_plugins selectlang_specs pluggy "
READS = OURS + "yaml cython_runtime "
CHECKS = READS + "jsonschema jsonschema_specifications referencing rpds attr attrs idna typing_extensions"


@pytest.mark.parametrize("command, libraries", [
    ("--help", OURS),
    ("check rds-plus", CHECKS),
    ("show score nearest", READS),
    ("show kmq", CHECKS),
    ("plugins", READS + "rich"),
])  # fmt: skip
def test_checking_is_light(command: str, libraries: str) -> None:
    """Checking, listing and showing import no other library than these: none of numbers, rows or models."""
    code = """
import sys
before = {*sys.modules}
from selectlang.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
assert not code
new = {name.partition(".")[0] for name in {*sys.modules} - before}
print(*new - sys.stdlib_module_names, file=sys.stderr)
"""
    words = [sys.executable, "-c", code, *command.split()]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)
    imported = {name for name in done.stderr.split() if not name.startswith("_cython_")}
    assert imported <= {*libraries.split()}, imported - {*libraries.split()}


def test_a_run_of_other_size_loads_no_pandas(project: Make, pool: Make) -> None:
    """Arrow imports it for much that it does, where it is installed: a fifth of the time of such a run."""
    pytest.importorskip("pandas")
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(40)})
    run = "selectlang run s.yaml --set pool=pool.jsonl --out out --set size="
    p.run(f"{run}9").ok()
    code = """
import sys
from selectlang.cli import main
assert main(sys.argv[1:]) == 0
assert "pandas" not in sys.modules
"""
    words = [sys.executable, "-c", code, *f"{run}8".split()[1:]]
    subprocess.run(words, check=True, cwd=p.folder, env={**os.environ, **p.environment}, timeout=60)
    assert len((p.folder / "out" / "chosen.jsonl").read_text(encoding="utf-8").splitlines()) == 8


def shown(done: Any) -> str:
    """All that a command printed; nothing in it steers a terminal."""
    text = str(done.out + done.err)
    assert all(char.isprintable() or char == "\n" for char in text), ascii(text)
    return text


EVIL = "\x1b[31m\x07\u202e"


def test_no_text_of_a_user_steers_the_terminal(project: Make, pool: Make) -> None:
    plugin = """
import selectlang as sl

@sl.score
def odd(rows: sl.Rows, *, how: str) -> sl.Scores:
    "What goes wrong."
    raise {"data": sl.DataError, "usage": sl.UsageError, "other": ValueError}[how](f"row {rows.ids()[0]}")

@sl.hookimpl
def register_methods(register):
    register(odd)
"""
    spec = SPEC.replace("score: length", "score: odd, how: HOW").replace(", text: response", "")
    spec = spec.replace("doc: Keep the longest rows.", r'doc: "Keep \u202e \x1b[31m rows."')
    p = project({"pool.jsonl": [{**pool(1)[0], "id": EVIL}], "plugins/odd.py": plugin})
    run = "--set pool=pool.jsonl --plugins plugins"
    for how, code in (("data", 1), ("usage", 2), ("other", 3)):
        p.write({"s.yaml": spec.replace("HOW", how)})
        done = p.run(f"selectlang run s.yaml {run} --out out")
        assert done.code == code
        assert "�" in shown(done)
    text = shown(p.run(f"selectlang show s.yaml {run}").ok())
    import yaml

    assert yaml.safe_load(text)["doc"] == "Keep \u202e \x1b[31m rows."
    shown(p.run(f"selectlang run s.yaml --set '{EVIL}'"))
    shown(p.run(f"selectlang run s.yaml --set '{EVIL}=1'"))
    shown(p.run(f"selectlang show '{EVIL}'"))
    shown(p.run(f"selectlang store list --store '{EVIL}'"))


def test_commands_print_by_one_door() -> None:
    """What `print` writes steers the terminal; `say` makes it visible."""
    import ast
    from pathlib import Path

    import selectlang.commands

    for path in Path(selectlang.commands.__file__).parent.glob("*.py"):
        names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        assert "print" not in names, path


LOOP = """
selectlang: 1
name: rounds
params: {pool: {type: path}, rounds: {type: int}}
data: {pool: {path: $pool, id: id}}
stages:
  lengths: {score: length, from: pool, text: response}
  again:
    loop: $rounds
    carry: {chosen: {next: grown}}
    stages:
      batch: {budget: top, from: {scores: lengths, skip: chosen}, size: 1}
      grown: {merge: union, from: [chosen, batch]}
outputs: {chosen: again}
"""


def test_a_plan_of_many_rounds_shows_the_first(project: Make, pool: Make) -> None:
    p = project({"s.yaml": LOOP, "pool.jsonl": pool(9)})
    plan = "selectlang plan s.yaml --set pool=pool.jsonl --set rounds="
    lines = p.run(plan + "99").ok().out.splitlines()
    assert len(lines) == 1 + 1 + 199 + 1
    lines = p.run(plan + "110").ok().out.splitlines()
    assert [line.split()[0] for line in lines[2:-2]] == [
        "lengths", *(f"again/{name}#{index}" for index in (1, 2, 3) for name in ("batch", "grown")),
    ]  # fmt: skip
    assert lines[-2:] == [
        "214 lines of rounds after #3 are left out; --json has them", "221 of 221 to run",
    ]  # fmt: skip
    assert len(json.loads(p.run(plan + "110 --json").ok().out)["lines"]) == 221
    many = p.run(plan + "50001")
    assert many.code == 1
    assert "'again' comes to 100,002 calls with all its rounds  [SL404]" in many.err


def test_the_names_of_files_that_are_no_utf8(project: Make) -> None:
    p = project({})
    name = os.fsdecode(b"a\xffb.yaml")
    (p.folder / name).write_text(SPEC)
    assert p.run(f"selectlang check '{name}'").ok().out == "a\\xffb.yaml: fine, 2 stages\n"
    (p.folder / name).write_text(BAD)
    assert p.run(f"selectlang check '{name}'").out.startswith("a\\xffb.yaml:8:20: ")
    assert "::error file=a\\xffb.yaml,line=8" in p.run(f"selectlang check '{name}' --format github").out
    found = json.loads(p.run(f"selectlang check '{name}' --format json").out)
    assert found[0]["file"] == "a\\xffb.yaml"


def test_a_working_folder_that_is_gone(project: Make) -> None:
    p = project({"gone/x": ""})
    command = f"rm -r ../gone; {sys.executable} -m selectlang check s.yaml"
    done = subprocess.run(
        ["bash", "-c", command], cwd=p.folder / "gone", capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "selectlang: the working folder is gone; cd to one that is there\n"


def test_where_the_store_is_said_to_be(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(9), "file": ""})
    p.environment |= {"HOME": str(p.folder / "home"), "SELECTLANG_STORE": "~/store"}
    p.run(RUN).ok()
    assert (p.folder / "home/store/format").is_file()
    for name in ("file", "file/store", "~no-such-person/store"):
        p.environment["SELECTLANG_STORE"] = name
        for command in (RUN, "selectlang plan s.yaml --set pool=pool.jsonl"):
            done = p.run(command)
            assert done.code == 2
            assert done.err.endswith("set SELECTLANG_STORE to another folder\n")
        p.run("selectlang check s.yaml").ok()
