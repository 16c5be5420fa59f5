"""Pages of the documentation: files are written, specs checked, and commands run, in order.

A block that names its file in the first line is a file. A block of YAML without a name is part of a spec
that extends frame.yaml. In a block of bash, commands are run; in one of console, lines after `$` are, and
what they print is compared, `...` standing for anything. A block of JSON is a line of a chosen file, or a
part of a record. A block that includes a file of the project is left to the tests of that file.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README, CONTRIBUTING = ROOT / "README.md", ROOT / "CONTRIBUTING.md"
PAGES = [README, CONTRIBUTING, *sorted(DOCS.rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w./-]+\.(?:yaml|py|toml))\n")
INCLUDED = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)
JSONL = re.compile(r"With this as `([\w.]+)`:\n\n```jsonl\n(.*?)```", re.DOTALL)


def text_of(page: Path) -> str:
    """The text of a page, as the site has it: with the files that it includes."""
    if not page.is_file():
        pytest.skip(f"{page.name} is not here: this is no checkout")
    return INCLUDED.sub(lambda found: (ROOT / found[1]).read_text("utf-8"), page.read_text("utf-8"))


def blocks(page: Path) -> list[tuple[str, str]]:
    """The language and the text of each block of code that is the page's own, not a file that it includes."""
    text_of(page)
    return [block for block in BLOCK.findall(page.read_text("utf-8")) if not INCLUDED.match(block[1])]


def commands(language: str, text: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, and what they should print, where the block says so."""
    if language == "console":
        for part in re.split(r"^\$ ", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield command, printed
        return
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("selectlang "):
            yield shlex.join(shlex.split(line, comments=True)), ""


def expected_code(printed: str) -> int:
    if printed.startswith("selectlang: "):
        return 2
    fault = r"\[SL\d+\]|^data '|: stopped before |, and nothing was run"
    return 1 if re.search(fault, printed, re.MULTILINE) else 0


def like(printed: str, expected: str) -> bool:
    parts = (re.escape(part) for part in expected.rstrip().split("..."))
    return re.fullmatch(".*".join(parts), printed.rstrip(), re.DOTALL) is not None


def holds(folder: Path, text: str) -> bool:
    """Whether a text in JSON is a line of a chosen file, or a part of a record, as a run has left them."""
    lines = chain.from_iterable(path.read_text().splitlines() for path in folder.rglob("*.jsonl"))
    records = [json.loads(path.read_text()) for path in folder.rglob("record.json")]
    part = json.loads(text)
    return text.rstrip() in lines or any(part == {**part, **_of(record, part)} for record in records)


def _of(record: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    return {name: record.get(name) for name in part}


def obey(p: Any, page: Path, instead: Mapping[str, str] = {}) -> int:
    """Do what a page says, in the folder of `p`, with words `instead` of others; the number of commands."""
    whole, written, count = text_of(page), list[str](), 0
    for name, rows in JSONL.findall(whole):
        p.write({name: rows})
    for language, text in blocks(page):
        named = FILE.match(text)
        if named:
            p.write({named[1]: text})
            is_spec = re.search(r"^(selectlang|extends):", text, re.MULTILINE) and language == "yaml"
            if is_spec and not re.search(rf"selectlang (check|run|plan) {re.escape(named[1])}", whole):
                written.append(named[1])
        elif language == "yaml":
            p.write({"example.yaml": f"extends: frame.yaml\n{text}"})
            done = p.run("selectlang check example.yaml")
            assert done.code == 0, f"{page.name}\n{text}\n{done.out}{done.err}"
        elif language == "json":
            assert holds(p.folder / "runs", text), text
        elif language in ("bash", "console"):
            for command, printed in commands(language, text):
                if not command.startswith("selectlang "):
                    continue
                for word, other in instead.items():
                    command = command.replace(word, other)
                done = p.run(command)
                count += 1
                assert done.code == expected_code(printed), f"{command}\n{done.out}{done.err}"
                found = done.out or done.err
                assert not printed or like(found, printed), f"{command}\n{found}"
    for name in written:
        done = p.run(f"selectlang check {name}")
        assert done.code == 0, f"{page.name}: {name}\n{done.out}"
    return count


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def tables(page: Path, title: str) -> list[list[list[str]]]:
    """The cells of each table below a heading; a bar that is no border is written as `\\|`."""
    section = re.split(rf"^#+ {re.escape(title)}\n", text_of(page), flags=re.MULTILINE)[1]
    section = re.split(r"^#+ ", BLOCK.sub("", section), flags=re.MULTILINE)[0]
    found = re.findall(r"^\|.*\n\|[-:|]+\|\n((?:\|.*\n)+)", section, re.MULTILINE)
    cells = re.compile(r"(?<!\\)\|")
    return [[[*map(str.strip, cells.split(line)[1:-1])] for line in rows.splitlines()] for rows in found]


def first(rows: list[list[str]]) -> list[str]:
    """The first word of code in the first cell of each row, of those that have one."""
    return [found[1] for row in rows if (found := re.match(r"`([^`]+)`", row[0]))]
