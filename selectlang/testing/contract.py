"""Checks of what a method says beside its values: what goes together, and what it asks of language models."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from selectlang.errors import DataError, described
from selectlang.testing.findings import PROMISED, Finding
from selectlang.testing.said import Outcome
from selectlang.testing.trial import Failed

if TYPE_CHECKING:
    from selectlang.testing.suite import Suite


def together(suite: Suite) -> Iterator[Finding]:
    """Its `check` fails where settings are in order, or its `verdicts` lack one that its labels have."""
    method = suite.method
    for trial, base in suite.base:
        values = {**trial.kinds(), **{method.settings[n].parameter: v for n, v in _raw(suite).items()}}
        for word, function in (("check", method.check), ("verdicts", method.verdicts)):
            if function is None:
                continue
            try:
                stated = _told(function, values)
            except DataError:
                continue
            except Exception as error:  # a method may do anything
                yield Finding(
                    "together",
                    f"its {word} raised {described(error)}",
                    "nothing, or a DataError that says what does not go together",
                    "settings come as they stand in a spec, amounts as '10%'; inputs as lists of types",
                )
                return
            if word == "verdicts" and stated is not None:
                yield from _unstated(base, [str(verdict) for verdict in stated])


def _raw(suite: Suite) -> dict[str, Any]:
    return {name: suite.given.get(name, s.default) for name, s in suite.method.settings.items()}


def _told(function: Callable[..., Any], values: dict[str, Any]) -> Any:
    return function(**{name: values[name] for name in inspect.signature(function).parameters})


def _unstated(base: Outcome, stated: list[str]) -> Iterator[Finding]:
    given = {verdict for said in base.values() for verdict in said.each.get("verdict", ())} - {None}
    if more := sorted(given - set(stated)):
        yield Finding(
            "together",
            f"its labels have the verdict {more[0]!r}, and its verdicts are {', '.join(stated)}",
            "every verdict that there can be: a spec that asks for another is refused",
            "let the function `verdicts` name it too",
        )


def asks(suite: Suite) -> Iterator[Finding]:
    """It asks language models other than a plan expects, or gives a number for a call that failed."""
    if "llm" not in suite.method.given:
        return
    for trial, base in suite.base:
        door = suite.door()
        trial.run(trial.sets(), door=door)
        for fault in dict.fromkeys(door.faults):
            yield Finding("asks", f"it {fault}", "one call of ask for all prompts", "see sl.LLM.ask")
        if door.faults or not door.prompts:
            return
        failed = suite.door(fails={0})
        try:
            other = trial.run(trial.sets(), door=failed)
        except DataError:
            continue
        except Failed as error:
            yield Finding("asks", f"where a call failed it {error}", PROMISED, "an answer is None then")
            return
        if not _lacks(base, other):
            yield Finding(
                "asks",
                "a call failed, and no row has less for it",
                "a row without a verdict: a missing number, no label, or left out",
                "where an answer is None, return NaN or None for its row; no number stands for a failure",
            )
            return


def _lacks(base: Outcome, other: Outcome) -> bool:
    """Whether some row has something missing, or is left out, that it had before."""
    return any(
        len(other[port].ids) < len(said.ids)
        or any(_missing(other[port].each[name]) > _missing(said.each[name]) for name in said.each)
        for port, said in base.items()
    )


def _missing(values: list[Any]) -> int:
    return sum(value is None or value != value for value in values)
