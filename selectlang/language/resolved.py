"""A program written out again as a spec, with every param put in and every default stated."""

from __future__ import annotations

from typing import Any

from selectlang.language.program import Call, Nested, Program, Ref, Rounds, Step
from selectlang.language.spec import VERSION
from selectlang.language.types import ref_text


def resolved(program: Program) -> dict[str, Any]:
    """The program as plain data, in the words of the language; recipes hold their own spec."""
    about = {"name": program.name, "doc": program.doc, "cite": program.cite}
    return {
        "selectlang": VERSION,
        **{word: value for word, value in about.items() if value},
        "seed": program.seed,
        **({"limits": program.limits} if program.limits else {}),
        "data": program.data,
        "stages": {step.name: _step(step) for step in program.steps},
        "outputs": {name: ref_text(ref) for name, ref in program.outputs.items()},
    }


def _step(step: Step) -> dict[str, Any]:
    if isinstance(step, Call):
        words = {"over": step.over, "seed": step.seed}
        return {
            step.method.kind: step.method.name,
            "from": _wires(step.wires),
            **step.settings,
            **{word: value for word, value in words.items() if value is not None},
        }
    if isinstance(step, Nested):
        return {"recipe": resolved(step.program), "from": {name: ref_text(ref) for name, ref in step.data.items()}}
    return _loop(step)


def _loop(step: Rounds) -> dict[str, Any]:
    until: dict[str, dict[str, float]] = {}
    for end in step.until:
        until.setdefault(ref_text(end.metric), {})[end.comparison] = end.bound
    carry = {
        name: {"next": ref_text(carried.next), **({"start": ref_text(carried.start)} if carried.start else {})}
        for name, carried in step.carry.items()
    }
    stages = {inner.name: _step(inner) for inner in step.steps}
    return {"loop": step.rounds, **({"until": until} if until else {}), "carry": carry, "stages": stages}


def _wires(wires: dict[str, list[Ref]]) -> dict[str, Any]:
    return {
        port: ref_text(refs[0]) if len(refs) == 1 else [ref_text(ref) for ref in refs]
        for port, refs in wires.items()
    }
