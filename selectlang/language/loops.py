"""Checking a loop: what it carries, and when it ends."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from typing import TYPE_CHECKING

from selectlang.faults import Fault, quoted
from selectlang.language.program import Call, Carried, Ref, Rounds, Step, Type
from selectlang.language.scope import Env, Symbol, resolve, taken
from selectlang.language.spec import Loop, Stage
from selectlang.language.types import ref_text
from selectlang.language.until import check_until
from selectlang.language.values import Values
from selectlang.language.yaml import Node
from selectlang.ports import Metric, Model

if TYPE_CHECKING:
    from selectlang.language.check import Checker
    from selectlang.language.load import Loaded

MAX_DEPTH = 4  # each level is checked twice
ROUNDS = {"type": "integer", "minimum": 1, "maximum": 100_000}


def check_loop(
    checker: Checker, loop: Loop, env: Env, values: Values, path: str, loaded: Loaded
) -> tuple[Symbol, Step | None]:
    """A loop without `start` takes the type of what it carries from `next`, so it is checked twice."""
    faults = checker.faults
    if checker.depth == MAX_DEPTH:
        faults.append(Fault("SL310", f"loops stand at most {MAX_DEPTH} deep in one another", loop.place))
        return Symbol("loop", loop.place, hidden=True, loop=loop), None
    checker.depth += 1
    try:
        return _check(checker, loop, env, values, path, loaded)
    finally:
        checker.depth -= 1


def _check(
    checker: Checker, loop: Loop, env: Env, values: Values, path: str, loaded: Loaded
) -> tuple[Symbol, Step | None]:
    faults = checker.faults
    before = len(faults)
    rounds = values.checked(loop.rounds, ROUNDS, "'loop'")
    inner_path = f"{path}{loop.name}/"
    unclear = taken([(carry.name, carry.place, "carry") for carry in loop.carry.values()], env, faults)
    starts = {name: _start(c.start, env, faults) for name, c in loop.carry.items() if c.start is not None}
    types = _infer(checker, loop, env, values, inner_path, loaded, starts)
    inner = {**env, **_carried(loop, types, _empty(loop, starts, env))}
    for name in unclear:
        inner[name] = Symbol("carry", loop.carry[name].place, hidden=True)
    steps = checker.stages(loop.stages, inner, values, inner_path, True, loaded)
    carry = {
        name: Carried(_next(loop, name, inner, faults), starts.get(name), types[name]) for name in loop.carry
    }
    for name, carried in carry.items():
        _same_type(loop, name, carried, faults)
    until = check_until(loop, inner, values)
    _parts(loop, steps, rounds, faults)
    if not loop.carry:
        message = f"loop {quoted(loop.name)} carries nothing: no round would differ, and nothing leaves it"
        faults.append(Fault("SL202", message, loop.place))
    hidden = bool(checker.faults)  # a type may be unknown because of a fault
    for name in loop.carry:
        if types[name].kind is None and not hidden:
            message = f"carry {quoted(name)} is empty in every round: only carries that are empty lead to it"
            faults.append(Fault("SL307", message, carry[name].next.place))
    default = next(iter(types.values())) if len(types) == 1 else None
    symbol = Symbol("loop", loop.place, default, types, hidden=not types, loop=loop)
    if len(faults) > before:
        return symbol, None
    return symbol, Rounds(f"{path}{loop.name}", loop.name, rounds, until, carry, steps)


def _start(node: Node, env: Env, faults: list[Fault]) -> Ref:
    """What the first round starts from; people may look for a word for nothing, and there is none."""
    found: list[Fault] = []
    ref = resolve(node, env, found)
    hint = "To start with nothing, leave 'start' out."
    faults += [replace(fault, hint=f"{fault.hint}\n{hint}".strip()) for fault in found]
    return ref


def _carried(loop: Loop, types: dict[str, Type], empty: Container[str]) -> Env:
    return {
        name: Symbol("carry", carry.place, types[name], empty=name in empty)
        for name, carry in loop.carry.items()
    }


def _empty(loop: Loop, starts: dict[str, Ref], env: Env) -> set[str]:
    """The carries without a value in the first round: they have no `start`, or one that has no value."""
    started = {name for name, ref in starts.items() if ref.name not in env or not env[ref.name].empty}
    return set(loop.carry) - started


def _infer(
    checker: Checker, loop: Loop, env: Env, values: Values, path: str, loaded: Loaded, starts: dict[str, Ref]
) -> dict[str, Type]:
    """The type of each carry: that of `start`, else what `next` has when the carries are unknown."""
    types = {name: starts[name].type if name in starts else Type() for name in loop.carry}
    kept, checker.faults, values.faults = checker.faults, [], []
    try:
        # A carry may take its type from another, so types may need as many passes as there are carries.
        for _ in range(len(loop.carry)):
            if all(map(_known, types.values())):
                break
            inner = {**env, **_carried(loop, types, ())}
            checker.stages(loop.stages, inner, values, path, True, loaded)
            found = {name: _next(loop, name, inner, []).type for name in loop.carry}
            settled = {name: _better(types[name], found[name]) for name in types}
            if settled == types:
                break
            types = settled
    finally:
        checker.faults = values.faults = kept
    return types


def _known(found: Type) -> bool:
    return found.about is not None or found.kind in (Model, Metric)


def _better(old: Type, new: Type) -> Type:
    """A type that was found keeps its kind; which data set it speaks about may be found later."""
    if old.kind is None:
        return new
    return old if old.about is not None or old.kind is not new.kind else new


def _next(loop: Loop, name: str, inner: Env, faults: list[Fault]) -> Ref:
    carry = loop.carry[name]
    return (
        Ref("", None, None, Type(), carry.place) if carry.next is None else resolve(carry.next, inner, faults)
    )


def _same_type(loop: Loop, name: str, carried: Carried, faults: list[Fault]) -> None:
    start, then = carried.type, carried.next.type
    if start.kind is None or then.kind is None:
        return
    if start.kind is not then.kind or (start.about and then.about and start.about != then.about):
        place = carried.start.place if carried.start else loop.carry[name].place
        message = (
            f"carry {quoted(name)} starts as {start}, but {quoted(ref_text(carried.next))} hands on {then}"
        )
        faults.append(Fault("SL305", message, carried.next.place, ("it starts here", place)))


def _parts(loop: Loop, steps: list[Step], rounds: object, faults: list[Fault]) -> None:
    """`over: n` divides an amount among n rounds: a loop of more rounds would choose more than the amount."""
    for step in steps:
        if (
            isinstance(step, Call)
            and isinstance(step.over, int)
            and isinstance(rounds, int)
            and rounds > step.over
        ):
            stage = loop.stages[step.name]
            place = stage.over.place if isinstance(stage, Stage) and stage.over is not None else stage.place
            message = f"'over' divides the amount among {step.over} rounds, but the loop has {rounds}"
            faults.append(Fault("SL210", message, place, ("the loop is here", loop.rounds.place)))
