"""Plugins that are broken, odd, or in each other's way; and `--plugins` for every command."""

# ruff: noqa: E501 - a table has a case a line

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: t
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  made:   {score: SCORE, from: pool}
  chosen: {budget: top, from: made, size: 2}
outputs: {chosen: chosen}
"""
GOOD = """
import selectlang as sl

@sl.score
def good(rows: sl.Rows[sl.P], *, times: int = 1) -> sl.Scores[sl.P]:
    "A good one."
    return [times] * len(rows)

@sl.hookimpl
def register_methods(register):
    register(good)
"""
BROKEN = {
    "import": ("import no_such_module_anywhere\n", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
    "syntax": ("def (:\n", "SyntaxError: "),
    "exit": ("import sys\nsys.exit(7)\n", "SystemExit: 7"),
    "interrupt": ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
    "mute": (
        "class Mute(Exception):\n    def __str__(self): raise ValueError('no')\nraise Mute\n",
        "Mute: its text cannot be had",
    ),
    "pack": (
        "import selectlang as sl\n@sl.hookimpl\ndef register_specs(register): register('x', 5)\n",
        "TypeError: ",
    ),
    "pack name": (
        "import selectlang as sl\n@sl.hookimpl\ndef register_specs(register): register(5, '.')\n",
        "5 is no name of a spec pack",
    ),
    "pack folder": (
        "import selectlang as sl\n@sl.hookimpl\ndef register_specs(register): register('x', 'nowhere')\n",
        "spec pack 'x': there is no folder nowhere",
    ),
    "raises": ("raise RuntimeError('not today')\n", "RuntimeError: not today"),
    "hook": (
        "import selectlang as sl\n@sl.hookimpl\ndef register_everything(register): pass\n",
        "unknown hook 'register_everything'",
    ),
    "argument": (
        "import selectlang as sl\n@sl.hookimpl\ndef register_methods(register, colour): pass\n",
        "definition: register_methods(register, colour)",
    ),
    "idle": ("import selectlang as sl\n", "it registers nothing; give it @sl.hookimpl and def register_methods"),
    "no mark": ("def register_methods(register): register(print)\n", "it registers nothing; "),
    "empty": (
        "import selectlang as sl\n@sl.hookimpl\ndef register_methods(register): pass\n",
        "it registers nothing; ",
    ),
    "late": (GOOD.replace("register(good)", "register(good)\n    raise ValueError('after all')"), "ValueError: after all"),
    "bytes": ("\x00", "null bytes"),
}  # fmt: skip


def brokens(p: Any, options: str = "--plugins plugins") -> dict[str, str]:
    found = json.loads(p.run(f"selectlang plugins --json {options}").ok().out)
    return {one["distribution"]: one["reason"] for one in found["broken"]}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_listed_and_matters_only_when_needed(project: Make, pool: Make, name: str) -> None:
    code, reason = BROKEN[name]
    files = {"pool.jsonl": pool(5), "plugins/a_bad.py": code, "plugins/b_good.py": GOOD}
    p = project(
        {**files, "s.yaml": SPEC.replace("SCORE", "good"), "bad.yaml": SPEC.replace("SCORE", "missing")}
    )
    found = brokens(p)
    assert found.keys() == {"plugins/a_bad.py"}
    assert reason in found["plugins/a_bad.py"]
    listed = p.run("selectlang plugins --plugins plugins").ok().out.splitlines()
    assert f"broken: plugins/a_bad.py: {found['plugins/a_bad.py']}" in listed
    run = "selectlang run s.yaml --set pool=pool.jsonl --plugins plugins --out out"
    assert len(p.run(run).ok().rows()) == 2
    needed = p.run("selectlang check bad.yaml --plugins plugins")
    assert needed.code == 1
    assert "there is no score method 'missing'" in needed.out
    assert "a_bad.py" in needed.out  # it might have been in there
    assert reason in needed.out


METHODS = {
    "unmarked": ("def odd(rows: sl.Rows) -> sl.Scores:\n    'x'", "is not marked: write @sl.score"),
    "undocumented": ("@sl.score\ndef odd(rows: sl.Rows) -> sl.Scores: ...", "it has no docstring"),
    "annotation": ("@sl.score\ndef odd(rows) -> sl.Scores:\n    'x'", "parameter 'rows' has no annotation"),
    "unknown": ("@sl.score\ndef odd(rows: sl.Nothing) -> sl.Scores:\n    'x'", "its annotations cannot be read"),
    "no port": ("@sl.score\ndef odd(rows: int) -> sl.Scores:\n    'x'", "'rows' is no port; put a * before it"),
    "result": ("@sl.score\ndef odd(rows: sl.Rows) -> list:\n    'x'", "its return annotation must be Rows, Vectors"),
    "none": ("@sl.score\ndef odd(rows: sl.Rows):\n    'x'", "its return annotation must be Rows, Vectors"),
    "setting": ("@sl.score\ndef odd(rows: sl.Rows, *, x: set) -> sl.Scores:\n    'x'", "is not a type of a setting"),
    "reserved": ("@sl.score\ndef odd(rows: sl.Rows, *, loop: int) -> sl.Scores:\n    'x'", "'loop' has the name of a reserved"),
    "star": ("@sl.score\ndef odd(rows: sl.Rows, **more: int) -> sl.Scores:\n    'x'", "it takes *more"),
    "slash": ("@sl.score\ndef odd(rows: sl.Rows, /) -> sl.Scores:\n    'x'", "take the / after 'rows' away"),
    "kind": ("@sl.score\ndef odd(rows: sl.Rows) -> sl.Scores:\n    'x'\nodd.selectlang_kind = 'skore'", "'skore' is no kind"),
    "kinds": ("@sl.score\ndef odd(rows: sl.Rows) -> sl.Scores:\n    'x'\nodd.selectlang_kind = ['score']", "['score'] is no kind"),
    "name": ("@sl.score\ndef odd(rows: sl.Rows) -> sl.Scores:\n    'x'\nodd.__name__ = 'a b'", "'a b' is no name of a method"),
    "keyword": (
        "@sl.score\ndef odd(rows: sl.Rows, *, x: Annotated[int, sl.schema(minimun=1)]) -> sl.Scores:\n    'x'",
        "sl.schema has no keyword 'minimun', did you mean 'minimum'?",
    ),
    "bound": (
        "@sl.score\ndef odd(rows: sl.Rows, *, x: Annotated[int, sl.schema(minimum='a')]) -> sl.Scores:\n    'x'",
        "sl.schema cannot be given minimum='a'",
    ),
    "pattern": (
        "@sl.score\ndef odd(rows: sl.Rows, *, x: Annotated[str, sl.schema(pattern='(')]) -> sl.Scores:\n    'x'",
        "sl.schema cannot be given pattern='('",
    ),
    "default": (
        "@sl.score\ndef odd(rows: sl.Rows, *, x: int = object()) -> sl.Scores:\n    'x'",
        "setting 'x' has a default or a choice that is no JSON",
    ),
    "choice": (
        "@sl.score\ndef odd(rows: sl.Rows, *, x: Literal[b'a'] = b'a') -> sl.Scores:\n    'x'",
        "setting 'x' has a default or a choice that is no JSON",
    ),
    "mute": (
        "class odd:\n    selectlang_kind = 'score'\n    __doc__ = property(lambda self: 1 / 0)\nodd = odd()\nodd.__name__ = 'odd'",
        "ZeroDivisionError",
    ),
    "no call": ("@sl.score\nclass odd:\n    'x'", "maps shards of its input in __call__, and this one has none"),
    "two": (
        "@sl.score\nclass odd:\n    'x'\n    def __call__(self, a: sl.Rows, b: sl.Rows) -> sl.Scores: ...",
        "__call__ takes exactly one input",
    ),
    "selection": (
        "@sl.score\nclass odd:\n    'x'\n    def __call__(self, a: sl.Selection) -> sl.Scores: ...",
        "__call__ takes Rows, Vectors, Clusters or Scores",
    ),
    "clusters": (
        "@sl.cluster\nclass odd:\n    'x'\n    def __call__(self, a: sl.Rows) -> sl.Clusters: ...",
        "__call__ returns Vectors, Scores, Labels or Replies",
    ),
    "check": (
        "def fine(rows, x): ...\n@sl.score(check=fine)\ndef odd(rows: sl.Rows, *, y: int) -> sl.Scores:\n    'x'",
        "its check takes 'x', which is neither an input nor a setting of it",
    ),
    "verdicts": (
        "def fine(rows): ...\n@sl.judge(verdicts=fine)\ndef odd(rows: sl.Rows) -> sl.Labels:\n    'x'",
        "its verdicts takes 'rows', which is no setting of it",
    ),
    "number": ("odd = 5", "5 is not marked"),
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_a_bad_method_leaves_the_others_of_its_plugin(project: Make, pool: Make, name: str) -> None:
    code, reason = METHODS[name]
    plugin = "from typing import Annotated, Literal\n" + GOOD.replace(
        "@sl.hookimpl", f"{code}\n\n@sl.hookimpl"
    ).replace("    register(good)", "    register(odd)\n    register(good)")
    files = {
        "s.yaml": SPEC.replace("SCORE", "good"),
        "odd.yaml": SPEC.replace("SCORE", "odd"),
        "pool.jsonl": pool(5),
    }
    p = project({**files, "plugins/some.py": plugin})
    found = brokens(p)
    assert found.keys() == {"plugins/some.py"}
    assert reason in found["plugins/some.py"]
    p.run("selectlang run s.yaml --set pool=pool.jsonl --plugins plugins --out out").ok()
    if name not in (
        "unmarked",
        "number",
        "clusters",
        "kind",
        "kinds",
        "name",
        "verdicts",
    ):  # which belong to no kind, or another
        needed = p.run("selectlang check odd.yaml --plugins plugins")
        assert needed.code == 1
        assert "score 'odd' of plugins/some.py cannot be used: " in needed.out
        assert reason in needed.out
        shown = p.run("selectlang show score odd --plugins plugins")
        assert shown.code == 2
        assert reason in shown.err


CHECKED = """
import selectlang as sl

def together(rows, others, low, class_):
    if class_ == "odd":
        raise KeyError("class")
    if others and low > 1:
        raise sl.DataError(f"{len(others)} {others[0].__name__} above {low}: lower it.")

@sl.score(check=together)
def good(rows: sl.Rows, others: list[sl.Scores] | None = None, *, low: int = 0, class_: str = "") -> sl.Scores:
    "A good one."
    return [low] * len(rows)

@sl.hookimpl
def register_methods(register):
    register(good)
"""


def test_the_check_of_a_method(project: Make, pool: Make) -> None:
    stages = """
  one:    {score: good, from: {rows: pool, others: made}, low: 2}
  two:    {score: good, from: {rows: pool, others: [made, made]}, low: $low}
  three:  {score: good, from: pool, class: odd}
  four:   {score: good, from: {rows: pool, others: three}, low: 2}
  made:   {score: SCORE"""
    text = SPEC.replace("path}}", "path}, low: {type: int}}").replace("SCORE", "good")
    p = project({"bad.yaml": text.replace("\n  made:   {score: good", stages.replace("SCORE", "good")),
                 "s.yaml": SPEC.replace("SCORE", "good"), "pool.jsonl": pool(5), "plugins/some.py": CHECKED})  # fmt: skip
    found = p.run("selectlang check bad.yaml --plugins plugins")
    assert found.code == 1
    said = [line for line in found.out.splitlines() if line.startswith("bad.yaml")]
    assert said == [
        "bad.yaml:7:3: score good: 1 Scores above 2: lower it  [SL218]",
        "bad.yaml:9:3: the check of score good of plugins/some.py failed: KeyError: 'class'  [SL501]",
        "bad.yaml:10:3: score good: 1 Scores above 2: lower it  [SL218]",
    ]
    given = p.run("selectlang check bad.yaml --plugins plugins --set low=3")
    assert "bad.yaml:8:3: score good: 2 Scores above 3: lower it  [SL218]" in given.out
    p.run("selectlang run s.yaml --set pool=pool.jsonl --plugins plugins --out out").ok()


VERDICTS = """
import numpy as np
import selectlang as sl

def names(good, bad):
    return [bad, good][:: 1 if bad else None / 1]

@sl.judge(verdicts=names)
def told(rows: sl.Rows, *, good: str = "good", bad: str = "bad") -> sl.Labels:
    "Says which verdicts there are."
    return sl.Labels(rows, np.zeros(len(rows), np.int8), [bad, good])

@sl.judge
def silent(rows: sl.Rows) -> sl.Labels:
    "Says nothing."
    return sl.Labels(rows, np.zeros(len(rows), np.int8), ["bad", "good"])

@sl.hookimpl
def register_methods(register):
    register(told)
    register(silent)
"""


def test_a_verdict_that_a_method_cannot_give(project: Make, pool: Make) -> None:
    text = SPEC.replace("path}}", "path}, word: {type: str}}").replace(
        "made:   {score: SCORE, from: pool}", "made:   {judge: METHOD, from: pool}"
    )
    text = text.replace("{budget: top, from: made,", "{budget: random, from: made.VERDICT,")
    made = {
        "fine": ("told", "bad"), "wrong": ("told", "sure"), "renamed": ("told, good: yes", "good"),
        "later": ("told, good: $word", "sure"), "silent": ("silent", "sure"), "faulty": ("told, bad: ''", "good"),
    }  # fmt: skip
    specs = {f"{n}.yaml": text.replace("METHOD", m).replace("VERDICT", v) for n, (m, v) in made.items()}
    p = project({**specs, "pool.jsonl": pool(5), "plugins/some.py": VERDICTS})

    def said(name: str, options: str = "") -> str:
        return str(p.run(f"selectlang check {name}.yaml --plugins plugins {options}").out)

    for name in ("fine", "later", "silent"):
        assert "fine, 2 stages" in said(name)
    assert "wrong.yaml:8:34: stage 'made' has no verdict 'sure'  [SL209]" in said("wrong")
    assert "verdicts: 'bad', 'good'" in said("wrong")
    assert "stage 'made' has no verdict 'good'" in said("renamed")
    assert "stage 'made' has no verdict 'sure'" in said("later", "--set word=right")
    assert "fine, 2 stages" in said("later", "--set word=sure")
    assert "the verdicts of judge told of plugins/some.py failed: TypeError" in said("faulty")
    done = p.run("selectlang run silent.yaml --plugins plugins --set pool=pool.jsonl --out out")
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith("made.sure: there is no verdict 'sure'; there are: bad, good\n")


def test_a_method_of_a_plugin_that_registers_nothing(project: Make) -> None:
    plugin = GOOD.replace("@sl.hookimpl\n", "")
    p = project({"s.yaml": SPEC.replace("SCORE", "good"), "plugins/some.py": plugin})
    found = p.run("selectlang check s.yaml --plugins plugins")
    assert "there is no score method 'good'" in found.out
    assert "broken plugins: plugins/some.py (it registers nothing; give it @sl.hookimpl" in found.out
    assert "--plugins DIR" not in found.out


def test_a_name_taken_twice_names_both(project: Make, pool: Make) -> None:
    files = {
        "pool.jsonl": pool(5),
        "a/one.py": GOOD,
        "b/two.py": GOOD,
        "b/length.py": GOOD.replace("good", "length"),
    }
    p = project({**files, "s.yaml": SPEC.replace("SCORE", "good"), "l.yaml": SPEC.replace("SCORE", "length")})
    fine = p.run("selectlang check s.yaml --plugins a")
    assert fine.code == 0
    both = p.run("selectlang check s.yaml --plugins a --plugins b")
    assert both.code == 1
    assert "score 'good' is registered twice, by a/one.py " in both.out
    assert " and b/two.py " in both.out
    builtin = p.run("selectlang check l.yaml --plugins b")
    assert builtin.code == 1
    assert "score 'length' is registered twice, by selectlang 0" in builtin.out
    assert " and b/length.py " in builtin.out
    shown = p.run("selectlang show score length --plugins b")
    assert shown.code == 2
    assert "registered twice" in shown.err
    listed = p.run("selectlang plugins --plugins a --plugins b").ok().out
    assert "taken twice: score good: a/one.py " in listed
    found = json.loads(p.run("selectlang plugins --json --plugins a --plugins b").ok().out)["collisions"]
    assert {(one["kind"], one["method"], len(one["distributions"])) for one in found} == {
        ("score", "good", 2), ("score", "length", 2),
    }  # fmt: skip


def test_a_folder_given_twice_is_read_once(project: Make) -> None:
    p = project({"a/one.py": GOOD})
    found = json.loads(
        p.run(f"selectlang plugins --json --plugins a --plugins ./a --plugins {p.folder}/a").ok().out
    )
    assert (found["collisions"], found["broken"]) == ([], [])
    assert [plugin["name"] for plugin in found["plugins"]].count("one") == 1


@pytest.mark.parametrize(
    "command",
    [
        "check s.yaml", "plan s.yaml --set pool=pool.jsonl", "run s.yaml --set pool=pool.jsonl --out out",
        "show s.yaml", "show score good", "show score", "plugins",
    ],
)  # fmt: skip
def test_every_command_takes_plugins(project: Make, pool: Make, command: str) -> None:
    files = {
        "s.yaml": SPEC.replace("SCORE", "good"),
        "pool.jsonl": pool(5),
        "mine/good.py": GOOD,
        "mine/_aside.py": "!",
    }
    p = project(files)
    with_plugin = p.run(f"selectlang {command} --plugins mine").ok().out
    without = p.run(f"selectlang {command}")
    if command in ("plugins", "show score"):
        assert "good" in with_plugin
        assert "good" not in without.ok().out
    else:
        assert without.code in (1, 2)
        assert "good" in without.out + without.err
    missing = p.run(f"selectlang {command} --plugins nowhere")
    assert (missing.code, missing.err) == (2, "selectlang: --plugins nowhere: there is no such folder\n")


def test_a_spec_pack_of_a_plugin(project: Make, pool: Make) -> None:
    pack = """
from pathlib import Path
import selectlang as sl

@sl.hookimpl
def register_specs(register):
    register("ours", Path(__file__).parent / "recipes")
"""
    p = project(
        {
            "plugins/pack.py": pack,
            "plugins/recipes/two.yaml": SPEC.replace("SCORE", "length"),
            "pool.jsonl": pool(5),
        }
    )
    assert "spec pack ours: two" in p.run("selectlang plugins --plugins plugins").ok().out
    run = "selectlang run ours:two --set pool=pool.jsonl --plugins plugins --out out"
    assert len(p.run(run).ok().rows()) == 2
    p.write({"plugins/zz.py": pack})
    assert "spec pack 'ours' is registered already" in brokens(p)["plugins/zz.py"]


def test_an_interrupt_of_the_person_is_no_fault_of_a_plugin(project: Make) -> None:
    """Ctrl-C while a plugin is imported ends the command."""
    p = project(
        {
            "plugins/slow.py": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nfor _ in range(99): pass\n"
        }
    )
    assert p.run("selectlang plugins --plugins plugins").code == 130


def test_what_a_plugin_prints_is_no_part_of_an_answer(project: Make, pool: Make) -> None:
    noisy = GOOD.replace("import selectlang", "print('hello')\nimport selectlang").replace(
        "    register(good)", "    print('here I am')\n    register(good)"
    )
    p = project({"plugins/noisy.py": noisy, "s.yaml": SPEC.replace("SCORE", "good"), "pool.jsonl": pool(5)})
    for command in (
        "plugins --json", "check s.yaml --format json", "show s.yaml --json", "show score good --json",
        "plan s.yaml --set pool=pool.jsonl --json",
    ):  # fmt: skip
        done = p.run(f"selectlang {command} --plugins plugins").ok()
        json.loads(done.out)
        assert done.err == "hello\nhere I am\n"


def test_files_that_are_no_plugins(project: Make) -> None:
    p = project({"plugins/good.py": GOOD, "plugins/folder.py/x": ""})
    (p.folder / "plugins/link.py").symlink_to("link.py")
    os.mkfifo(p.folder / "plugins/pipe.py")
    assert brokens(p) == dict.fromkeys(
        [f"plugins/{name}.py" for name in ("folder", "link", "pipe")], "cannot be read: it is no file"
    )
    said = {"good": "it is a file; give the folder it is in", "link": "there is no such folder"}
    for name, message in said.items():
        done = p.run(f"selectlang plugins --plugins plugins/{name}.py")
        assert (done.code, done.err) == (2, f"selectlang: --plugins plugins/{name}.py: {message}\n")


def test_names_of_plugins_steer_no_terminal(project: Make) -> None:
    odd = GOOD.replace("A good one.", "A \x1b[31mred\u202e one.").replace("good", "fine")
    p = project({"plugins/a\x1b[31m.py": odd, "plugins/b\x1b.py": "raise ValueError('\x1b[0m\u202e')"})
    for command in ("plugins", "show score", "show score fine"):
        done = p.run(f"selectlang {command} --plugins plugins").ok()
        assert all(char.isprintable() or char == "\n" for char in done.out + done.err)
