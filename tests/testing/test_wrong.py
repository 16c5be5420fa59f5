"""Methods that are deliberately wrong: what is wrong with each is found, and nothing else."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from selectlang.testing import NAMES, method_checks

FOLDER = Path(__file__).parent / "wrong"
FILES = sorted(FOLDER.glob("*.py"))
ELSEWHERE = ("imports", "processes")


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"wrong_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_found_and_nothing_else(path: Path) -> None:
    module = load(path)
    name, *patterns = module.FOUND
    options = getattr(module, "OPTIONS", {})
    getattr(module, "prepare", lambda: None)()
    if name not in ELSEWHERE:  # for these a process is started, which takes most of the time of a check
        options = {"skip": ELSEWHERE, **options}
    found = [finding for check in method_checks(module.wrong, **options) for finding in check.findings()]
    assert [finding.check for finding in found] == [name] * len(patterns), "\n".join(f.text() for f in found)
    for finding, pattern in zip(found, patterns, strict=True):
        assert re.search(pattern, finding.found), finding.found
        assert finding.expected
        assert finding.advice
        assert max(map(len, finding.text().splitlines())) <= 80 or "/" in finding.found


def test_there_is_one_for_each_check() -> None:
    assert {load(path).FOUND[0] for path in FILES} == set(NAMES)
