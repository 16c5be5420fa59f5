"""Values: params put in, and checked against the JSON Schema of where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from selectlang.faults import Fault, Place, listing, nearest, quoted
from selectlang.language.schemas import chosen, expected, fitted, mismatch
from selectlang.language.spec import Param, param_name
from selectlang.language.yaml import Node, plain


@dataclass(frozen=True)
class Unknown:
    """Stands for what has no value yet, a param or a part with one in it, and for what a fault hides.

    A spec can be checked before it is given its params.
    """

    text: str = "?"  # how it stands in the spec

    def __str__(self) -> str:
        return self.text


FAULTY = Unknown()


PARAM_SCHEMAS: dict[str, dict[str, Any]] = {
    "path": {"type": "string", "minLength": 1},
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "model": {"type": "string", "minLength": 1, "format": "model"},
    "amount": {"type": ["integer", "string"], "format": "amount"},
}
_PROBES: dict[str, list[Any]] = {
    "path": ["a"], "str": ["a"], "int": [1], "float": [0.5, 1.0], "bool": [True], "model": ["a"],
    "amount": [1, "1%", "1 tokens"],
}  # fmt: skip


@dataclass
class Values:
    """The params of one scope, with their values, and the faults found while using them."""

    params: dict[str, Param]
    given: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def checked(
        self, node: Node, schema: dict[str, Any], what: str, also: tuple[str, Place] | None = None
    ) -> Any:
        """The value of a node that must fit a schema, params put in; `also` is where that schema comes from.

        Unknown when it does not fit, with a fault, and when a param in it has no value yet.
        """
        part = chosen(node.value, schema)
        if isinstance(node.value, dict) and ("properties" in part or "additionalProperties" in part):
            return _whole(self.mapping(node, part, what))
        if isinstance(node.value, list) and "items" in part and len(node.value) >= part.get("minItems", 0):
            items = [
                self.checked(n, part["items"], _part(what, f"[{i}]"), also) for i, n in enumerate(node.value)
            ]
            return _whole(items)
        count = len(self.faults)
        value = self.plain(node)
        if len(self.faults) > count:
            return FAULTY
        if isinstance(value, Unknown):
            self.fits(node, schema, what)
            return value
        name = param_name(node.value)
        problem = mismatch(value, schema, literal=name is None or self.params[name].type != "model")
        if problem is None:
            return fitted(value, schema)
        code, message, path = problem
        message += "" if "did you mean" in message else self.meant(node.value, schema)
        also = (f"param {quoted(name)} is declared here", self.params[name].place) if name else also
        at, inner = _descend(node, path)
        self.faults.append(Fault(code, f"{_part(what, inner)}{message}", at.place, also))
        return FAULTY

    def meant(self, value: Any, schema: dict[str, Any]) -> str:
        """What a text that does not fit was meant to be: a param without its `$`, a number in quotes."""
        if isinstance(value, str) and value in self.params:
            return f", did you mean {quoted(f'${value}')}?"
        number = plain(value) if isinstance(value, str) else None
        if isinstance(number, int | float) and not isinstance(number, bool) and not mismatch(number, schema):
            return f", did you mean {value} without quotes?"
        return ""

    def mapping(self, node: Node, schema: dict[str, Any], what: str) -> dict[str, Any]:
        """The value of a mapping, each key by its own schema; the value of a key may be Unknown."""
        known: dict[str, Any] = schema.get("properties", {})
        other = schema.get("additionalProperties") or None
        found = {}
        for key, place, value in node.items():
            inner = known.get(key, other)
            if inner is None:
                message = f"{what} has no key {quoted(key)}{nearest(key, known)}"
                self.faults.append(Fault("SL201", message, place, None, f"known here: {listing(known)}"))
            else:
                found[key] = self.checked(value, inner, _part(what, f".{key}"))
        for key in schema.get("required", ()):
            if key not in node.value:
                self.faults.append(Fault("SL202", f"{what} needs {quoted(key)}", node.place))
        return found

    def plain(self, node: Node) -> Any:
        """The value of a node with params put in; Unknown where one has no value yet."""
        if isinstance(node.value, dict):
            return {key: self.plain(value) for key, value in node.value.items()}
        if isinstance(node.value, list):
            return [self.plain(value) for value in node.value]
        return self.scalar(node) if isinstance(node.value, str) and node.value.startswith("$") else node.value

    def scalar(self, node: Node) -> Any:
        text: str = node.value
        if text.startswith("$$"):
            return text[1:]
        name = param_name(text)
        if name is None:
            hint = (
                "A param stands alone, as a whole value: $name. For a text that starts with '$', write '$$'."
            )
            self.faults.append(Fault("SL214", f"{quoted(text)} is no param", node.place, None, hint))
            return FAULTY
        if name not in self.params:
            message = f"there is no param {quoted(name)}{nearest(name, self.params)}"
            hint = f"params: {listing(self.params)}" if self.params else "the spec declares no params"
            self.faults.append(Fault("SL207", message, node.place, None, hint))
            return FAULTY
        self.used.add(name)
        return self.given.get(name, Unknown(text))

    def fits(self, node: Node, schema: dict[str, Any], what: str) -> None:
        """Whether a param without a value has a type that the schema can take."""
        param = self.params[param_name(node.value) or ""]
        if not param.type:
            return
        probes = [[probe] if param.many else probe for probe in _PROBES[param.type]]
        if all((found := mismatch(probe, schema)) and found[0] == "SL203" for probe in probes):
            also = (f"it is {param}, here", param.place)
            message = f"{what} expects {expected(schema)}, param {quoted(param.name)} is {param}"
            self.faults.append(Fault("SL203", message, node.place, also))


def _part(what: str, inner: str) -> str:
    """The name of a part: `data 'pool'` and `.path` are `data 'pool.path'`."""
    return f"{what[:-1]}{inner}'" if what.endswith("'") else f"{what}{inner}"


def _whole(value: Any) -> Any:
    """A list or a mapping, unless a part of it is unknown."""
    parts = value.values() if isinstance(value, dict) else value
    return next((part for part in parts if isinstance(part, Unknown)), value)


def _descend(node: Node, path: list[Any]) -> tuple[Node, str]:
    inner = ""
    for step in path:
        if not isinstance(node.value, dict | list) or (
            isinstance(node.value, dict) and step not in node.value
        ):
            break
        node = node.value[step]
        inner += f"[{step}]" if isinstance(step, int) else f".{step}"
    return node, inner
