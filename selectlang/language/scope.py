"""Names: what a reference stands for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from selectlang.faults import Fault, Place, brief, listing, nearest, quoted
from selectlang.language.program import Ref, Type
from selectlang.language.spec import Loop
from selectlang.language.yaml import Node
from selectlang.ports import Labels, Selection


@dataclass
class Symbol:
    """A name in scope. `default` is the type of the name alone; None when a port must be named."""

    what: str
    place: Place
    default: Type | None = field(default_factory=Type)
    ports: dict[str, Type] = field(default_factory=dict)
    hidden: bool = False  # behind a fault: every use is accepted, and none is reported again
    empty: bool = False  # a carry that has no value in the first round
    loop: Loop | None = None  # of a loop: what stands inside it
    verdicts: list[str] | None = None  # those there can be, where the method of a stage says so


Env = dict[str, Symbol]


def resolve(node: Node, env: Env, faults: list[Fault]) -> Ref:
    """The reference a node holds; its type is unknown when a fault was found."""
    if not isinstance(node.value, str) or not node.value:
        found = "an empty text" if node.value == "" else node.type
        faults.append(Fault("SL203", f"expected the name of a data set or stage, found {found}", node.place))
        return Ref("", None, None, Type(), node.place)
    name, *rest = node.value.split(".")
    unknown = Ref(name, None, None, Type(), node.place)
    symbol = env.get(name)
    if symbol is None:
        faults.append(_inside(name, node, env) or _unknown(name, node, env))
        return unknown
    if symbol.hidden:
        return unknown
    port, kind = None, symbol.default
    if rest and rest[0] in symbol.ports:
        port = rest.pop(0)
        kind = symbol.ports[port]
    if kind is not None and not rest:
        return Ref(name, port, None, kind, node.place)
    stated = symbol.verdicts is None or (bool(rest) and rest[0] in symbol.verdicts)
    if kind is not None and len(rest) == 1 and kind.kind in (Labels, None) and stated:
        about = Type(Selection, kind.about) if kind.kind else Type()
        return Ref(name, port, rest[0], about, node.place)
    here = (f"{quoted(name)} is here", symbol.place)
    if not rest:
        which = listing(f"{name}.{port}" for port in symbol.ports)
        message = f"{symbol.what} {quoted(name)} has several values, say which: {which}"
        faults.append(Fault("SL209", message, node.place, here))
    elif symbol.loop is not None and rest[0] in symbol.loop.stages:
        faults.append(_hidden(rest[0], node, symbol.loop))
    else:
        verdict = port is not None and symbol.verdicts is not None and symbol.ports[port].kind is Labels
        faults.append(_no_port(name, rest[0], node, symbol, verdict))
    return unknown


def _unknown(name: str, node: Node, env: Env) -> Fault:
    message = f"there is no data set or stage {quoted(name)}{nearest(name, env)}"
    return Fault("SL208", message, node.place, None, f"names here: {listing(env)}")


def _inside(name: str, node: Node, env: Env) -> Fault | None:
    """The fault of a name that is seen only inside a loop beside it, if it is."""
    for symbol in env.values():
        loop = symbol.loop
        if loop is not None and name in loop.stages:
            return _hidden(name, node, loop)
        if loop is not None and name in loop.carry:
            outside = quoted(f"{loop.name}.{name}")
            message = f"{quoted(name)} is a carry of loop {quoted(loop.name)}; outside it is {outside}"
            return Fault("SL208", message, node.place, ("it is here", loop.carry[name].place))
    return None


def _hidden(name: str, node: Node, loop: Loop) -> Fault:
    """The fault of a stage inside a loop that is named from outside."""
    code = "SL208" if node.value.split(".")[0] == name else "SL209"
    message = f"{quoted(name)} stands inside loop {quoted(loop.name)}, and only what a loop carries leaves it"
    entry = f"last: {{next: {brief(name)}}}"
    hint = f"Carry it too, as in {entry}, and write {quoted(f'{loop.name}.last')}."
    if loop.carry:
        hint = f"It carries {listing(f'{loop.name}.{carried}' for carried in loop.carry)}.\n{hint}"
    for carried, carry in loop.carry.items():
        then = carry.next.value if carry.next is not None else None
        if isinstance(then, str) and then.split(".")[0] == name:
            hint = f"It is carried: write {quoted(f'{loop.name}.{carried}')}."
    return Fault(code, message, node.place, ("it is here", loop.stages[name].place), hint)


def _no_port(name: str, part: str, node: Node, symbol: Symbol, verdict: bool) -> Fault:
    """The fault of a port that there is not, or of a verdict, as it must be where a port stands before it."""
    ports, verdicts = {} if verdict else symbol.ports, symbol.verdicts or []
    what = " or ".join(word for word, known in (("port", ports), ("verdict", verdicts)) if known) or "port"
    message = f"{symbol.what} {quoted(name)} has no {what} {quoted(part)}{nearest(part, [*ports, *verdicts])}"
    hints = [f"ports: {listing(ports)}"] if ports else []
    hints += [f"verdicts: {listing(verdicts)}"] if verdicts else []
    hint = "\n".join(hints) or f"it has one output, named by {quoted(name)} alone"
    return Fault("SL209", message, node.place, (f"{quoted(name)} is here", symbol.place), hint)


def taken(names: Iterable[tuple[str, Place, str]], env: Env, faults: list[Fault]) -> set[str]:
    """Report names that are in scope already; which of the two a use means is not known."""
    found = set()
    for name, place, what in names:
        if name in env:
            other = env[name]
            found.add(name)
            message = f"the name {quoted(name)} is taken by a {other.what}"
            faults.append(
                Fault("SL211", message, place, ("taken here", other.place), f"Give the {what} another name.")
            )
    return found
