"""The request: a hash of what a spec asks for, with every default and param put in.

It says nothing of where data and models are on this machine: of a data set it holds how it is read, of a
folder that is a model the hash of its content. Names, docs and comments play no part, but those of stages
and data sets do: seeds follow from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from selectlang.digests import json_digest
from selectlang.engine.keys import Folder, canonical, content
from selectlang.engine.task import setting
from selectlang.language.program import Call, Nested, Program, Ref, Rounds, Step
from selectlang.language.spec import VERSION
from selectlang.language.types import ref_text


def request(program: Program, folder: Folder = content) -> str:
    """The hash of a program whose params all have values; `folder` gives that of a model's folder."""
    whole = {"language": VERSION, "seed": program.seed, "limits": program.limits}
    return json_digest({**whole, **_scope(program, folder)})


def every_call(steps: list[Step]) -> Iterator[Call]:
    """Every call of steps, those of loops and recipes too, each once."""
    for step in steps:
        if isinstance(step, Call):
            yield step
        else:
            yield from every_call(step.program.steps if isinstance(step, Nested) else step.steps)


def _scope(program: Program, folder: Folder) -> dict[str, Any]:
    data = {
        name: {word: value for word, value in entry.items() if word not in ("path", "doc")}
        for name, entry in program.data.items()
    }
    outputs = {name: ref_text(ref) for name, ref in program.outputs.items()}
    return {"data": data, "stages": _steps(program.steps, folder), "outputs": outputs}


def _steps(steps: list[Step], folder: Folder) -> dict[str, Any]:
    return {step.name: _step(step, folder) for step in steps}


def _step(step: Step, folder: Folder) -> dict[str, Any]:
    if isinstance(step, Call):
        settings = {name: setting(step, name, value, ()) for name, value in step.settings.items()}
        return {
            "method": [step.method.kind, step.method.name],
            "from": {port: [ref_text(ref) for ref in refs] for port, refs in step.wires.items()},
            "settings": canonical(step.method, settings, folder),
            "over": step.over,
            "seed": step.seed,
        }
    if isinstance(step, Nested):
        rows = {name: ref_text(ref) for name, ref in step.data.items()}
        return {"recipe": _scope(step.program, folder), "from": rows}
    return _loop(step, folder)


def _loop(step: Rounds, folder: Folder) -> dict[str, Any]:
    def text(ref: Ref | None) -> str | None:
        return None if ref is None else ref_text(ref)

    return {
        "loop": step.rounds,
        "until": [[ref_text(end.metric), end.comparison, end.bound, end.within] for end in step.until],
        "carry": {name: [text(one.next), text(one.start)] for name, one in step.carry.items()},
        "stages": _steps(step.steps, folder),
    }
