"""Running a method on made values, as the engine runs it, but without a store."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selectlang.engine.handles import fit, rows_of
from selectlang.engine.inputs import parts_of
from selectlang.engine.joining import joined
from selectlang.engine.mapper import Mapper
from selectlang.engine.returned import outputs
from selectlang.engine.shards import sliced
from selectlang.errors import DataError, MethodError, described
from selectlang.llm.ask import Prompt
from selectlang.methods import Method
from selectlang.ports import Model, Scores, Selection
from selectlang.rows import Rows
from selectlang.testing import made
from selectlang.testing.door import Door
from selectlang.testing.findings import place
from selectlang.testing.said import Outcome, said

SEED = 42
Sets = Mapping[str, Rows[Any]]
"""The rows of each data set that a method speaks about, by the name of its variable."""


class Failed(Exception):
    """A method raised what is no DataError, or returned what its signature does not promise."""


@dataclass(frozen=True)
class Trial:
    """A method with all that it is given, but for rows. `optional` says whether optional inputs are given."""

    method: Method
    settings: Mapping[str, Any]
    given: Mapping[str, Any] = field(default_factory=dict)
    fields: made.Fields = field(default_factory=dict)
    answer: Callable[[Prompt], str] = lambda prompt: ""
    optional: bool = False

    def records(self, turned: int = 0) -> dict[str, list[made.Record]]:
        """Ordinary rows for each data set: many for that of the first input, few for others."""
        return {
            about: made.records("target" if number else "row", 8 if number else 30, self.fields, turned)
            for number, about in enumerate(self.variables)
        }

    @property
    def variables(self) -> list[str]:
        """The names of the variables of data sets; one that is empty where a signature has none."""
        known = dict.fromkeys(port.about for port in self.method.inputs if port.kind is not Model)
        return [name for name in known if name] or [""]

    def sets(self, turned: int = 0) -> Sets:
        """Ordinary rows, as data sets; `turned` as in `made.records`."""
        return {about: made.rows_of(found) for about, found in self.records(turned).items()}

    def inputs(self, sets: Sets) -> dict[str, Any]:
        """A value for each input; a model only where one was given."""
        found = {}
        for port in self.method.inputs:
            rows = sets[port.about] if port.about in sets else sets[self.variables[0]]
            if port.name in self.given:
                own = self.given[port.name]
                own = own(rows) if callable(own) else own
                found[port.name] = [fit(part, port) for part in own] if port.many else fit(own, port)
            elif port.kind is not Model and (self.optional or not port.optional):
                found[port.name] = made.value(port, rows)
        return found

    def run(
        self,
        sets: Sets,
        *,
        seed: int = SEED,
        parts: Sequence[Sequence[int]] | None = None,
        inputs: Mapping[str, Any] | None = None,
        door: Door | None = None,
    ) -> Outcome:
        """What the method says; a DataError that it raised, or Failed.

        A class is given the rows of its input in `parts`, each a list of places; by default all at once.
        """
        values = self.inputs(sets) if inputs is None else dict(inputs)
        with TemporaryDirectory() as scratch:
            engine = {"seed": seed, "llm": door or Door(self.answer), "scratch": Path(scratch)}
            given = {**self.parameters(), **{name: engine[name] for name in self.method.given}}
            try:
                if self.method.is_class:
                    found = self._mapped(values, given, parts, Path(scratch))
                else:
                    found = outputs(self.method, self.method.call(**values, **given), values)
                _finite(found)
                return {port: said(value) for port, value in found.items()}
            except (DataError, Failed):
                raise
            except MethodError as error:
                raise Failed(str(error)) from error
            except (Exception, SystemExit) as error:  # a method may do anything
                raise Failed(f"raised {described(error)} ({_place(error, self.method)})") from error

    def parameters(self) -> dict[str, Any]:
        """The settings by the names of their parameters."""
        known = self.method.settings
        return {known[name].parameter: deepcopy(value) for name, value in self.settings.items()}

    def _mapped(
        self,
        values: dict[str, Any],
        given: dict[str, Any],
        parts: Sequence[Sequence[int]] | None,
        scratch: Path,
    ) -> dict[str, Any]:
        import numpy as np

        batch = next(port for port in self.method.inputs if not port.whole)
        value, port = values[batch.name], self.method.outputs[0]
        rows = rows_of(value)
        assert rows is not None
        whole = {name: each for name, each in values.items() if name != batch.name}
        mapper = Mapper(self.method, lambda: {**whole, **given}, scratch)
        if parts is None:
            return {port.name: mapper.map(sliced(value, 0, len(rows)))}
        results = [(part, mapper.map(_part(value, part))) for part in parts]
        results.sort(key=lambda result: result[0][0])
        index = np.array([place for part, _ in results for place in part])
        return {port.name: joined(port.kind, rows.take(index), (result for _, result in results), scratch)}

    def with_optional(self) -> Trial | None:
        """The same with optional inputs, where there are some."""
        ports = [port for port in self.method.inputs if port.optional and port.kind is not Model]
        return replace(self, optional=True) if any(port.name not in self.given for port in ports) else None

    def kinds(self) -> dict[str, list[type[Any]]]:
        """The types of what is connected to each input, as the check of a method is told them."""
        values = self.inputs(self.sets())
        return {
            port.name: [type(part) for part in parts_of([values[port.name]])] if port.name in values else []
            for port in self.method.inputs
        }


def _part(value: Any, places: Sequence[int]) -> Any:
    """Consecutive rows of a value."""
    return sliced(value, places[0], places[-1] + 1)


def _finite(found: Mapping[str, Any]) -> None:
    """Failed for a number that is infinite: a missing one is NaN, and others are compared and added up."""
    import numpy as np

    for port, value in found.items():
        numbers = value.values if isinstance(value, Scores) else getattr(value, "scores", None)
        if not isinstance(value, Scores | Selection) or numbers is None or not len(value.rows):
            continue
        bad = np.flatnonzero(np.isinf(numbers.astype(float)).reshape(len(value.rows), -1).any(axis=1))
        if len(bad):
            of = f" {port!r}" if port else ""
            name = value.rows.take(bad[:1]).ids()[0]
            raise Failed(f"returned {type(value).__name__}{of} with an infinite number for row {name!r}")


def _place(error: BaseException, method: Method) -> str:
    """Where in the file of the method an exception came from, or wherever else it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    try:
        own = inspect.getsourcefile(method.call)
    except TypeError:
        own = None
    frame = next((frame for frame in reversed(frames) if frame.filename == own), frames[-1])
    return place(frame.filename, frame.lineno)
