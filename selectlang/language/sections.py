"""The sections of a spec that need no method: data, limits, and the seed."""

from __future__ import annotations

from typing import Any

from selectlang.faults import Fault, quoted
from selectlang.language.spec import param_name
from selectlang.language.values import Values
from selectlang.language.yaml import Node

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
DEFAULT_SEED = 42
PATHS: dict[str, Any] = {
    "anyOf": [
        _TEXT,
        {"type": "array", "minItems": 1, "items": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}},
    ]
}
DATA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path"],
    "properties": {
        "path": PATHS,
        "format": {"enum": ["json", "jsonl", "csv", "tsv", "parquet"]},
        "id": {"type": "string"},
        "group": {"type": "string"},
        "columns": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: {"type": "string"}
                for name in ("system", "instruction", "input", "response", "messages")
            },
        },
        "header": {"type": "array", "items": {"type": "string"}},
        "bad_rows": {"enum": ["error", "skip"]},
        "split": {"type": "string"},
        "doc": {"type": "string"},
    },
}
LIMITS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "max_cost": {"type": "number", "minimum": 0},
        "max_calls": {"type": "integer", "minimum": 0},
    },
}
SEED: dict[str, Any] = {"type": "integer", "minimum": 0}


def check_data(name: str, node: Node, values: Values) -> dict[str, Any]:
    """The entry of a data set; the path of one is a param, for a spec knows no files of its own."""
    before = len(values.faults)
    what = f"data {quoted(name)}"
    if not isinstance(node.value, dict):
        hint = f"for example: {name}: {{path: ${param_name(node.value) or name}}}"
        values.faults.append(
            Fault("SL203", f"{what} is a mapping, found {node.type}", node.place, None, hint)
        )
        return {}
    found = values.mapping(node, DATA, what)
    columns = node.value.get("columns")
    if columns is not None and len(values.faults) == before and _asks_nothing(columns.value):
        message = f"data {quoted(f'{name}.columns')} needs 'instruction' or 'messages'"
        values.faults.append(Fault("SL202", message, columns.place))
    said = [fault.place for fault in values.faults[before:]]
    paths = node.value.get("path")
    for part in paths.value if paths is not None and isinstance(paths.value, list) else [paths]:
        if part is None or not isinstance(part.value, str) or part.place in said:
            continue
        param = values.params.get(param_name(part.value) or "")
        if param_name(part.value) is None:
            hint = f"Declare it: params: {{{name}: {{type: path}}}}, then write path: ${name}"
            if meant := next((word for word in (part.value, name) if word in values.params), None):
                hint = f"Write path: ${meant}"
            values.faults.append(Fault("SL215", "the path of a data set is a param", part.place, None, hint))
        elif param is not None and param.type not in ("path", ""):
            also = ("it is declared here", param.place)
            message = f"param {quoted(param.name)} is {param}, expected path"
            values.faults.append(Fault("SL203", message, part.place, also))
    return found


def _asks_nothing(columns: Any) -> bool:
    """Whether columns are named, and none that a request could be read from."""
    return isinstance(columns, dict) and bool(columns) and not {"instruction", "messages"} & columns.keys()
