"""The JSON Schemas of params and data sets.

Where not `whole`, they are those of a spec that extends another, and an entry may leave out what its parent
says.
"""

from __future__ import annotations

from selectlang.editor import words
from selectlang.editor.values import AMOUNT, PARAM, Schema, mapping, named, with_params
from selectlang.language.sections import DATA
from selectlang.language.spec import PARAM_TYPES
from selectlang.language.values import PARAM_SCHEMAS


def params(whole: bool) -> Schema:
    """The params of a spec, by name."""
    types = {
        "enum": list(PARAM_TYPES),
        "enumDescriptions": [words.TYPES[name] for name in PARAM_TYPES],
        "markdownEnumDescriptions": [words.TYPES[name] for name in PARAM_TYPES],
    }
    several = {"type": "array", "items": types, "minItems": 1, "maxItems": 1}
    each = mapping(
        {"type": {"anyOf": [types, several]}, "default": {}, "doc": {"type": "string"}}, words.PARAM
    )
    defaults = [_default(name, _values(name)) for name in PARAM_TYPES]
    defaults += [_default([name], _list(_value(name))) for name in PARAM_TYPES]
    return named({**each, **({"required": ["type"]} if whole else {}), "allOf": defaults})


def _default(kind: str | list[str], value: Schema) -> Schema:
    """What a default is where the type of the param is `kind`."""
    return {
        "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
        "then": {"properties": {"default": value}},
    }


def _value(name: str) -> Schema:
    if name == "amount":
        return AMOUNT
    if name == "str":  # `010` is a text in a spec, and a number to an editor
        return {"type": ["string", "number", "boolean", "null"]}
    return {key: value for key, value in PARAM_SCHEMAS[name].items() if key != "format"}


def _values(name: str) -> Schema:
    one = _value(name)
    return {**one, **_list(one), "type": ["string", "array"]} if name == "path" else one


def _list(each: Schema) -> Schema:
    return {"type": "array", "items": each, "minItems": 1}


def data(whole: bool) -> Schema:
    """The data sets of a spec, by name."""
    param = {"pattern": PARAM, "patternErrorMessage": "The path of a data set is a param: $name."}
    path = {"type": ["string", "array"], **param, "items": {"type": "string", **param}, "minItems": 1}
    found = {**with_params(DATA)["properties"], "path": path}
    if whole:
        asks = [{"required": ["instruction"]}, {"required": ["messages"]}, {"maxProperties": 0}]
        found["columns"] |= {"anyOf": asks}
    return named({**mapping(found, words.DATA), **({"required": ["path"]} if whole else {})})
