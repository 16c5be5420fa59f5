"""A program written out again as a spec, with every param put in and every default stated."""

from __future__ import annotations

from typing import Any

from selectlang.language.program import Call, Nested, Program, Ref, Rounds, Step
from selectlang.language.spec import VERSION
from selectlang.language.types import ref_text
from selectlang.language.values import Unknown


def resolved(program: Program) -> dict[str, Any]:
    """The program as plain data, in the words of the language; recipes hold their own spec."""
    about = {"name": program.name, "doc": program.doc, "cite": program.cite}
    return {
        "selectlang": VERSION,
        **{word: value for word, value in about.items() if value},
        "seed": _plain(program.seed),
        **({"limits": _plain(program.limits)} if program.limits else {}),
        "data": _plain(program.data),
        "stages": {step.name: _step(step) for step in program.steps},
        "outputs": {name: ref_text(ref) for name, ref in program.outputs.items()},
    }


def _step(step: Step) -> dict[str, Any]:
    if isinstance(step, Call):
        words = {"over": step.over, "seed": step.seed}
        return {
            step.method.kind: step.method.name,
            "from": _wires(step.wires),
            **_plain(step.settings),
            **{word: _plain(value) for word, value in words.items() if value is not None},
        }
    if isinstance(step, Nested):
        return {
            "recipe": resolved(step.program),
            "from": {name: ref_text(ref) for name, ref in step.data.items()},
        }
    return _loop(step)


def _plain(value: Any) -> Any:
    """A value with each param that has none yet as it stands in the spec: `$name`."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, str) and value.startswith("$"):
        return f"${value}"
    return str(value) if isinstance(value, Unknown) else value


def _loop(step: Rounds) -> dict[str, Any]:
    until: dict[str, dict[str, float]] = {}
    for end in step.until:
        until.setdefault(ref_text(end.metric), {})[end.comparison] = _plain(end.bound)
    carry = {
        name: {
            "next": ref_text(carried.next),
            **({"start": ref_text(carried.start)} if carried.start else {}),
        }
        for name, carried in step.carry.items()
    }
    stages = {inner.name: _step(inner) for inner in step.steps}
    return {
        "loop": _plain(step.rounds),
        **({"until": until} if until else {}),
        "carry": carry,
        "stages": stages,
    }


def _wires(wires: dict[str, list[Ref]]) -> dict[str, Any]:
    return {
        port: ref_text(refs[0]) if len(refs) == 1 else [ref_text(ref) for ref in refs]
        for port, refs in wires.items()
    }
