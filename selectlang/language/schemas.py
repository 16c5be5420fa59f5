"""JSON Schemas: what does not fit one, and what it asks for, in words."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from selectlang.amount import EXPECTED, Amount
from selectlang.faults import nearest, quoted
from selectlang.language.yaml import type_name

_WORDS = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "null": "null", "object": "a mapping", "array": "a list",
}  # fmt: skip
_NAMES = {
    bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object",
    type(None): "null",
}  # fmt: skip


LOCAL = "local/"  # before the name, or the folder, of a model that answers in this process


def mismatch(value: Any, schema: dict[str, Any], literal: bool = False) -> tuple[str, str, list[Any]] | None:
    """What is wrong with a value: a code, words, and the path to the part; None when it fits.

    A `literal` stands in a spec, or in a param that is not of type model: where it names a model, that is
    the name of one on a hub, for a folder of this machine comes from the person who runs the spec.
    """
    validator, best = _validator(literal)
    error = best(validator.evolve(schema=schema).iter_errors(value))
    if error is None:
        return None
    while error.parent is not None and error.parent.validator in ("anyOf", "oneOf"):
        error = error.parent
    for inner in error.context or ():  # a format says more than the list of all that would fit
        if isinstance(inner.cause, ValueError) and inner.parent is error:
            error = inner
            break
    found, path = error.instance, list(error.absolute_path)
    if isinstance(error.cause, ValueError):
        return "SL210", f": {error.cause}", path
    wrong = error.validator == "type" or (error.validator == "anyOf" and not _alike(found, error.schema))
    code = "SL203" if wrong else "SL210"
    return (
        code,
        f" expects {expected(error.schema)}, found {_shown(found)}{_close(found, error.schema)}",
        path,
    )


@lru_cache(maxsize=2)
def _validator(literal: bool) -> tuple[Any, Any]:
    """A validator in which 1.0 is no whole number, as it is none to a method, and which knows our formats."""
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import best_match
    from jsonschema.validators import extend

    formats = FormatChecker(formats=())
    formats.checks("amount", raises=ValueError)(lambda given: bool(Amount.parse(given)))
    if literal:
        formats.checks("model", raises=ValueError)(_hub_name)
    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    return extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, type_checker=types
    )({}, format_checker=formats), best_match


def _hub_name(given: object) -> bool:
    name = given.removeprefix(LOCAL) if isinstance(given, str) else ""
    odd = any(part in name for part in ("..", "\\", "://"))
    if odd or name.startswith(("/", "~", ".", "$")) or name[1:2] == ":":
        raise ValueError(
            f"expected the name of a model, found {quoted(given)}; "
            "a folder is given to a param of type model, with --set"
        )
    return True


def _alike(found: Any, schema: dict[str, Any]) -> bool:
    """Whether one of several schemas asks for the type of the value."""
    name = _NAMES.get(type(found))
    return any(
        name in (part.get("type"), "integer" if part.get("type") == "number" else None)
        or ("enum" in part and name in {_NAMES.get(type(option)) for option in part["enum"]})
        for part in schema.get("anyOf", ())
    )


def _shown(found: Any) -> str:
    return quoted(found) if isinstance(found, str | int | float | bool) else type_name(found)


def _close(found: Any, schema: dict[str, Any]) -> str:
    if schema.get("format") == "amount" and isinstance(found, float) and 0 < found <= 1:
        return f", did you mean {found * 100:g}%?"
    if not isinstance(found, str):
        return ""
    parts = [schema, *schema.get("anyOf", ())]
    words = [option for part in parts for option in part.get("enum", ()) if isinstance(option, str)]
    close = nearest(found, words)
    if not close and found.lower() in ("true", "false", "null"):
        return f", did you mean {found.lower()}?"
    return close


def expected(schema: dict[str, Any]) -> str:
    """A schema in words."""
    if schema.get("format") == "amount":
        return EXPECTED
    if "enum" in schema:
        options = ", ".join(quoted(option) for option in schema["enum"])
        return f"one of {options}" if len(schema["enum"]) > 1 else options
    if "anyOf" in schema:
        shared = {name: value for name, value in schema.items() if name != "anyOf"}
        return _either([{**shared, **part} for part in schema["anyOf"]])
    if schema.get("type") == "array":
        return _list(schema, expected(schema.get("items", {})))
    words = _WORDS.get(schema.get("type", ""), "a value")
    if schema.get("type") == "string":
        return words + " that is not empty" if schema.get("minLength") else words
    if schema.get("type") not in ("integer", "number"):
        return words
    bounds = [
        f"{text} {schema[key]:g}"
        for key, text in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "below"),
        )
        if key in schema
    ]
    of = " of" if bounds and bounds[0].startswith("at ") else ""
    return f"{words}{of} {' and '.join(bounds)}".strip()


def _either(parts: list[dict[str, Any]]) -> str:
    """Several schemas in words; a list of what another of them asks for is a list of such."""
    said: list[str] = []
    for part in parts:
        each = expected(part.get("items", {})) if part.get("type") == "array" else ""
        said.append(_list(part, "such") if each in said else expected(part))
    return ", or ".join(dict.fromkeys(said))


def _list(schema: dict[str, Any], each: str) -> str:
    least = f"{schema['minItems']} or more" if schema.get("minItems") else ""
    if each == "such":
        return f"a list of {least} such".replace("  ", " ")
    return f"a list of {least}, each {each}" if least else f"a list of {each}"


def fitted(value: Any, schema: dict[str, Any]) -> Any:
    """A value that fits a schema, in its one form: 1 where a number is asked for is 1.0."""
    if isinstance(value, list):
        return [fitted(part, chosen(value, schema).get("items", {})) for part in value]
    if isinstance(value, dict):
        inner = chosen(value, schema)
        return {
            key: fitted(part, inner.get("properties", {}).get(key) or inner.get("additionalProperties") or {})
            for key, part in value.items()
        }
    types = [part.get("type") for part in (schema, *schema.get("anyOf", ()))]
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and "number" in types
        and "integer" not in types
    ):
        return float(value)
    return value


def chosen(value: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """Of the schemas that a value may fit, the one for lists or mappings, as the value is one."""
    name = _NAMES.get(type(value))
    parts = [part for part in (schema, *schema.get("anyOf", ())) if part.get("type") == name]
    return parts[0] if len(parts) == 1 else {}
