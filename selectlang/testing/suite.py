"""A method under test: its trials, and what came of them on ordinary rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

from selectlang.amount import Amount
from selectlang.engine.handles import rows_of
from selectlang.engine.inputs import parts_of
from selectlang.errors import DataError, UsageError
from selectlang.faults import listing, nearest, quoted
from selectlang.language.schemas import fitted, mismatch
from selectlang.llm import fake
from selectlang.llm.ask import Prompt
from selectlang.methods import Method
from selectlang.ports import Model
from selectlang.signature import describe
from selectlang.testing.door import Door
from selectlang.testing.findings import Finding
from selectlang.testing.made import Fields
from selectlang.testing.said import Outcome
from selectlang.testing.trial import Failed, Trial


class Suite:
    """What the checks share about one method. The arguments are those of `check_method`."""

    def __init__(
        self,
        call: Callable[..., Any] | Method,
        settings: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        fields: Fields | None = None,
        answer: Callable[[Prompt], str] | None = None,
        tolerance: float = 1e-4,
        skip: Collection[str] = (),
    ) -> None:
        self.call = call.call if isinstance(call, Method) else call
        self.given, self.inputs, self.fields = dict(settings or {}), dict(inputs or {}), dict(fields or {})
        self.answer, self.tolerance, self.skip = answer, tolerance, skip
        self.told: dict[str, Any] | None = None  # by another process
        self.found: dict[str, list[Finding]] = {}  # by check

    @property
    def name(self) -> str:
        """The kind and the name of the method."""
        kind = getattr(self.call, "selectlang_kind", "method")
        return f"{kind} {getattr(self.call, '__name__', repr(self.call)).rstrip('_')}"

    @property
    def bound(self) -> bool:
        """Whether no other process is to run the method, or none can: it has a function of this one."""
        local = "<locals>" in getattr(self.call, "__qualname__", "")
        return bool(local or self.inputs or self.answer or "processes" in self.skip)

    def request(self) -> dict[str, Any]:
        """What another process needs, to import the method and to run it."""
        name = getattr(self.call, "__qualname__", "")
        return {"name": name, "run": not self.bound, "settings": self.given, "fields": self.fields}

    @cached_property
    def method(self) -> Method:
        """The method as the engine sees it; a BadMethod where it is none."""
        return describe(self.call)

    @cached_property
    def trials(self) -> list[Trial]:
        """Without optional inputs and, where there are some, with them; a UsageError for what lacks."""
        self._usable()
        first = Trial(self.method, self._settings(), self.inputs, self.fields, self.answer or _judge)
        second = first.with_optional()
        return [first] if second is None else [first, second]

    def _usable(self) -> None:
        ports = {port.name: port for port in self.method.inputs}
        for name, value in self.inputs.items():
            if name not in ports:
                raise UsageError(f"{self.name} has no input {quoted(name)}{nearest(name, ports)}")
            if any(rows_of(part) is not None for part in parts_of([value])):
                raise UsageError(
                    f"input {quoted(name)} is tried on several sets of rows; give a function that makes it "
                    "from rows, as in inputs={" + repr(name) + ": lambda rows: ...}"
                )
        for name, port in ports.items():
            if port.kind is Model and not port.optional and name not in self.inputs:
                raise UsageError(
                    f"{self.name} needs a model as input {quoted(name)}; give one, as in "
                    f"inputs={{{name!r}: sl.Model(Path('folder'))}}"
                )

    def _settings(self) -> dict[str, Any]:
        """The value of each setting, as the method is given it."""
        known = self.method.settings
        for name in self.given:
            if name not in known:
                raise UsageError(
                    f"{self.name} has no setting {quoted(name)}{nearest(name, known)} "
                    f"(settings: {listing(known) or 'none'})"
                )
        found = {}
        for name, setting in known.items():
            if setting.required and name not in self.given:
                raise UsageError(
                    f"setting {quoted(name)} of {self.name} has no default; give it a value to be tried "
                    f"with, as in settings={{{name!r}: ...}}"
                )
            value = self.given.get(name, setting.default)
            value = str(value) if isinstance(value, Amount) else value
            if name in self.given and (problem := mismatch(value, setting.schema)):
                raise UsageError(f"setting {quoted(name)} of {self.name}{problem[1]}")
            parsed = value is not None and setting.is_amount
            found[name] = Amount.parse(value) if parsed else fitted(value, setting.schema)
        return found

    @cached_property
    def outcomes(self) -> list[Outcome | DataError | Failed]:
        """What came of each trial on ordinary rows."""
        found: list[Outcome | DataError | Failed] = []
        for trial in self.trials:
            try:
                found.append(trial.run(trial.sets()))
            except (DataError, Failed) as error:
                found.append(error)
        return found

    @property
    def base(self) -> list[tuple[Trial, Outcome]]:
        """The trials that can be run on ordinary rows, and what came of them."""
        pairs = zip(self.trials, self.outcomes, strict=True)
        return [(trial, found) for trial, found in pairs if not isinstance(found, DataError | Failed)]

    def door(self, **given: Any) -> Door:
        """A door to language models that answers as in all trials."""
        return Door(self.answer or _judge, **given)


def _judge(prompt: Prompt) -> str:
    """The stand-in `fake/judge`, which grades the answers that stand under a heading such as [Answer]."""
    return fake.answer("judge", [{"role": role, "content": text} for role, text in prompt])
