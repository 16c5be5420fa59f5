"""Writes docs/errors.md from the table of codes, and the reference of docs/plugins.md from docstrings.

An error stands with the example that the tests check. Run it in a checkout: `python -m selectlang.docs`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import selectlang as sl
from selectlang import hookspecs
from selectlang.codes import CODES

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "tests" / "language" / "bad"
PAGE = ROOT / "docs" / "errors.md"
PLUGINS = ROOT / "docs" / "plugins.md"
MADE = "<!-- What follows is made by `python -m selectlang.docs` from docstrings: change these. -->\n"
_HEAD = """# Errors

Each fault that `selectlang check` finds has a stable code; `selectlang show SL302` prints its entry. This
page is made by `python -m selectlang.docs`, and its examples are files in `tests/language/bad`.
"""
_PARTS = {
    "SL1": "The file",
    "SL2": "The words of a spec",
    "SL3": "Types",
    "SL4": "Other specs",
    "SL5": "Plugins",
}


def page() -> str:
    """The text of docs/errors.md."""
    parts = [_HEAD]
    for start, title in _PARTS.items():
        parts.append(f"## {title}\n")
        for code in sorted(code for code in CODES if code.startswith(start)):
            name, text = CODES[code]
            parts.append(f"### {code}: {name}\n\n{text}\n{_example(code)}")
    return "\n".join(parts)


def _example(code: str) -> str:
    """The first example of a code: the spec and what `check` says of it."""
    spec = next(iter(sorted(EXAMPLES.glob(f"{code}-*.yaml"))), None)
    if spec is None:
        return ""
    text = spec.read_text(encoding="utf-8").rstrip()
    said = spec.with_suffix(".txt").read_text(encoding="utf-8").rstrip()
    return f"\n```yaml\n{text}\n```\n\n```text\n{said}\n```\n"


def plugins_page() -> str:
    """The text of docs/plugins.md: the part that people write, and the public interface after it."""
    written = PLUGINS.read_text(encoding="utf-8").partition(MADE)[0]
    return "\n".join([written + MADE, "## Reference\n", *_reference()])


def _reference() -> Iterator[str]:
    values = (sl.Vectors, sl.Clusters, sl.Scores, sl.Labels, sl.Selection, sl.Replies, sl.Weights, sl.Model)
    yield f"### Methods of Rows\n\n{_text(sl.Rows)}\n"
    yield from _members(sl.Rows)
    yield "### Values\n"
    for value in values:
        yield _entry(f"sl.{value.__name__}", value)
        yield from _members(value)
    yield f"**`sl.Metric`**: {_text(sl.Metric)}\n"
    yield "### Marking methods\n"
    yield f"**`@sl.score`, `@sl.score(check=..., verdicts=...)`**, and so on: {_text(sl.score)}\n"
    yield "### Amounts and texts\n"
    yield _entry("sl.Amount", sl.Amount)
    yield from _members(sl.Amount)
    for function in (sl.schema, sl.render, sl.response_at, sl.count_tokens):
        yield _entry(f"sl.{function.__name__}", function)
    yield f"### Language models\n\n**`llm: sl.LLM`**: {_text(sl.LLM)}\n"
    yield from _members(sl.LLM)
    yield "### Errors\n"
    for error in (sl.DataError, sl.MethodError, sl.SpecError, sl.UsageError, sl.SelectlangError):
        yield f"**`sl.{error.__name__}`**: {_text(error)}\n"
    yield "### Hooks\n\nEach is marked `@sl.hookimpl`.\n"
    for name, hook in vars(hookspecs).items():
        if hasattr(hook, "selectlang_spec"):
            yield _entry(name, hook)


def _members(kind: type[Any]) -> Iterator[str]:
    """The public methods and properties of a class, in the order of its text."""
    for name, value in vars(kind).items():
        if name.startswith("_"):
            continue
        if isinstance(value, property):
            yield f"**`.{name}`**: {_text(value)}\n"
        elif inspect.isfunction(value) or isinstance(value, classmethod):
            yield _entry(f".{name}", getattr(value, "__func__", value))


def _entry(name: str, call: Any) -> str:
    return f"**`{name}{_signature(call)}`**: {_text(call)}\n"


def _signature(call: Any) -> str:
    """A signature without the quotes that postponed annotations have, and without self."""
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(call)))
    text = re.sub(r"^\((?:self|cls)(?:, )?", "(", text).replace("<factory>", "...")
    return text.removesuffix(" -> None") if inspect.isclass(call) else text


def _text(thing: Any) -> str:
    """A docstring, with the parameters that it lists as a list."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    return "\n".join(re.sub(r"^(\w+): ", r"- `\1`: ", line) for line in lines)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    PLUGINS.write_text(plugins_page(), encoding="utf-8")
