"""The end of docs/plugins.md: the public interface, from docstrings and signatures."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import selectlang as sl
from selectlang import hookspecs, testing


def parts() -> list[str]:
    """What stands below the part that people write."""
    return ["## Reference\n", *_reference()]


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
    link = "[what is checked](writing-a-scorer.md#what-is-checked)"
    yield f"### Testing\n\nIn `selectlang.testing`; a page says {link}.\n"
    for tested in (testing.check_method, testing.method_checks, testing.rows, testing.Door):
        yield _entry(f"{tested.__name__}", tested)


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
