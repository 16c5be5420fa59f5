"""From a signature to a method: the signature is the schema, nothing is declared twice."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from selectlang.methods import KINDS, Method, Port, Setting, T
from selectlang.ports import PORTS, Clusters, Labels, Replies, Scores, Vectors
from selectlang.rows import Rows
from selectlang.settings import BadMethod, setting, texts

MAPPED = (Rows, Vectors, Clusters, Scores)
"""What a class may map: values that can be cut into shards."""
SHARDED = (Vectors, Scores, Labels, Replies)
"""What a class may return: values that can be put together from shards."""
GIVEN = frozenset({"seed", "llm", "scratch"})
"""What the engine gives a method that asks for it by name: `seed: int`, overridable by the word `seed` of a
stage; `llm: sl.LLM`, the door to language models; `scratch: Path`, a folder that outlives a killed run."""


def describe(call: Callable[..., Any]) -> Method:
    """Read a marked function or class; a BadMethod says why it cannot be one."""
    kind = getattr(call, "selectlang_kind", None)
    if kind is None:
        raise BadMethod(f"{call!r} is not marked: write @sl.score, or another kind, above it")
    if kind not in KINDS:
        raise BadMethod(f"{kind!r} is no kind; the kinds are {', '.join(KINDS)}")
    name = call.__name__.rstrip("_")
    if not name.isidentifier():
        raise BadMethod(f"{name!r} is no name of a method; use letters, digits and '_'")
    faults = [] if inspect.getdoc(call) else ["it has no docstring; write what it computes"]
    if inspect.isclass(call):
        if not inspect.isfunction(call.__call__):
            raise BadMethod("a class maps shards of its input in __call__, and this one has none")
        whole, settings, given, _ = _signature(call.__init__, faults)
        batch, extra, _, result = _signature(call.__call__, faults)
        returned = _outputs(result, faults)
        _raise(faults)
        if len(batch) != 1 or extra:
            raise BadMethod("__call__ takes exactly one input, which is given in shards, and no setting")
        if batch[0].kind not in MAPPED or batch[0].many or batch[0].optional:
            raise BadMethod(f"__call__ takes {_names(MAPPED)}; give other inputs to __init__, whole")
        inputs = (replace(batch[0], whole=False), *whole)
        if any(port.name or port.kind not in SHARDED for port in returned):
            raise BadMethod(f"__call__ returns {_names(SHARDED)}; make it a function to return anything else")
    else:
        inputs, settings, given, result = _signature(call, faults)
        returned = _outputs(result, faults)
        _raise(faults)
    docs = texts(call)
    said = {word: getattr(call, f"selectlang_{word}", None) for word in ("check", "verdicts")}
    known = {setting.parameter for setting in settings}
    for word, function in said.items():
        asks = set(inspect.signature(function).parameters) if function is not None else set()
        if word == "check":
            asks -= {port.name for port in inputs}
        if odd := sorted(asks - known):
            what = "neither an input nor a setting" if word == "check" else "no setting"
            raise BadMethod(f"its {word} takes {odd[0]!r}, which is {what} of it")
    return Method(
        kind=kind,
        name=name,
        doc=inspect.getdoc(call) or "",
        inputs=inputs,
        outputs=returned,
        settings={s.name: replace(s, doc=docs.get(s.name, "")) for s in settings},
        call=call,
        given=given,
        check=said["check"],
        verdicts=said["verdicts"],
    )


def _raise(faults: list[str]) -> None:
    if faults:
        raise BadMethod(faults[0], faults[1:])


def _signature(
    function: Callable[..., Any], faults: list[str]
) -> tuple[tuple[Port, ...], list[Setting], frozenset[str], Any]:
    """The inputs, the settings, what the engine gives, and the return annotation; faults of parameters."""
    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception as error:
        raise BadMethod(f"its annotations cannot be read: {error}", faults) from error
    ports: list[Port] = []
    settings: list[Setting] = []
    given: set[str] = set()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "self" or function is object.__init__:
            continue
        try:
            if parameter.name in GIVEN and parameter.kind is parameter.KEYWORD_ONLY:
                given.add(parameter.name)
            elif isinstance(found := _parameter(parameter, hints), Port):
                ports.append(found)
            else:
                settings.append(found)
        except BadMethod as error:
            faults.append(str(error))
    return tuple(ports), settings, frozenset(given), hints.get("return")


def _parameter(parameter: inspect.Parameter, hints: dict[str, Any]) -> Port | Setting:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise BadMethod(f"it takes *{parameter.name}; name each input and each setting")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise BadMethod(f"inputs are given by name; take the / after {parameter.name!r} away")
    if parameter.name not in hints:
        raise BadMethod(f"parameter {parameter.name!r} has no annotation")
    if parameter.kind is parameter.KEYWORD_ONLY:
        return setting(parameter, hints[parameter.name])
    port = _port(parameter.name, hints[parameter.name])
    if port is None:
        raise BadMethod(f"parameter {parameter.name!r} is no port; put a * before it if it is a setting")
    return port


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


def _outputs(hint: Any, faults: list[str]) -> tuple[Port, ...]:
    base = get_origin(hint) or hint
    if inspect.isclass(base) and issubclass(base, tuple) and hasattr(base, "_fields"):
        fields = get_type_hints(base)
        ports = [_port(field, fields[field]) for field in base._fields]
        if not ports or any(port is None for port in ports):
            faults.append(f"each field of {base.__name__} must be annotated with a port type")
        return tuple(port for port in ports if port is not None)
    port = None if hint is None else _port("", hint)
    if port is None:
        faults.append(f"its return annotation must be {_names(PORTS)}, or a NamedTuple of them")
        return ()
    return (port,)


def _names(ports: tuple[type[Any], ...]) -> str:
    *most, last = (port.__name__ for port in ports)
    return f"{', '.join(most)} or {last}"
