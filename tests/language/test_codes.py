"""Every code is in the table, and has an example."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selectlang.codes import CODES
from selectlang.docs.errors import EXAMPLES

ROOT = Path(__file__).parent.parent.parent
ELSEWHERE = {
    "SL101": "test_a_spec_that_is_not_there",
    "SL102": "test_a_file_that_is_no_spec",
    "SL105": "test_a_file_that_is_no_spec",
    "SL106": "test_a_file_that_is_no_spec",
    "SL406": "test_a_repository_that_is_not_there",
}
"""Codes that no file of a few lines can show, and the test that shows each."""


def used() -> set[str]:
    found: set[str] = set()
    for folder in ("selectlang", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name != "codes.py":
                found |= set(re.findall(r"\bSL\d{3}\b", path.read_text(encoding="utf-8")))
    return found


def test_the_table_has_every_code_that_is_used_and_no_other() -> None:
    assert used() == set(CODES)


def test_every_code_has_a_fixture_or_a_test() -> None:
    fixtures = {path.name[:5] for path in EXAMPLES.glob("SL*.yaml")}
    assert fixtures | set(ELSEWHERE) == set(CODES)
    assert not fixtures & set(ELSEWHERE)
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    for code, test in ELSEWHERE.items():
        body = re.search(rf"(?:@pytest[^@]*)?def {test}\b.*?(?=\ndef |\n@|\Z)", tests, re.S)
        assert body is not None, test
        assert code in body[0], test


def test_an_entry_is_a_few_sentences() -> None:
    for code, (title, text) in CODES.items():
        assert title[0].islower() or title.startswith("YAML"), code
        assert text.endswith("."), code
        assert 20 < len(text) < 500, code


def test_show_prints_an_entry(command: Callable[..., Any]) -> None:
    for code, (title, text) in CODES.items():
        assert command("show", code).out == f"{code}: {title}\n\n{text}\n"
    outcome = command("show", "SL999")
    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no error code SL999; they go from SL101 to " in outcome.err
