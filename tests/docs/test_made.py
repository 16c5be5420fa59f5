"""What is made of the pages is not stale and not short, and the examples of the methods work."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from selectlang import docs, plugins
from selectlang.cli import COMMANDS
from selectlang.demo.pool import make_pool
from selectlang.docs.methods import EXAMPLES, stages
from selectlang.language import check
from tests.docs._pages import DOCS, text_of

NEED_MODELS = {
    "meanings", "states", "surprise", "reward", "promise", "graded", "judged", "correct", "taught", "asked",
    "learned", "replies", "student",
}  # fmt: skip


def test_every_method_has_an_example() -> None:
    methods = {key for key, m in plugins.load().methods.items() if m.distribution == "selectlang"}
    assert stages(EXAMPLES.read_text("utf-8")).keys() == methods


def test_the_examples_are_right_and_work_where_they_need_no_model(project: Callable[..., Any]) -> None:
    spec = yaml.safe_load(EXAMPLES.read_text("utf-8"))
    free = spec["stages"].keys() - NEED_MODELS
    outputs = {"all": spec["stages"].keys(), "free": free}
    p = project({f"{name}.yaml": yaml.safe_dump({**spec, "outputs": {n: n for n in names}})
                 for name, names in outputs.items()})  # fmt: skip
    assert len(check.check(str(p.folder / "all.yaml"), plugins.load(), {}).steps) == len(spec["stages"])
    rows = [{**row, "votes": number % 7} for number, row in enumerate(make_pool(400))]
    p.write({"pool.jsonl": rows, "targets.jsonl": rows[:20]})
    done = p.run("selectlang run free.yaml --set pool=pool.jsonl --set targets=targets.jsonl --out out")
    assert done.ok().states.keys() == free


def test_what_is_made_of_the_pages_is_not_stale() -> None:
    made = docs.pages()
    assert made.keys() == {
        *(DOCS / f"{name}.md" for name in ("commands", "errors", "plugins")),
        *DOCS.glob("methods/*.md"),
        *DOCS.glob("assets/graphs/*"),
    }
    for page, text in made.items():
        assert text_of(page) == text, f"{page.name}: run: python -m selectlang.docs"


def section(page: Path, title: str) -> str:
    """What stands below a heading, up to the next of its level."""
    return re.split(r"^## ", text_of(page).split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_that_help_prints_is_on_the_page_of_commands(
    name: str, project: Callable[..., Any]
) -> None:
    p, said = project({}), section(DOCS / "commands.md", name)
    printed = p.run(f"selectlang {name} --help").ok().out
    for word in re.findall(r"^ {4}(\w+)  ", printed, re.MULTILINE) if "COMMAND" in said else ():
        assert f"### {name} {word}\n" in said
        printed += p.run(f"selectlang {name} {word} --help").ok().out
    for option in {*re.findall(r"--[a-z-]+", printed)} - {"--help"}:
        assert f"`{option}" in said, option


def test_each_setting_and_port_of_a_method_is_on_the_page_of_its_kind() -> None:
    built_in = (m for m in plugins.load().methods.values() if m.distribution == "selectlang")
    for method in built_in:
        kind, name = method.kind, method.name
        said = section(DOCS / "methods" / f"{kind}.md", name)
        ports = [port.name for port in (*method.inputs, *method.outputs) if port.name]
        for word in [*method.settings, *ports]:
            assert f"| `{word}`" in said, f"{kind}: {name}: {word}"
        for setting in method.settings.values():
            assert setting.doc.split(";")[0].split("|")[0] in said or "arXiv" in setting.doc
