"""Checking a loop: what it carries, and when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectlang.faults import Fault, nearest, quoted
from selectlang.language.program import Call, Carried, Ref, Rounds, Step, Type, Until
from selectlang.language.scope import Env, Symbol, resolve, taken
from selectlang.language.spec import Loop
from selectlang.language.types import ref_text
from selectlang.language.values import UNKNOWN, Values
from selectlang.language.yaml import Node
from selectlang.ports import Metric

if TYPE_CHECKING:
    from selectlang.language.check import Checker
    from selectlang.language.load import Loaded

MAX_DEPTH = 4  # each level is checked twice
ROUNDS = {"type": "integer", "minimum": 1, "maximum": 100_000}
COMPARISONS = ("at_least", "at_most", "above", "below")


def check_loop(
    checker: Checker, loop: Loop, env: Env, values: Values, path: str, loaded: Loaded
) -> tuple[Symbol, Step | None]:
    """A loop without `start` takes the type of what it carries from `next`, so it is checked twice."""
    faults = checker.faults
    before = len(faults)
    rounds = values.checked(loop.rounds, ROUNDS, "'loop'")
    inner_path = f"{path}{loop.name}/"
    if sum(1 for symbol in env.values() if symbol.what == "carry") and inner_path.count("/") > MAX_DEPTH:
        faults.append(Fault("SL310", f"loops stand at most {MAX_DEPTH} deep in one another", loop.place))
        return Symbol("loop", loop.place, hidden=True), None
    taken([(carry.name, carry.place, "carry") for carry in loop.carry.values()], env, faults)
    starts = {name: resolve(c.start, env, faults) for name, c in loop.carry.items() if c.start is not None and _text(c.start, faults)}
    types = _infer(checker, loop, env, values, inner_path, loaded, starts)
    inner = {**env, **_carried(loop, types, starts)}
    steps = checker.stages(loop.stages, inner, values, inner_path, True, loaded)
    carry = {name: Carried(_next(loop, name, inner, faults), starts.get(name), types[name]) for name in loop.carry}
    for name, carried in carry.items():
        _same_type(loop, name, carried, faults)
    until = _until(loop, inner, values)
    _parts(loop, steps, rounds, faults)
    symbol = Symbol("loop", loop.place, next(iter(types.values())) if len(types) == 1 else None, types)
    if not loop.carry:
        faults.append(Fault("SL202", f"loop {quoted(loop.name)} carries nothing: no round would differ, and nothing leaves it", loop.place))
    if len(faults) > before:
        return symbol, None
    return symbol, Rounds(f"{path}{loop.name}", loop.name, 1 if rounds is UNKNOWN else rounds, until, carry, steps)


def _carried(loop: Loop, types: dict[str, Type], starts: dict[str, Ref]) -> Env:
    return {
        name: Symbol("carry", carry.place, types[name], empty=name not in starts)
        for name, carry in loop.carry.items()
    }


def _infer(
    checker: Checker, loop: Loop, env: Env, values: Values, path: str, loaded: Loaded, starts: dict[str, Ref]
) -> dict[str, Type]:
    """The type of each carry: that of `start`, else what `next` has when the carries are unknown."""
    types = {name: starts[name].type if name in starts else Type() for name in loop.carry}
    kept, checker.faults, values.faults = checker.faults, [], []
    try:
        # A carry may take its type from another, so types settle in as many passes as there are carries.
        for _ in range(len(loop.carry)):
            inner = {**env, **_carried(loop, types, {name: ref for name, ref in starts.items()})}
            for symbol in (inner[name] for name in loop.carry):
                symbol.empty = False
            checker.stages(loop.stages, inner, values, path, True, loaded)
            found = {name: _next(loop, name, inner, []).type for name in loop.carry}
            settled = {name: types[name] if types[name].kind else found[name] for name in types}
            if settled == types:
                break
            types = settled
    finally:
        checker.faults = values.faults = kept
    return types


def _next(loop: Loop, name: str, inner: Env, faults: list[Fault]) -> Ref:
    node = loop.carry[name].next
    if not _text(node, faults):
        return Ref("", None, None, Type(), node.place)
    return resolve(node, inner, faults)


def _text(node: Node, faults: list[Fault]) -> bool:
    if isinstance(node.value, str) and node.value:
        return True
    faults.append(Fault("SL203", f"expected the name of a stage, found {node.type}", node.place))
    return False


def _same_type(loop: Loop, name: str, carried: Carried, faults: list[Fault]) -> None:
    start, then = carried.type, carried.next.type
    if carried.next.name == name and carried.start is None and carried.next.port is None:
        faults.append(Fault("SL307", f"carry {quoted(name)} hands itself on, so it is always empty", carried.next.place))
    elif start.kind is None or then.kind is None:
        return
    elif start.kind is not then.kind or (start.about and then.about and start.about != then.about):
        place = carried.start.place if carried.start else loop.carry[name].place
        message = f"carry {quoted(name)} starts as {start}, but the next round gets {then} from {quoted(ref_text(carried.next))}"
        faults.append(Fault("SL305", message, carried.next.place, ("it starts here", place)))


def _until(loop: Loop, inner: Env, values: Values) -> list[Until]:
    faults, found = values.faults, []
    if loop.until is None:
        return []
    if not isinstance(loop.until.value, dict):
        hint = "until: {stage.metric: {at_least: 0.9}}"
        faults.append(Fault("SL203", f"'until' is a mapping, found {loop.until.type}", loop.until.place, None, hint))
        return []
    for text, place, node in loop.until.items():
        ref = resolve(Node(text, place), inner, faults)
        if ref.type.kind is not None and ref.type.kind is not Metric:
            symbol = inner[ref.name]
            metrics = [f"{ref.name}.{port}" for port, kind in symbol.ports.items() if kind.kind is Metric]
            hint = f"metrics of {quoted(ref.name)}: {', '.join(metrics) or 'none'}"
            message = f"'until' compares a metric, {quoted(text)} is {ref.type}"
            faults.append(Fault("SL306", message, place, (f"{quoted(ref.name)} is here", symbol.place), hint))
        if not isinstance(node.value, dict) or not node.value:
            faults.append(Fault("SL203", f"expected a comparison such as {{at_least: 0.9}}, found {node.type}", node.place))
            continue
        for word, at, bound in node.items():
            if word not in COMPARISONS:
                message = f"{quoted(word)} is no comparison{nearest(word, COMPARISONS)}"
                faults.append(Fault("SL201", message, at, None, f"known here: {', '.join(COMPARISONS)}"))
                continue
            number = values.checked(bound, {"type": "number"}, quoted(word))
            found.append(Until(ref, word, 0.0 if number is UNKNOWN else float(number)))
    return found


def _parts(loop: Loop, steps: list[Step], rounds: object, faults: list[Fault]) -> None:
    """`over: n` divides an amount among n rounds: a loop of more rounds would choose more than the amount."""
    for step in steps:
        if isinstance(step, Call) and step.over is not None and isinstance(rounds, int) and rounds > step.over:
            stage = loop.stages[step.name]
            place = stage.over.place if hasattr(stage, "over") and stage.over is not None else stage.place
            message = f"'over' divides the amount among {step.over} rounds, but the loop has {rounds}"
            faults.append(Fault("SL210", message, place, ("the loop is here", loop.rounds.place)))
