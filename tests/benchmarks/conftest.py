"""The benchmarks, as modules."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of benchmarks/, which are scripts and no package."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module
