"""Values: params put in, and checked against the JSON Schema of where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selectlang.amount import Amount
from selectlang.faults import Fault, Place, listing, nearest, quoted
from selectlang.language.spec import Param, param_name
from selectlang.language.yaml import Node, type_name

UNKNOWN = object()
"""Stands for a param that has no value yet: a spec can be checked before it is given one."""

PARAM_SCHEMAS: dict[str, dict[str, Any]] = {
    "path": {"type": "string", "minLength": 1},
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "model": {"type": "string", "minLength": 1},
    "amount": {"type": ["integer", "string"], "format": "amount"},
}
_JSON_TYPES = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "null": "null", "object": "a mapping", "array": "a list",
}  # fmt: skip


@dataclass
class Values:
    """The params of one scope, with their values, and the faults found while using them."""

    params: dict[str, Param]
    given: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def plain(self, node: Node) -> Any:
        """The value of a node with params put in; UNKNOWN where one has no value yet."""
        if isinstance(node.value, dict):
            return {key: self.plain(value) for key, value in node.value.items()}
        if isinstance(node.value, list):
            return [self.plain(value) for value in node.value]
        if isinstance(node.value, str) and node.value.startswith("$"):
            return self.scalar(node)
        return node.value

    def scalar(self, node: Node) -> Any:
        text: str = node.value
        if text.startswith("$$"):
            return text[1:]
        name = param_name(text)
        if name is None:
            hint = "A param stands alone, as a whole value: $name. For a text that starts with '$', write '$$'."
            self.faults.append(Fault("SL214", f"{quoted(text)} is no param", node.place, None, hint))
            return UNKNOWN
        if name not in self.params:
            message = f"there is no param {quoted(name)}{nearest(name, self.params)}"
            hint = f"params: {listing(self.params)}" if self.params else "the spec declares no params"
            self.faults.append(Fault("SL207", message, node.place, None, hint))
            return UNKNOWN
        self.used.add(name)
        return self.given.get(name, UNKNOWN)

    def checked(self, node: Node, schema: dict[str, Any], what: str) -> Any:
        """The value of a node that must fit a schema; UNKNOWN when it does not, with a fault."""
        count = len(self.faults)
        value = self.plain(node)
        if len(self.faults) > count:
            return UNKNOWN
        if value is UNKNOWN:
            self.fits(node, schema, what)
            return UNKNOWN
        if holds_unknown(value):
            return UNKNOWN
        literal = param_name(node.value) is None
        problem = mismatch(value, schema, literal)
        if problem is None:
            return value
        code, message, path = problem
        at, inner = _descend(node, path)
        also = None
        if (name := param_name(at.value)) is not None:
            also = (f"param {quoted(name)} is declared here", self.params[name].place)
        self.faults.append(Fault(code, f"{what}{inner} {message}", at.place, also))
        return UNKNOWN

    def fits(self, node: Node, schema: dict[str, Any], what: str) -> None:
        """Whether a param without a value has a type that the schema can take."""
        param = self.params[param_name(node.value) or ""]
        if not param.type:
            return
        probes = [[probe] if param.many else probe for probe in _PROBES[param.type]]
        if all((found := mismatch(probe, schema)) and found[0] == "SL203" for probe in probes):
            also = (f"it is {param}, here", param.place)
            message = f"{what} is {expected(schema)}, param {quoted(param.name)} is {param}"
            self.faults.append(Fault("SL203", message, node.place, also))


_PROBES: dict[str, list[Any]] = {
    "path": ["a"], "str": ["a"], "int": [1], "float": [0.5, 1.0], "bool": [True], "model": ["a"],
    "amount": [1, "1%", "1 tokens"],
}  # fmt: skip


def holds_unknown(value: Any) -> bool:
    """Whether a param without a value stands somewhere inside."""
    if isinstance(value, dict):
        return any(holds_unknown(part) for part in value.values())
    return any(holds_unknown(part) for part in value) if isinstance(value, list) else value is UNKNOWN


def _descend(node: Node, path: list[Any]) -> tuple[Node, str]:
    inner = ""
    for step in path:
        if not isinstance(node.value, dict | list) or (isinstance(node.value, dict) and step not in node.value):
            break
        node = node.value[step]
        inner += f"[{step}]" if isinstance(step, int) else f".{step}"
    return node, inner


def mismatch(value: Any, schema: dict[str, Any], literal: bool = False) -> tuple[str, str, list[Any]] | None:
    """What is wrong with a value: a code, words, and the path to the part; None when it fits.

    A `literal` stands in a spec: where it names a model, that is a name of a hub, for a path of this
    machine comes from the person who runs the spec.
    """
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import best_match

    checker = FormatChecker(formats=())
    checker.checks("amount", raises=ValueError)(lambda given: bool(Amount.parse(given)))
    if literal:
        checker.checks("model", raises=ValueError)(_hub_name)
    error = best_match(Draft202012Validator(schema, format_checker=checker).iter_errors(value))
    if error is None:
        return None
    while error.parent is not None and error.parent.validator in ("anyOf", "oneOf"):
        error = error.parent
    found, path = error.instance, list(error.absolute_path)
    if isinstance(error.cause, ValueError):
        return "SL210", str(error.cause), path
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        extra = sorted(set(found) - set(known))[0]
        return "SL201", f"has no key {quoted(extra)}{nearest(extra, known)} (known: {listing(known)})", path
    if error.validator == "required":
        lacking = sorted(set(error.validator_value) - set(found))[0]
        return "SL202", f"needs {quoted(lacking)}", path
    close = nearest(found, [o for o in error.schema.get("enum", ()) if isinstance(o, str)]) if isinstance(found, str) else ""
    if isinstance(found, str) and found.lower() in ("true", "false", "null") and not close:
        close = f", did you mean {found.lower()}?"
    wrong_type = error.validator == "type" or (error.validator == "anyOf" and not _same_type(found, error.schema))
    code = "SL203" if wrong_type else "SL210"
    shown = quoted(found) if isinstance(found, str | int | float | bool) else type_name(found)
    return code, f"expects {expected(error.schema)}, found {shown}{close}", path


def _same_type(found: Any, schema: dict[str, Any]) -> bool:
    kinds = {part.get("type") for part in schema.get("anyOf", ())}
    name = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}.get(type(found))
    return name in kinds


def _hub_name(given: object) -> bool:
    """A model named in a spec is a name of a hub; a path of this machine comes from the person who runs it."""
    if isinstance(given, str) and (given.startswith(("/", "~", ".")) or ".." in given or "\\" in given or "://" in given):
        raise ValueError(f"expects the name of a model, found {quoted(given)}; give a path of yours with --set")
    return True


def expected(schema: dict[str, Any]) -> str:
    """A schema in words."""
    if schema.get("format") == "amount":
        return "an amount: rows (10000), a share (20%) or tokens (5M tokens)"
    if "enum" in schema:
        return "one of " + ", ".join(quoted(option) for option in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(expected(part) for part in schema["anyOf"]))
    if schema.get("type") == "array":
        words = "a list of " + expected(schema.get("items", {}))
        return f"at least {schema['minItems']} in {words}" if schema.get("minItems") else words
    words = _JSON_TYPES.get(schema.get("type", ""), "a value")
    bounds = [
        f"{text} {schema[key]:g}"
        for key, text in (("minimum", "at least"), ("exclusiveMinimum", "above"), ("maximum", "at most"), ("exclusiveMaximum", "below"))
        if key in schema
    ]
    if schema.get("minLength"):
        words = "a text that is not empty"
    return " ".join([words, " and ".join(bounds)]).strip()


def bind(params: dict[str, Param], given: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """The value of every param that has one: what was given, else its default."""
    values: dict[str, Any] = {}
    for name, param in params.items():
        if name in given:
            values[name] = given[name]
        elif param.default is not None and param.type:
            value = literal(param, param.default, param.default.plain(), f"the default of {quoted(name)}", faults)
            if value is not UNKNOWN:
                values[name] = value
    return values


def param_schema(param: Param) -> dict[str, Any]:
    """The schema of a param's value; a path is one path or several."""
    schema = {**PARAM_SCHEMAS[param.type]} if param.type else {}
    if param.type == "model":
        schema["format"] = "model"
    several = {"type": "array", "items": schema, "minItems": 1}
    if param.many:
        return several
    return {"anyOf": [schema, several]} if param.type == "path" else schema


def literal(param: Param, node: Node, value: Any, what: str, faults: list[Fault]) -> Any:
    """A value for a param that stands in a spec; its paths are held inside the folder of that spec."""
    problem = mismatch(value, param_schema(param), literal=True)
    if problem is not None:
        code, message, path = problem
        at, inner = _descend(node, path)
        also = (f"param {quoted(param.name)} is {param}, here", param.place)
        faults.append(Fault(code, f"{what}{inner} {message}", at.place, also))
        return UNKNOWN
    if param.type != "path":
        return value
    paths = [_inside(path, node.place, faults) for path in (value if isinstance(value, list) else [value])]
    return paths if isinstance(value, list) else paths[0]


def _inside(path: str, place: Place, faults: list[Fault]) -> str:
    if path.startswith("hf:"):
        return path
    parts = path.replace("\\", "/").split("/")
    if path.startswith(("/", "~", "$")) or ".." in parts or ":" in parts[0]:
        hint = "A spec may only name what lies below its own folder; any other path is given with --set."
        faults.append(Fault("SL215", f"{quoted(path)} leads out of the spec's folder", place, None, hint))
    return str(Path(place.source.name).parent / path)
