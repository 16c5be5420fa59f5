"""What docs/writing-a-scorer.md says of the checks: their names, the arguments, and what is printed."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

import pytest

from selectlang.errors import MethodError
from selectlang.testing import NAMES, check_method
from tests.docs._pages import DOCS, FILE, blocks, first, tables

PAGE = DOCS / "writing-a-scorer.md"


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[ModuleType]:
    """The module of the page as it is at first, and as it is then."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    for _, text in blocks(PAGE):
        if text.startswith("# ideas/fresh.py"):
            file = tmp_path / "ideas" / "fresh.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
            spec = importlib.util.spec_from_file_location("ideas.fresh", file)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            monkeypatch.setitem(sys.modules, "ideas.fresh", module)
            exec(compile(text, file, "exec"), module.__dict__)
            found.append(module)
    return found


def test_the_first_version_has_the_findings_that_are_shown(versions: list[ModuleType]) -> None:
    first_version, second = versions
    shown = next(text for language, text in blocks(PAGE) if language == "text")
    with pytest.raises(MethodError) as raised:
        check_method(
            first_version.fresh, skip=("imports", "processes")
        )  # which read the file, now the second
    assert str(raised.value) == shown.rstrip()
    check_method(second.fresh)


def test_the_tests_of_the_page_pass(versions: list[ModuleType]) -> None:
    for language, text in blocks(PAGE):
        if language == "python" and FILE.match(text) and "/test_" in text.splitlines()[0]:
            told: dict[str, object] = {}
            exec(text, told)
            for name, test in told.items():
                if name.startswith("test_") and not inspect.signature(test).parameters:  # type: ignore[arg-type]
                    test()  # type: ignore[operator]


def test_the_tables_are_whole() -> None:
    checks, arguments = tables(PAGE, "What is checked")
    assert first(checks) == list(NAMES)
    said = {cell.split("=")[0] for cell in first(arguments)}
    assert said == {*inspect.signature(check_method).parameters} - {"method"}


def test_the_other_examples_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    for page, name, options in (
        (PAGE, "ideas/familiar", {}),
        (DOCS / "plugins.md", "own/capped", {"settings": {"field": "task", "most": 3, "size": 12}}),
    ):
        text = next(text for _, text in blocks(page) if text.startswith(f"# {name}.py"))
        module = ModuleType("of_the_page")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(text, module.__dict__)
        check_method(getattr(module, name.partition("/")[2]), skip=("imports", "processes"), **options)
