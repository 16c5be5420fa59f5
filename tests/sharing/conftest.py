"""Git repositories made in a test."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.sharing._repository import RECIPES, Repository


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for what a person agrees to, and no settings of git."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return tmp_path / "config" / "selectlang" / "trusted.json"


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., Repository]:
    """`repository(name)`: a repository with a parent and a child, tagged v1."""

    def make(name: str = "team", files: Mapping[str, str | bytes] = RECIPES) -> Repository:
        made = Repository(tmp_path / "repositories" / name)
        made.commit(files, tag="v1")
        return made

    return make
