"""Methods: what a plugin registers, and how its signature becomes a schema.

Parameters annotated with port types are inputs, keyword-only parameters are settings, the return
annotation is the output: one port, or a NamedTuple of several, the first of which is the default.
A function sees its inputs whole. A class takes the inputs it needs whole, and its settings, in
`__init__`, and maps one shard of the single input of `__call__` at a time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

KINDS = ("embed", "cluster", "score", "judge", "classify", "merge", "budget", "generate", "train")


def schema(**keywords: str | float) -> tuple[tuple[str, str | float], ...]:
    """Keywords of JSON Schema for the type of a setting: `Annotated[int, sl.schema(minimum=1)]`."""
    return tuple(keywords.items())


ModelName = Annotated[str, schema(format="model")]
"""A setting that names a model: a hub name, or a folder given by the person who runs the spec."""

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
"""Any port type, the same at each place of one signature: for methods like `union`."""


@dataclass(frozen=True)
class Port:
    """A typed input or output. `kind` is None for the variable T; `about` names its data set variable."""

    name: str
    kind: type[Any] | None
    about: str
    many: bool = False
    optional: bool = False
    whole: bool = True

    def __str__(self) -> str:
        text = "T" if self.kind is None else self.kind.__name__
        return f"list of {text}" if self.many else text


@dataclass(frozen=True)
class Setting:
    """An option of a method: its JSON Schema, and its default unless it is required.

    `parameter` is its name in Python: an underscore at the end is left out of `name`, so that a setting
    may be called as a port is (`model`, given or trained) or as a word of Python (`lambda`).
    """

    name: str
    schema: dict[str, Any]
    required: bool
    default: Any
    doc: str
    parameter: str


@dataclass(frozen=True)
class Method:
    """A registered method. `distribution` and `version` say where it comes from.

    `given` names what the engine gives it beside inputs and settings: seed, llm, scratch.
    """

    kind: str
    name: str
    doc: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    settings: dict[str, Setting]
    call: Callable[..., Any]
    given: frozenset[str]
    distribution: str = ""
    version: str = ""

    @property
    def is_class(self) -> bool:
        """Whether the method is a class that maps shards."""
        return inspect.isclass(self.call)

    @property
    def seeded(self) -> bool:
        """Whether the method draws at random."""
        return "seed" in self.given

    @property
    def amounts(self) -> bool:
        """Whether a setting is an Amount, so that `over` may divide it among rounds."""
        return any(s.schema.get("format") == "amount" for s in self.settings.values())


def _mark(kind: str) -> Callable[[F], F]:
    def decorate(call: F) -> F:
        call.selectlang_kind = kind  # type: ignore[attr-defined]
        return call

    decorate.__doc__ = f"Mark a function or class as a method of kind {kind}; its name is the method's."
    return decorate


embed, cluster, score, judge, classify, merge, budget, generate, train = map(_mark, KINDS)
