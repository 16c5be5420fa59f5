"""From a signature to a method: the signature is the schema, nothing is declared twice."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from selectlang.amount import EXPECTED, Amount
from selectlang.methods import KINDS, Method, Port, Setting, T
from selectlang.ports import PORTS, Clusters, Labels, Replies, Scores, Vectors
from selectlang.rows import Rows

RESERVED = frozenset({*KINDS, "from", "doc", "loop", "until", "carry", "stages", "recipe", "params", "over"})
MAPPED = (Rows, Vectors, Clusters, Scores)
"""What a class may map: values that can be cut into shards."""
SHARDED = (Vectors, Scores, Labels, Replies)
"""What a class may return: values that can be put together from shards."""
INJECTED = frozenset({"seed"})  # given by the engine, and overridable by the word `seed` of a stage


class BadMethod(Exception):
    """A signature that cannot be a method; the message says what to change."""


def describe(call: Callable[..., Any]) -> Method:
    """Read a marked function or class; a BadMethod says why it cannot be one."""
    kind = getattr(call, "selectlang_kind", None)
    if kind is None:
        raise BadMethod(f"{call!r} is not marked: write @sl.score, or another kind, above it")
    name = call.__name__.rstrip("_")
    if not inspect.getdoc(call):
        raise BadMethod("it has no docstring; write what it computes")
    if inspect.isclass(call):
        if not inspect.isfunction(call.__call__):
            raise BadMethod("a class maps shards of its input in __call__, and this one has none")
        whole, settings, seeded, _ = _signature(call.__init__, name)
        batch, extra, _, result = _signature(call.__call__, name)
        if len(batch) != 1 or extra:
            raise BadMethod("__call__ takes exactly one input, which is given in shards, and no setting")
        if batch[0].kind not in MAPPED or batch[0].many or batch[0].optional:
            raise BadMethod(f"__call__ takes {_names(MAPPED)}; give other inputs to __init__, whole")
        inputs = (replace(batch[0], whole=False), *whole)
        if any(port.name or port.kind not in SHARDED for port in _outputs(result)):
            raise BadMethod(f"__call__ returns {_names(SHARDED)}; make it a function to return anything else")
    else:
        inputs, settings, seeded, result = _signature(call, name)
    docs = _setting_docs(call)
    return Method(
        kind=kind,
        name=name,
        doc=inspect.getdoc(call) or "",
        inputs=inputs,
        outputs=_outputs(result),
        settings={s.name: replace(s, doc=docs.get(s.name, "")) for s in settings},
        call=call,
        seeded=seeded,
    )


def _signature(function: Callable[..., Any], name: str) -> tuple[tuple[Port, ...], list[Setting], bool, Any]:
    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception as error:
        raise BadMethod(f"its annotations cannot be read: {error}") from error
    ports: list[Port] = []
    settings: list[Setting] = []
    seeded = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            if function is object.__init__:
                continue
            raise BadMethod(f"it takes *{parameter.name}; name each input and each setting")
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise BadMethod(f"inputs are given by name; take the / after {parameter.name!r} away")
        if parameter.name not in hints:
            raise BadMethod(f"parameter {parameter.name!r} has no annotation")
        hint = hints[parameter.name]
        if parameter.kind is parameter.KEYWORD_ONLY:
            if parameter.name in INJECTED:
                seeded = True
            else:
                settings.append(_setting(parameter, hint))
        else:
            port = _port(parameter.name, hint)
            if port is None:
                raise BadMethod(
                    f"parameter {parameter.name!r} is no port; put a * before it if it is a setting"
                )
            ports.append(port)
    return tuple(ports), settings, seeded, hints.get("return")


def _port(name: str, hint: Any) -> Port | None:
    optional = many = False
    if get_origin(hint) in (Union, types.UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        optional = len(options) < len(get_args(hint))
        if len(options) != 1:
            return None
        hint = options[0]
    if get_origin(hint) is list:
        many, hint = True, get_args(hint)[0]
    if hint is T:
        return Port(name, None, "", many, optional)
    base = get_origin(hint) or hint
    if base not in PORTS:
        return None
    variables = get_args(hint)
    about = variables[0].__name__ if variables and isinstance(variables[0], TypeVar) else ""
    return Port(name, base, about, many, optional)


def _outputs(hint: Any) -> tuple[Port, ...]:
    base = get_origin(hint) or hint
    if inspect.isclass(base) and issubclass(base, tuple) and hasattr(base, "_fields"):
        fields = get_type_hints(base)
        ports = [_port(field, fields[field]) for field in base._fields]
        if not ports or any(port is None for port in ports):
            raise BadMethod(f"each field of {base.__name__} must be annotated with a port type")
        return tuple(port for port in ports if port is not None)
    port = None if hint is None else _port("", hint)
    if port is None:
        raise BadMethod(f"its return annotation must be {_names(PORTS)}, or a NamedTuple of them")
    return (port,)


def _names(ports: tuple[type[Any], ...]) -> str:
    *most, last = (port.__name__ for port in ports)
    return f"{', '.join(most)} or {last}"


def _setting(parameter: inspect.Parameter, hint: Any) -> Setting:
    name = parameter.name.rstrip("_")
    if name in RESERVED:
        raise BadMethod(f"setting {name!r} has the name of a reserved word; rename it")
    required = parameter.default is parameter.empty
    default = None if required else parameter.default
    default = str(default) if isinstance(default, Amount) else default
    return Setting(name, json_schema(hint), required, default, "", parameter.name)


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
            schema = {**schema, **dict(extra)}
        return schema
    if origin is Literal:
        return {"enum": list(args)}
    if origin is list:
        return {"type": "array", "items": json_schema(args[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": json_schema(args[1])}
    if origin in (Union, types.UnionType):
        return {"anyOf": [json_schema(arg) for arg in args]}
    known = "str, int, float, bool, Literal, list, dict or Amount"
    raise BadMethod(f"{hint} is not a type of a setting; use {known}")


def _setting_docs(call: Callable[..., Any]) -> dict[str, str]:
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
