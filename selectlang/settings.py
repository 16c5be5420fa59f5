"""The settings of a method: from the keyword-only parameters of a signature to JSON Schemas."""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from selectlang.amount import EXPECTED, Amount
from selectlang.faults import nearest, quoted
from selectlang.methods import KINDS, Setting

RESERVED = frozenset({*KINDS, "from", "doc", "loop", "until", "carry", "stages", "recipe", "params", "over"})
NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
TEXTS = ("format", "pattern", "description")


class BadMethod(Exception):
    """A signature that cannot be a method; the message says what to change, `others` what else there is."""

    def __init__(self, message: str, others: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.others = others


def setting(parameter: inspect.Parameter, hint: Any) -> Setting:
    """A keyword-only parameter as a setting; a BadMethod when no YAML could give it a value."""
    name = parameter.name.rstrip("_")
    if name in RESERVED:
        raise BadMethod(f"setting {name!r} has the name of a reserved word; rename it")
    required = parameter.default is parameter.empty
    default = None if required else parameter.default
    default = str(default) if isinstance(default, Amount) else default
    schema = json_schema(hint)
    try:
        json.dumps([schema, default], allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadMethod(f"setting {name!r} has a default or a choice that is no JSON: {error}") from error
    return Setting(name, schema, required, default, "", parameter.name)


_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def json_schema(hint: Any) -> dict[str, Any]:
    """The JSON Schema of a type hint; `Annotated[int, sl.schema(minimum=1)]` adds keywords."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Amount:
        return {"type": ["integer", "string"], "format": "amount", "description": EXPECTED}
    if inspect.isclass(hint) and hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if hint is type(None):
        return {"type": "null"}
    if origin is Annotated:
        schema = json_schema(args[0])
        for extra in args[1:]:
            schema = {**schema, **_keywords(dict(extra))}
        return schema
    if origin is Literal:
        return {"enum": list(args)}
    if origin is list:
        return {"type": "array", "items": json_schema(args[0])}
    if origin is dict:
        if args[0] is not str:
            raise BadMethod(f"{hint} is no type of a setting; the keys of a mapping are text: dict[str, ...]")
        return {"type": "object", "additionalProperties": json_schema(args[1])}
    if origin in (Union, types.UnionType):
        return {"anyOf": [json_schema(arg) for arg in args]}
    known = "str, int, float, bool, Literal, list, dict or Amount"
    raise BadMethod(f"{hint} is not a type of a setting; use {known}")


def _keywords(given: dict[str, Any]) -> dict[str, Any]:
    """The keywords that `sl.schema` gives to a type; a BadMethod for one that would check nothing."""
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name in NUMBERS:
            fine = number and (value > 0 or name != "multipleOf")
        elif name in COUNTS:
            fine = isinstance(value, int) and number and value >= 0
        elif name in TEXTS:
            fine = isinstance(value, str) and (name != "pattern" or _compiles(value))
        else:
            known = (*NUMBERS, *COUNTS, *TEXTS)
            raise BadMethod(f"sl.schema has no keyword {quoted(name)}{nearest(name, known)}")
        if not fine:
            raise BadMethod(f"sl.schema cannot be given {name}={value!r}")
    return given


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def texts(call: Callable[..., Any]) -> dict[str, str]:
    """The entries under `Settings:` in a docstring, by name."""
    docs: dict[str, str] = {}
    inside, current = False, ""
    for line in (inspect.getdoc(call) or "").splitlines():
        if line.strip() == "Settings:":
            inside = True
        elif inside and line and not line.startswith(" "):
            break
        elif inside and line.strip():
            if not line.startswith("     ") and ":" in line:
                current, text = (part.strip() for part in line.split(":", 1))
                docs[current] = text
            elif current:
                docs[current] += " " + line.strip()
    return docs
