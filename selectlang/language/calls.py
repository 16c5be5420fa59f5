"""Checking a stage that calls a method: the method, its settings, and what is wired to its ports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from selectlang.faults import Fault, closest, listing, nearest, quoted
from selectlang.language.models import check_models
from selectlang.language.program import Call, Ref
from selectlang.language.scope import Env, Symbol, resolve
from selectlang.language.sections import SEED
from selectlang.language.spec import Stage, Wire
from selectlang.language.together import check_together, stated_verdicts
from selectlang.language.types import NOTHING_AT_START, Binding, ref_text
from selectlang.language.values import Values
from selectlang.methods import KINDS, Method, Port
from selectlang.plugins import Registry

if TYPE_CHECKING:
    from selectlang.language.check import Checker

OVER = {"type": "integer", "minimum": 1}


def check_call(
    checker: Checker, stage: Stage, env: Env, values: Values, path: str, looped: bool
) -> tuple[Symbol, Call | None]:
    """The symbol of a stage, and what the engine runs; a stage with faults hides behind them."""
    faults = checker.faults
    before = len(faults)
    method = find(checker.registry, stage, faults)
    if method is None:
        for wire in stage.wires:
            for node in wire.refs:
                resolve(node, env, faults)
        return Symbol("stage", stage.place, hidden=True), None
    settings = check_settings(method, stage, values)
    over, seed = check_words(method, stage, values, looped)
    binding, wires = check_wires(checker.registry, method, stage, env, faults)
    if why := checker.library.replaced.get(stage.place):
        faults[before:] = [
            replace(fault, hint=f"{fault.hint}\n{why}".strip()) if fault.code in ("SL217", "SL301") else fault
            for fault in faults[before:]
        ]
    if len(faults) == before:
        faults += check_models(method, stage, settings, values)
        faults += check_together(method, stage, settings, wires)
    types = {port.name: binding.output(port) for port in method.outputs}
    default = types[method.outputs[0].name]
    ports = {name: kind for name, kind in types.items() if name}
    verdicts = stated_verdicts(method, stage, settings, faults)
    symbol = Symbol("stage", stage.place, default, ports, verdicts=verdicts)
    if len(faults) > before:
        return symbol, None
    return symbol, Call(f"{path}{stage.name}", stage.name, method, wires, settings, over, seed)


def find(registry: Registry, stage: Stage, faults: list[Fault]) -> Method | None:
    """The method that a stage names, if it can be used."""
    node, kind = stage.method, stage.kind
    name = node.value
    if not isinstance(name, str):
        faults.append(Fault("SL203", f"'{kind}' names a method, found {node.type}", node.place))
        return None
    if name.startswith("$"):
        hint = "Which method runs is part of the spec: write its name."
        faults.append(Fault("SL214", f"a method is no param, found {quoted(name)}", node.place, None, hint))
        return None
    if (kind, name) in registry.collisions:
        both = " and ".join(registry.collisions[kind, name])
        hint = "Uninstall one of them, or rename the method in it."
        faults.append(
            Fault("SL502", f"{kind} {quoted(name)} is registered twice, by {both}", node.place, None, hint)
        )
        return None
    method = registry.methods.get((kind, name))
    if method is not None:
        return method
    for broken in registry.broken:
        if broken.method == (kind, name):
            reason = _line(broken.reason).removeprefix(f"{kind} {name}: ")
            message = f"{kind} {quoted(name)} of {broken.plugin.distribution} cannot be used: {reason}"
            faults.append(Fault("SL501", message, node.place))
            return None
    elsewhere = [of for of in KINDS if (of, name) in registry.methods]
    close = nearest(name, registry.names(kind))
    if elsewhere and not close:
        close = f"; {quoted(name)} is a method of {quoted(elsewhere[0])}"
    hint = f"methods of {kind}: {listing(registry.names(kind)) or 'none is installed'}"
    down = [b for b in registry.broken if b.method is None or b.method[0] not in KINDS]
    if not close and not down:
        hint += "\nOne of your own is found with --plugins DIR, the folder that holds its file."
    if down:
        hint += f"\nbroken plugins: {'; '.join(f'{b.plugin.distribution} ({_line(b.reason)})' for b in down)}"
    faults.append(Fault("SL205", f"there is no {kind} method {quoted(name)}{close}", node.place, None, hint))
    return None


def _line(text: str) -> str:
    """A text of several lines as one."""
    return " ".join(text.split())


def check_settings(method: Method, stage: Stage, values: Values) -> dict[str, Any]:
    """The value of each setting: what the stage says, else the default."""
    what = f"{method.kind} {method.name}"
    found: dict[str, Any] = {name: s.default for name, s in method.settings.items() if not s.required}
    known = [*method.settings, *(["seed"] if method.seeded else []), *(["over"] if method.amounts else [])]
    meant = set()  # the nearest names of those that are unknown: they are not missing
    for name, (place, node) in stage.settings.items():
        if name in method.settings:
            found[name] = values.checked(node, method.settings[name].schema, quoted(name))
            continue
        message = f"{what} has no setting {quoted(name)}"
        if any(name == port.name for port in method.inputs):
            message += ": it is an input, write it under 'from'"
        else:
            message += nearest(name, [*known, "from"])
            meant.add(closest(name, known))
        values.faults.append(Fault("SL206", message, place, None, f"settings: {listing(known) or 'none'}"))
    for name, setting in method.settings.items():
        if setting.required and name not in stage.settings and name not in meant:
            hint = f"{name}: {setting.doc}" if setting.doc else ""
            message = f"{what} needs a setting {quoted(name)}"
            values.faults.append(Fault("SL217", message, stage.place, None, hint))
    return found


def check_words(method: Method, stage: Stage, values: Values, looped: bool) -> tuple[int | None, int | None]:
    """The words `over` and `seed` of a stage, where they mean something."""
    over = seed = None
    if stage.over is not None:
        if not method.amounts:
            message = f"'over' divides an amount, and {method.kind} {method.name} has none"
            values.faults.append(Fault("SL216", message, stage.over.place))
        elif not looped:
            values.faults.append(Fault("SL216", "'over' stands only inside a loop", stage.over.place))
        over = values.checked(stage.over, OVER, "'over'")
    if stage.seed is not None:
        if not method.seeded:
            message = f"{method.kind} {method.name} draws nothing at random: 'seed' would do nothing"
            values.faults.append(Fault("SL216", message, stage.seed.place))
        seed = values.checked(stage.seed, SEED, "'seed'")
    return over, seed


def check_wires(
    registry: Registry, method: Method, stage: Stage, env: Env, faults: list[Fault]
) -> tuple[Binding, dict[str, list[Ref]]]:
    """What is wired to each port, and what the data set variables stand for."""
    binding = Binding(method, env, registry)
    wires: dict[str, list[Ref]] = {}
    before = len(faults)
    for wire in stage.wires:
        wires |= _wired(method, wire, [resolve(node, env, faults) for node in wire.refs], faults)
    # An input under a wrong name, and one among the settings, is not missing: it is reported already.
    behind = {fault.code for fault in faults[before:]} & {"SL209", "SL308"}
    for port in method.inputs:
        for ref in wires.get(port.name, ()):
            binding.wire(port, ref)
            _starts_empty(method, port, ref, env, faults)
        if not (wires.get(port.name) or port.optional or behind or port.name in stage.settings):
            message = f"{method.kind} {method.name} needs an input {quoted(port.name)} ({port})"
            faults.append(Fault("SL301", message, stage.place, None, f"ports: {_ports(method)}"))
    faults += binding.faults
    return binding, {name: refs for name, refs in wires.items() if refs}


def _wired(method: Method, wire: Wire, refs: list[Ref], faults: list[Fault]) -> dict[str, list[Ref]]:
    """The ports that one entry of `from` is wired to."""
    what, known = f"{method.kind} {method.name}", {port.name: port for port in method.inputs}
    if wire.port is None:
        return _in_order(method, wire, refs, faults)
    if wire.port not in known:
        message = f"{what} has no port {quoted(wire.port)}{nearest(wire.port, known)}"
        faults.append(Fault("SL209", message, wire.place, None, f"ports: {_ports(method) or 'none'}"))
        return {}
    if len(refs) > 1 and not known[wire.port].many:
        message = f"port {quoted(wire.port)} of {what} takes one input, found {len(refs)}"
        faults.append(Fault("SL308", message, wire.place))
        return {}
    return {wire.port: refs}


def _in_order(method: Method, wire: Wire, refs: list[Ref], faults: list[Fault]) -> dict[str, list[Ref]]:
    """Inputs without names fill the ports in order; a first port that takes several takes all."""
    ports = method.inputs
    if ports and ports[0].many:
        return {ports[0].name: refs}
    if len(refs) > len(ports):
        most = f"{len(ports)} input{'' if len(ports) == 1 else 's'}"
        message = f"{method.kind} {method.name} takes {most}, found {len(refs)}"
        faults.append(Fault("SL308", message, wire.place, None, f"ports: {_ports(method) or 'none'}"))
    return {port.name: [ref] for port, ref in zip(ports, refs, strict=False)}


def _starts_empty(method: Method, port: Port, ref: Ref, env: Env, faults: list[Fault]) -> None:
    symbol = env.get(ref.name)
    if symbol is None or not symbol.empty or port.optional or ref.verdict or ref.type.kind is None:
        return
    if ref.type.kind.__name__ in NOTHING_AT_START:
        message = (
            f"in the first round {quoted(ref_text(ref))} has no value, "
            f"and {method.kind} {method.name} needs one at {quoted(port.name)}"
        )
        also = ("it is carried here", symbol.place)
        faults.append(Fault("SL309", message, ref.place, also, "Give the carry a 'start'."))


def _ports(method: Method) -> str:
    return ", ".join(f"{port.name} ({port}{', optional' if port.optional else ''})" for port in method.inputs)
