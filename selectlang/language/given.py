"""The values of params: what was given, else a default; and the paths in them, held inside a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selectlang.faults import Fault, Place, quoted
from selectlang.hub import hub_parts
from selectlang.language.spec import Param, param_name
from selectlang.language.values import FAULTY, PARAM_SCHEMAS, Unknown, Values
from selectlang.language.yaml import Node
from selectlang.origins.origin import Unavailable


def bind(params: dict[str, Param], given: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """The value of every param that has one: what was given, else its default."""
    values: dict[str, Any] = {}
    for name, param in params.items():
        default: Any = FAULTY  # that of a param which is given is checked too
        if param.default is not None and param.type:
            what = f"the default of {quoted(name)}"
            for node in param.default.scalars():
                if param_name(node.value) is not None:
                    faults.append(Fault("SL214", f"{what} is a plain value, found a param", node.place))
                    break
            else:
                default = literal(param, param.default, Values({}, {}, faults), what, used=name not in given)
        if name in given or not isinstance(default, Unknown):
            values[name] = given.get(name, default)
    return values


def param_schema(param: Param) -> dict[str, Any]:
    """The schema of a param's value; a path is one path or several."""
    schema = PARAM_SCHEMAS.get(param.type, {})
    several = {"type": "array", "items": schema, "minItems": 1}
    if param.many:
        return several
    return {"anyOf": [schema, several]} if param.type == "path" else schema


def literal(
    param: Param,
    node: Node,
    values: Values,
    what: str,
    also: tuple[str, Place] | None = None,
    used: bool = True,
) -> Any:
    """A value for a param that stands in a spec; its paths are held inside the folder of that spec.

    A file of a git repository is brought here, unless the value is not `used`.
    """
    value = values.checked(node, param_schema(param), what, also)
    return _held(node, value, values.faults, used) if param.type == "path" else value


def _held(node: Node, value: Any, faults: list[Fault], used: bool) -> Any:
    if isinstance(value, list) and isinstance(node.value, list):
        return [_held(*pair, faults, used) for pair in zip(node.value, value, strict=True)]
    if isinstance(value, Unknown) or param_name(node.value) is not None:
        return value
    return _inside(value, node.place, faults, used)


def _inside(path: str, place: Place, faults: list[Fault], used: bool) -> str:
    if path.startswith("hf:"):
        try:
            hub_parts(path)
        except ValueError as error:
            faults.append(Fault("SL215", str(error), place))
        return path
    parts = path.replace("\\", "/").split("/")
    if path.startswith(("/", "~", "$")) or ".." in parts or ":" in parts[0]:
        hint = "A spec may only name what lies below its own folder; any other path is given with --set."
        faults.append(Fault("SL215", f"{quoted(path)} leads out of the spec's folder", place, None, hint))
    elif place.source.beside is not None and used:
        try:
            return place.source.beside(path)
        except Unavailable as error:
            faults.append(Fault(error.code, error.message, place, None, error.hint))
    return str(Path(place.source.name).parent / path)
