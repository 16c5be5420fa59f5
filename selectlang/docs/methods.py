"""docs/methods: a page for each kind with its methods, and a page of all, from docstrings and signatures.

The example of a method is the stage that calls it in tests/docs/methods.yaml, which the tests check.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from selectlang import plugins
from selectlang.docs import ROOT
from selectlang.language.schemas import expected
from selectlang.methods import KINDS, Method, Port, Setting

EXAMPLES = ROOT / "tests" / "docs" / "methods.yaml"
LONG = 60  # characters of a default that stands in a table; a longer one stands below it


def pages(folder: Path) -> dict[Path, list[str]]:
    """What stands below the written part of the page of each kind, and of the page of all methods."""
    methods = [m for m in plugins.load().methods.values() if m.distribution == "selectlang"]
    found = {kind: sorted((m for m in methods if m.kind == kind), key=lambda m: m.name) for kind in KINDS}
    examples = stages(EXAMPLES.read_text(encoding="utf-8"))
    return {
        folder / "index.md": [*_list(found)],
        **{folder / f"{kind}.md": [*_kind(found[kind], examples)] for kind in KINDS},
    }


def stages(text: str) -> dict[tuple[str, str], str]:
    """The text of the first stage of a spec that calls each method, by kind and method."""
    found: dict[tuple[str, str], str] = {}
    body = text.partition("\nstages:\n")[2].partition("\noutputs:")[0]
    for stage in re.findall(r"^  \w.*\n(?:    .*\n)*", body + "\n", re.MULTILINE):
        called = re.search(rf"\b({'|'.join(KINDS)}): (\w+)", stage)
        if called:
            found.setdefault((called[1], called[2]), re.sub(r"^(  \w+:) +", r"\1 ", stage))
    return found


def _list(found: dict[str, list[Method]]) -> Iterator[str]:
    for kind, methods in found.items():
        yield f"## {kind}\n\n{table(('method', 'what it does'), _summaries(methods, f'{kind}.md'))}"


def _kind(methods: list[Method], examples: dict[tuple[str, str], str]) -> Iterator[str]:
    yield table(("method", "what it does"), _summaries(methods, ""))
    for method in methods:
        example = examples.get((method.kind, method.name))
        if example is None:
            raise SystemExit(f"{EXAMPLES}: no stage calls {method.kind}: {method.name}; write one")
        yield from _method(method, example)


def _summaries(methods: list[Method], page: str) -> list[tuple[str, str]]:
    return [(f"[`{m.name}`]({page}#{m.name})", _prose(m.doc.splitlines()[0])) for m in methods]


def _method(method: Method, example: str) -> Iterator[str]:
    about = _prose(method.doc.partition("Settings:")[0].strip())
    yield f"## {method.name}\n\n{about}\n\n```yaml\nstages:\n{example}```\n"
    yield table(("input", "type", ""), [_input(port) for port in method.inputs])
    yield table(("output", "type"), [_output(port, method) for port in method.outputs])
    if method.settings:
        rows = [_setting(setting) for setting in method.settings.values()]
        yield table(("setting", "values", "by default", "what it says"), rows)
    for setting in method.settings.values():
        if _is_long(setting):
            default = setting.default if isinstance(setting.default, str) else _json(setting.default)
            yield f"`{setting.name}`, by default:\n\n```text\n{default}\n```\n"
    if notes := " ".join(_notes(method)):
        yield f"{notes}\n"


def _input(port: Port) -> tuple[str, str, str]:
    words = ["one or several" if port.many else "", "may be left out" if port.optional else ""]
    return f"`{port.name}`", _type(port), ", ".join(filter(None, words))


def _output(port: Port, method: Method) -> tuple[str, str]:
    main = port == method.outputs[0]
    name = f"`{port.name}`" if port.name else "the stage itself"
    return (f"{name}, also the stage itself" if port.name and main else name), _type(port)


def _type(port: Port) -> str:
    return "any" if port.kind is None else f"[{port.kind.__name__}](../language.md#types)"


def _setting(setting: Setting) -> tuple[str, str, str, str]:
    default = f"`{_json(setting.default)}`"
    if setting.required:
        default = "needed"
    elif setting.default is None:
        default = "none"
    elif _is_long(setting):
        default = "below"
    return f"`{setting.name}`", _values(setting.schema), default, _prose(setting.doc)


def _is_long(setting: Setting) -> bool:
    return not setting.required and len(_json(setting.default)) > LONG


def _values(schema: dict[str, Any]) -> str:
    """What a setting may be, in words; null is said by its default."""
    if "anyOf" in schema:
        shared = {name: value for name, value in schema.items() if name != "anyOf"}
        parts = [{**shared, **part} for part in schema["anyOf"] if part.get("type") != "null"]
        return ", or ".join(map(_values, parts))
    if "enum" in schema:
        return ", ".join(f"`{option}`" for option in schema["enum"])
    named = {"amount": "[an amount](../language.md#amounts)", "model": "[a model](../models.md#which-model)"}
    return named.get(schema.get("format", ""), expected(schema))


def _notes(method: Method) -> Iterator[str]:
    """What the signature says of how a method is run."""
    if method.is_class:
        yield "Rows are mapped in parts, each of which is kept as it is done, and which Ray can spread."
    if "llm" in method.given:
        yield "It [asks a language model](../models.md)."
    if method.seeded:
        yield "It draws by [the seed](../language.md#seeds-and-ties)."


def _json(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return re.sub(r"\.0$", "", text) if isinstance(value, float) else text


def _prose(text: str) -> str:
    """Text of a docstring as Markdown: papers become links, and nothing is taken for HTML."""
    text = text.replace("<", "&lt;")
    return re.sub(r"\barXiv[: ](\d{4}\.\d{5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
