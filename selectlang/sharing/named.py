"""What a program names: its models, and its data sets of the hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from selectlang.engine.keys import content
from selectlang.engine.request import every_call
from selectlang.language.program import Nested, Program, Rounds, Step
from selectlang.language.schemas import LOCAL
from selectlang.llm.request import IN_PROCESS

ModelKind = Literal["folder", "package", "hub", "hosted", "built in"]


@dataclass(frozen=True)
class Named:
    """A model that a stage names. `place` is the stage's path and the setting, as `vectors.model`.

    Of a list of models it has the number too, as `vectors.models[2]`.
    """

    place: str
    model: str
    kind: ModelKind


def models(program: Program) -> Iterator[Named]:
    """The models that the calls of a program name; not those that a stage trains."""
    for call in every_call(program.steps):
        asked = "llm" in call.method.given
        for name, value in call.settings.items():
            if call.method.settings[name].names_model:
                for number, model in enumerate(_listed(value), 1):
                    at = f"[{number}]" if isinstance(value, list) else ""
                    yield Named(f"{call.path}.{name}{at}", model, _kind(model, asked))


def packaged(model: str) -> Path | None:
    """The folder of a model that an installed package holds."""
    from selectlang_plugins import _models

    return _models.packaged(model.removeprefix(LOCAL))


def _kind(model: str, asked: bool) -> ModelKind:
    if asked and not model.startswith(LOCAL):
        return "built in" if model.startswith(IN_PROCESS) else "hosted"
    if content(model) is not None:
        return "folder"
    return "package" if packaged(model) else "hub"


def programs(program: Program, prefix: str = "") -> Iterator[tuple[str, Program]]:
    """A program and those of its recipes, each with what stands before the names of its data sets."""
    yield prefix, program

    def inner(steps: list[Step]) -> Iterator[tuple[str, Program]]:
        for step in steps:
            if isinstance(step, Nested):
                yield from programs(step.program, f"{step.path}/")
            elif isinstance(step, Rounds):
                yield from inner(step.steps)

    yield from inner(program.steps)


def put(program: Program, of_model: Mapping[str, str], of_path: Mapping[str, str]) -> None:
    """Give models of the hub, and data sets, the names that these mappings have for theirs."""
    for call in every_call(program.steps):
        asked = "llm" in call.method.given
        for name, value in call.settings.items():
            if call.method.settings[name].names_model:
                known = {model for model in _listed(value) if _kind(model, asked) == "hub"}
                call.settings[name] = _each(
                    value, {model: of_model[model] for model in known & of_model.keys()}
                )
    for _, inner in programs(program):
        for settings in inner.data.values():
            settings["path"] = _each(settings["path"], of_path)
        for name, value in inner.params.items():
            if inner.declared[name].type == "path":
                inner.params[name] = _each(value, of_path)


def _each(value: Any, change: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_each(part, change) for part in value]
    return change.get(value, value) if isinstance(value, str) else value


def _listed(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else [value]
    return [part for part in parts if isinstance(part, str)]
