"""Methods: what a plugin registers, and how its signature becomes a schema.

Parameters annotated with port types are inputs, keyword-only parameters are settings, the return
annotation is the output: one port, or a NamedTuple of several, the first of which is the default.
A function sees its inputs whole. A class takes the inputs it needs whole, and its settings, in
`__init__`, and maps one shard of the single input of `__call__` at a time.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Protocol, TypeVar, overload

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

    @property
    def names_model(self) -> bool:
        """Whether its value names a model, of a hub or a folder of this machine."""
        return '"format": "model"' in json.dumps(self.schema)

    @property
    def is_amount(self) -> bool:
        """Whether it is an Amount, or None."""
        return any(kind.get("format") == "amount" for kind in self.schema.get("anyOf", [self.schema]))


@dataclass(frozen=True)
class Method:
    """A registered method. `distribution` and `version` say where it comes from.

    `given` names what the engine gives it beside inputs and settings: seed, llm, scratch. `check` raises
    a DataError where its settings, or what is connected, do not go together; `verdicts` gives the names of
    those that its labels may have.
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
    check: Callable[..., None] | None = None
    verdicts: Callable[..., Sequence[str]] | None = None

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
        return any(setting.is_amount for setting in self.settings.values())


class Marker(Protocol):
    """A decorator that marks methods of a kind."""

    @overload
    def __call__(self, call: F, /) -> F: ...
    @overload
    def __call__(
        self, *, check: Callable[..., None] | None = ..., verdicts: Callable[..., Sequence[str]] | None = ...
    ) -> Callable[[F], F]: ...


def _mark(kind: str) -> Marker:
    def decorate(
        call: Any = None,
        /,
        *,
        check: Callable[..., None] | None = None,
        verdicts: Callable[..., Sequence[str]] | None = None,
    ) -> Any:
        if call is None:
            return partial(decorate, check=check, verdicts=verdicts)
        call.selectlang_kind = kind
        call.selectlang_check = check
        call.selectlang_verdicts = verdicts
        return call

    decorate.__doc__ = f"""Mark a function or class as a method of kind {kind}; its name is the method's.

    `check` sees to what no single setting says: a function of some of the method's settings and inputs, by
    their parameters, that raises a DataError where they do not go together. `selectlang check` calls it
    with the values of settings, and for each input with the types of what is connected: none for nothing.

    `verdicts` gives the names of all verdicts that its labels may have, from some of its settings: a function
    like `check`. A spec that asks for another is then refused before anything runs.
    """
    return decorate


embed, cluster, score, judge, classify, merge, budget, generate, train = map(_mark, KINDS)
