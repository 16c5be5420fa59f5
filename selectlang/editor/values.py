"""JSON Schemas of values, as an editor checks them: a `$param` may stand for each, and is not looked up."""

from __future__ import annotations

from typing import Any

from selectlang.language.schemas import expected

Schema = dict[str, Any]

NAME = "[A-Za-z_][A-Za-z0-9_-]*"
PARAM = rf"^\${NAME}$"
TEXT: Schema = {
    "pattern": rf"^(?!\$)|^\$\$|{PARAM}",
    "patternErrorMessage": "A param stands alone, as in $name. A text that starts with '$' starts with '$$'.",
}
AMOUNT: Schema = {
    "type": ["integer", "string"],
    "minimum": 1,
    "pattern": r"^\d+(\.\d+)?\s*([kKMB]?\s*(rows?|tokens?)?|%)$",
    "patternErrorMessage": "Expected an amount: rows (10000), a share (20%) or tokens (5M tokens).",
}


def with_params(schema: Schema) -> Schema:
    """The schema of a value for which, and for whose parts, params may stand."""
    if schema.get("format") == "amount":
        return {**AMOUNT, "pattern": f"{AMOUNT['pattern']}|{PARAM}"}
    alone = {"pattern": PARAM, "patternErrorMessage": f"Expected {expected(schema)}; or a param: $name."}
    schema = {name: value for name, value in (_merged(schema) or schema).items() if name != "format"}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*map(with_params, schema["anyOf"]), {"type": "string", **alone}]}
    if "enum" in schema:
        return {"anyOf": [schema, {"type": "string", **alone}]}
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            schema[name] = with_params(schema[name])
    if "properties" in schema:
        schema["properties"] = {name: with_params(part) for name, part in schema["properties"].items()}
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if not types:
        return schema
    if "string" not in types:
        return {**schema, "type": [*types, "string"], **alone}
    own = {"pattern": f"(?:{schema['pattern']})|{PARAM}"} if "pattern" in schema else TEXT
    return {**schema, **own}


def _merged(schema: Schema) -> Schema | None:
    """One schema for several of different types, in which an editor finds what is wrong, if there is one.

    There can be, for a keyword is about values of one type, and says nothing of others.
    """
    parts = schema.get("anyOf", [])
    types = [part.get("type") for part in parts]
    words = [name for part in parts for name in part if name != "type"]
    if not parts or not all(isinstance(name, str) for name in types):
        return None
    if len({*types}) < len(types) or len({*words}) < len(words) or "enum" in words:
        return None
    found = {name: value for part in parts for name, value in part.items()}
    return {**{name: value for name, value in schema.items() if name != "anyOf"}, **found, "type": types}


def named(each: Schema, least: int = 0) -> Schema:
    """A mapping from names that people choose."""
    name = {
        "pattern": f"^{NAME[:-1]}{{0,63}}$",
        "patternErrorMessage": "A name starts with a letter, and has letters, digits, _ and -, at most 64.",
    }
    return {
        "type": ["object", "null"] if not least else "object",
        "propertyNames": name,
        "additionalProperties": each,
        **({"minProperties": least} if least else {}),
    }


def mapping(properties: Schema, texts: dict[str, str]) -> Schema:
    """A mapping with these words and no others."""
    described = {name: {**found, "description": texts[name]} for name, found in properties.items()}
    return {"type": "object", "properties": described, "additionalProperties": False}
