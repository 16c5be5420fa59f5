"""The README: its files are written and its commands run, in order, on the pool of the quickstart."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from selectlang.demo.pool import write

Make = Callable[..., Any]

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"#\s*([\w./-]+\.(?:yaml|py))\n")


def blocks() -> list[tuple[str, str]]:
    """The language and the text of each block of code."""
    return BLOCK.findall(README.read_text(encoding="utf-8"))


def commands(text: str) -> Iterator[str]:
    """The commands of a block: lines that begin with selectlang, or a prompt, joined where they go on."""
    for line in text.replace("\\\n", " ").splitlines():
        line = line.removeprefix("$ ").strip()
        if line.startswith("selectlang "):
            yield shlex.join(shlex.split(line, comments=True))


def test_the_blocks_are_found() -> None:
    languages = [language for language, _ in blocks()]
    assert {"bash", "yaml", "python"} <= set(languages)
    assert sum(1 for _, text in blocks() for _ in commands(text)) >= 5
    unnamed = [text for language, text in blocks() if language in ("yaml", "python") and not FILE.match(text)]
    assert unnamed == [], "a block of YAML or Python says its file in its first line"


def test_the_readme_works(project: Make) -> None:
    if not README.is_file():
        pytest.skip("there is no README.md here")
    p = project({})
    write(p.folder / "quickstart", rows=600)
    for language, text in blocks():
        if (named := FILE.match(text)) and language in ("yaml", "python"):
            p.write({named[1]: text})
        elif language == "bash":
            for command in commands(text):
                done = p.run(command)
                assert done.code == 0, f"{command}\n{done.out}\n{done.err}"
    records = list((p.folder / "runs").glob("*/record.json"))
    assert len(records) >= 2
    assert all((record.parent / "chosen.jsonl").stat().st_size > 0 for record in records)


def test_the_commands_of_the_table_exist() -> None:
    from selectlang.cli import COMMANDS

    text = README.read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"`selectlang {name}" in text, f"README.md says nothing of `selectlang {name}`"
