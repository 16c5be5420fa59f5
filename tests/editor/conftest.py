"""The command in this process, specs, and what the tests take from npm."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from selectlang.cli import main
from selectlang.language.check import check
from selectlang.language.program import Program
from selectlang.plugins import Registry, load
from tests.editor.lsp import SERVER, Client

ROOT = Path(__file__).parents[2]
FAKES = ROOT / "tests" / "language" / "fakes"
OK = sorted((ROOT / "tests" / "language" / "ok").glob("*.yaml"))
BAD = sorted((ROOT / "tests" / "language" / "bad").glob("*.yaml"))
HEAD = """\
selectlang: 1
name: example
params: {pool: {type: path}, k: {type: int}}
data: {pool: {path: $pool}}
"""


def library() -> list[Path]:
    return sorted(load().packs["selectlang"].glob("*.yaml"))


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Run `selectlang` with these arguments in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The installed methods and the fakes."""
    return load([FAKES])


@pytest.fixture
def program(tmp_path: Path, registry: Registry) -> Callable[[str], Program]:
    """The program of a spec; one without a head gets one."""

    def make(text: str) -> Program:
        path = tmp_path / "spec.yaml"
        path.write_text(text if text.startswith("selectlang") else HEAD + text, encoding="utf-8")
        return check(str(path), registry)

    return make


def installed() -> bool:
    return SERVER.is_file() and shutil.which("node") is not None


WHY = "the packages of npm are not installed: npm ci --prefix tests/editor"


@pytest.fixture(scope="session")
def schema_file(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from selectlang.editor.schema import schema

    path = tmp_path_factory.mktemp("schema") / "selectlang.json"
    path.write_text(json.dumps(schema(registry)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def editor(schema_file: Path) -> Iterator[Client]:
    """The language server of an editor, with the schema."""
    if not installed():
        pytest.skip(WHY)
    client = Client(schema_file, schema_file.parent)
    yield client
    client.close()


@pytest.fixture
def parse_mermaid(tmp_path: Path) -> Callable[[list[str]], list[Any]]:
    """What Mermaid says of drawings: the type of each, or its error."""
    if not installed():
        pytest.skip(WHY)

    def parse(drawings: list[str]) -> list[Any]:
        script = Path(__file__).with_name("mermaid.mjs")
        done = subprocess.run(
            ["node", script],
            input=json.dumps(drawings),
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        found: list[Any] = json.loads(done.stdout)
        return found

    return parse
