"""A complete plugin in a distribution of its own: installed, found, shown, checked, planned, run, cached."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "code-share"
version = "1.2.3"
dependencies = ["selectlang"]

[project.entry-points.selectlang]
code-share = "code_share"

[tool.setuptools]
py-modules = ["code_share"]
"""
CODE = '''
import selectlang as sl

@sl.score
def code_share(rows: sl.Rows, *, fence: str = "```") -> sl.Scores:
    """Share of a response that stands inside code fences, 0 to 1."""
    return [sum(map(len, text.split(fence)[1::2])) / max(1, len(text)) for text in rows.responses()]

@sl.hookimpl
def register_methods(register):
    register(code_share)
'''
SPEC = """
selectlang: 1
name: code
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  share:  {score: code_share, from: pool}
  chosen: {budget: top, from: share, size: 2}
outputs: {chosen: chosen}
"""
ROWS = [
    {"id": "none", "instruction": "a", "output": "no code here"},
    {"id": "half", "instruction": "b", "output": "see ```x``` here"},
    {"id": "all", "instruction": "c", "output": "```print(1)```"},
]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the distribution, from its source."""
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("pip needs setuptools to build the plugin without the network")
    source = tmp_path_factory.mktemp("code-share")
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "code_share.py").write_text(CODE)
    target = tmp_path_factory.mktemp("installed")
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)], check=True
    )
    return target


def test_a_scorer_takes_ten_lines() -> None:
    assert len([line for line in CODE.splitlines() if line.strip()]) <= 10


def test_an_installed_plugin_is_found_shown_checked_planned_run_and_cached(
    project: Make, installed: Path
) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": ROWS})

    def call(command: str) -> Any:
        return p.finish(p.start(command, PYTHONPATH=str(installed)))

    plugins = json.loads(call("selectlang plugins --json").ok().out)
    assert {"name": "code-share", "distribution": "code-share", "version": "1.2.3"} in plugins["plugins"]
    found = {"kind": "score", "method": "code_share", "distribution": "code-share", "version": "1.2.3"}
    assert found in plugins["methods"]
    assert (plugins["broken"], plugins["collisions"]) == ([], [])
    shown = call("selectlang show score code_share").ok().out
    assert "Share of a response that stands inside code fences" in shown
    assert 'fence (text; default "```")' in shown
    assert "from code-share 1.2.3" in shown
    assert "fine" in call("selectlang check s.yaml").ok().out
    assert "2 of 2 to run" in call("selectlang plan s.yaml --set pool=pool.jsonl").ok().out
    run = "selectlang run s.yaml --set pool=pool.jsonl --out out"
    first = call(run).ok()
    assert first.ids() == ["all", "half"]
    assert [row["score"] for row in first.why()] == [8 / 14, 1 / 16]
    assert first.stage("share")["distribution"] == "code-share"
    whole = first.bytes()
    again = call(run).ok()
    assert (again.bytes(), set(again.states.values())) == (whole, {"cached"})
    without = p.run("selectlang check s.yaml")
    assert without.code == 1
    assert "there is no score method 'code_share'" in without.out
