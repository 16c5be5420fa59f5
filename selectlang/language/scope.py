"""Names: what a reference stands for, and the order in which stages depend on one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from selectlang.faults import Fault, Place, listing, nearest, printable, quoted
from selectlang.language.program import Ref, Type
from selectlang.language.spec import AnyStage, Faulty, Stage, Use
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
        message = f"there is no data set or stage {quoted(name)}{nearest(name, env)}"
        faults.append(Fault("SL208", message, node.place, None, f"names here: {listing(env)}"))
        return unknown
    if symbol.hidden:
        return unknown
    port, kind = None, symbol.default
    if rest and rest[0] in symbol.ports:
        port = rest.pop(0)
        kind = symbol.ports[port]
    if kind is None:
        which = listing(f"{name}.{port}" for port in symbol.ports)
        message = f"{symbol.what} {quoted(name)} has several values, say which: {which}"
        faults.append(Fault("SL209", message, node.place, (f"{quoted(name)} is here", symbol.place)))
        return unknown
    if not rest:
        return Ref(name, port, None, kind, node.place)
    if len(rest) == 1 and kind.kind in (Labels, None):
        about = Type(Selection, kind.about) if kind.kind else Type()
        return Ref(name, port, rest[0], about, node.place)
    message = f"{symbol.what} {quoted(name)} has no port {quoted(rest[0])}{nearest(rest[0], symbol.ports)}"
    hint = (
        f"ports: {listing(symbol.ports)}"
        if symbol.ports
        else f"it has one output, named by {quoted(name)} alone"
    )
    faults.append(Fault("SL209", message, node.place, (f"{quoted(name)} is here", symbol.place), hint))
    return unknown


def references(stage: AnyStage) -> Iterator[Node]:
    """The nodes of a stage that refer to others, those inside a loop that lead out of it included."""
    if isinstance(stage, Stage | Use):
        for wire in stage.wires:
            yield from wire.refs
        return
    if isinstance(stage, Faulty):
        return
    inner = {*stage.stages, *stage.carry}
    nodes = [node for part in stage.stages.values() for node in references(part)]
    nodes += [carry.next for carry in stage.carry.values() if carry.next is not None]
    for node in nodes:
        if isinstance(node.value, str) and node.value.split(".")[0] not in inner:
            yield node
    yield from (carry.start for carry in stage.carry.values() if carry.start is not None)


def ordered(stages: dict[str, AnyStage], unclear: set[str], faults: list[Fault]) -> list[str]:
    """Names in an order that respects references; each cycle is a fault, but by way of an `unclear` name."""
    needs = {
        name: {node.value.split(".")[0]: node for node in references(stage) if isinstance(node.value, str)}
        for name, stage in stages.items()
    }
    for targets in needs.values():
        for name in unclear & targets.keys():
            del targets[name]
    done: dict[str, bool] = {}
    order: list[str] = []
    for root in stages:
        if root not in done:
            _visit(root, needs, done, order, faults)
    return order


def _visit(
    root: str, needs: dict[str, dict[str, Node]], done: dict[str, bool], order: list[str], faults: list[Fault]
) -> None:
    """Depth first with a stack of its own: a chain of stages may be longer than Python's stack."""
    done[root] = False
    trail: list[tuple[str, Iterator[tuple[str, Node]]]] = [(root, iter(needs[root].items()))]
    while trail:
        name, rest = trail[-1]
        for target, node in rest:
            if target not in needs:
                continue
            if target not in done:
                done[target] = False
                trail.append((target, iter(needs[target].items())))
                break
            if not done[target]:
                names = [at for at, _ in trail]
                cycle = [*names[names.index(target) :], target]
                faults.append(Fault("SL304", f"stages in a cycle: {_path(cycle)}", node.place))
        else:
            done[name] = True
            order.append(name)
            trail.pop()


def _path(names: list[str]) -> str:
    """The path of a cycle, its middle left out when it is long."""
    shown = names if len(names) <= 12 else [*names[:6], f"({len(names) - 11} more)", *names[-5:]]
    return " -> ".join(printable(name) for name in shown)


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
