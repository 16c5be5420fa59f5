"""Helpers: a folder of specs from a dict, and the command in this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from selectlang.cli import main
from selectlang.language.check import check
from selectlang.language.program import Program
from selectlang.plugins import Registry, load

HERE = Path(__file__).parent
HEAD = """\
selectlang: 1
name: example
params: {pool: {type: path}}
data: {pool: {path: $pool}}
"""


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def here() -> Path:
    return HERE


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run `selectlang` with these arguments."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Outcome]
) -> Callable[..., Outcome]:
    """Check the spec `text` among other files, with the fake methods; `text` without a head gets one."""

    def run(text: str, *arguments: str, files: dict[str, str] | None = None) -> Outcome:
        text = text if text.startswith(("selectlang", "extends")) else HEAD + text
        for name, content in {"spec.yaml": text, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        return command("check", "spec.yaml", "--plugins", os.path.relpath(HERE / "fakes"), *arguments)

    return run


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The installed methods and the fakes."""
    return load([HERE / "fakes"])


@pytest.fixture
def program(tmp_path: Path, registry: Registry) -> Callable[..., Program]:
    """The program of a spec among other files; a SpecError when it has faults."""

    def make(text: str, given: dict[str, Any] | None = None, files: dict[str, str] | None = None) -> Program:
        text = text if text.startswith(("selectlang", "extends")) else HEAD + text
        for name, content in {"spec.yaml": text, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return check(str(tmp_path / "spec.yaml"), registry, given)

    return make
