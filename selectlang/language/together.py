"""What a method says of a stage: whether settings and inputs go together, and which verdicts it can give."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from selectlang.errors import DataError, described
from selectlang.faults import Fault
from selectlang.language.program import Ref
from selectlang.language.spec import Stage
from selectlang.language.values import FAULTY, Unknown
from selectlang.methods import Method


def check_together(
    method: Method, stage: Stage, settings: dict[str, Any], wires: dict[str, list[Ref]]
) -> list[Fault]:
    """What the check of a method says; nothing where a value that it asks for is not known yet."""
    values: dict[str, Any] = {port.name: _kinds(wires.get(port.name, [])) for port in method.inputs}
    try:
        _told(method.check, {**values, **_settings(method, settings)})
    except DataError as error:
        return [Fault("SL218", f"{method.kind} {method.name}: {str(error).rstrip('.')}", stage.place)]
    except Exception as error:  # a plugin may do anything
        return [_failed("check", method, stage, error)]
    return []


def stated_verdicts(
    method: Method, stage: Stage, settings: dict[str, Any], faults: list[Fault]
) -> list[str] | None:
    """The verdicts that a method says there can be; None where it does not say, or cannot say yet."""
    try:
        found = _told(method.verdicts, _settings(method, settings))
        return None if found is None else [str(verdict) for verdict in found]
    except Exception as error:  # a plugin may do anything
        faults.append(_failed("verdicts", method, stage, error))
        return None


def _told(function: Callable[..., Any] | None, values: dict[str, Any]) -> Any:
    """What a function of a method says of the values it asks for; None where one is not known yet."""
    if function is None:
        return None
    asked = {name: values[name] for name in inspect.signature(function).parameters}
    return None if any(isinstance(value, Unknown) for value in asked.values()) else function(**asked)


def _settings(method: Method, settings: dict[str, Any]) -> dict[str, Any]:
    return {setting.parameter: settings.get(name, FAULTY) for name, setting in method.settings.items()}


def _failed(what: str, method: Method, stage: Stage, error: Exception) -> Fault:
    told = f"the {what} of {method.kind} {method.name} of {method.distribution} failed: {described(error)}"
    return Fault("SL501", told, stage.place)


def _kinds(refs: list[Ref]) -> list[type[Any]] | Unknown:
    """The types of what is connected; unknown where a fault hides one."""
    kinds = [ref.type.kind for ref in refs if ref.type.kind is not None]
    return kinds if len(kinds) == len(refs) else FAULTY
