"""What must hold before a program is walked: its params have values, and its models are those it asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from selectlang.errors import UsageError
from selectlang.faults import nearest, quoted
from selectlang.language.program import Call, Nested, Program, Step
from selectlang.llm.options import Options


def require(program: Program, options: Options) -> None:
    """A UsageError when a param has no value, or an address is that of a model which nothing asks."""
    if program.missing:
        flags = " ".join(f"--set {name}=..." for name in program.missing)
        names = ", ".join(f"'{name}'" for name in program.missing)
        raise UsageError(f"no value for param {names}: give {flags}")
    if any(options.api_base):
        _addresses(options, sorted(models(program.steps)))


def asking(steps: Iterable[Step]) -> Iterator[Call]:
    """Those of these steps that ask a language model."""
    for step in steps:
        if not isinstance(step, Call):
            yield from asking(step.program.steps if isinstance(step, Nested) else step.steps)
        elif "llm" in step.method.given:
            yield step


def models(steps: Iterable[Step]) -> set[str]:
    """The names of the language models that steps ask; those of models that a stage trains are not known."""
    return {
        value
        for step in asking(steps)
        for name, value in step.settings.items()
        if isinstance(value, str) and step.method.settings[name].names_model
    }


def _addresses(options: Options, asked: list[str]) -> None:
    for model in options.api_base:
        if model and model not in asked:
            known = f"the models that it asks: {', '.join(map(quoted, asked))}" if asked else "it asks none"
            what = f"no stage of the spec asks a model {quoted(model)}{nearest(model, asked)}"
            raise UsageError(f"--api-base: {what} ({known})")
