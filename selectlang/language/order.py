"""The order in which stages depend on one another, and the cycles that leave none."""

from __future__ import annotations

from collections.abc import Iterator

from selectlang.faults import Fault, printable, quoted
from selectlang.language.spec import AnyStage, Faulty, Loop, Stage, Use
from selectlang.language.yaml import Node


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
        if isinstance(node.value, str) and _head(node) not in inner:
            yield node
    yield from (carry.start for carry in stage.carry.values() if carry.start is not None)


def ordered(stages: dict[str, AnyStage], unclear: set[str], faults: list[Fault]) -> list[str]:
    """Names in an order that respects references; each cycle is a fault, but by way of an `unclear` name."""
    needs = {
        name: {_head(node): node for node in references(stage) if isinstance(node.value, str)}
        for name, stage in stages.items()
    }
    for targets in needs.values():
        for name in unclear & targets.keys():
            del targets[name]
    for name, stage in stages.items():
        if isinstance(stage, Loop) and needs[name].pop(name, None) is not None:
            faults += [
                _from_within(stage, node)
                for node in references(stage)
                if isinstance(node.value, str) and _head(node) == name
            ]
    done: dict[str, bool] = {}
    order: list[str] = []
    for root in stages:
        if root not in done:
            _visit(root, needs, done, order, faults)
    return order


def _head(node: Node) -> str:
    """The name in a reference, without its port."""
    head: str = node.value.split(".")[0]
    return head


def _from_within(loop: Loop, node: Node) -> Fault:
    """The fault of a reference inside a loop to what the loop gives."""
    _, *rest = node.value.split(".")
    message = f"{quoted(node.value)} is what the loop gives after its last round, and stands inside the loop"
    names = [part for part in (rest[:1] or loop.carry) if part in loop.carry or part in loop.stages]
    hint = ""
    if names:
        hint = f"Inside the loop, the value of this round is {quoted('.'.join([names[0], *rest[1:]]))}."
    return Fault("SL304", message, node.place, ("the loop is here", loop.place), hint)


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
