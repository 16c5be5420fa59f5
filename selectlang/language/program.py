"""A checked spec: what the engine runs. Every name is resolved, every setting has its value."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from selectlang.faults import Place
from selectlang.language.spec import Param
from selectlang.methods import Method
from selectlang.origins.origin import Origin


@dataclass(frozen=True)
class Type:
    """The type of a port: `kind` is a port type, or None when a fault hides it; `about` names a data set."""

    kind: type[Any] | None = None
    about: str | None = None

    def __str__(self) -> str:
        name = self.kind.__name__ if self.kind else "?"
        return f"{name}[{self.about}]" if self.about else name


@dataclass(frozen=True)
class Ref:
    """A reference: a data set, stage or carry by name, its port, and for labels one verdict."""

    name: str
    port: str | None
    verdict: str | None
    type: Type
    place: Place


@dataclass
class Call:
    """A stage that calls a method."""

    path: str
    name: str
    method: Method
    wires: dict[str, list[Ref]]
    settings: dict[str, Any]
    over: int | None
    seed: int | None


COMPARE: dict[str, Callable[[float, float], bool]] = {
    "at_least": operator.ge, "at_most": operator.le, "above": operator.gt, "below": operator.lt,
}  # fmt: skip


@dataclass
class Until:
    """Ends a loop after a round whose metric satisfies the comparison; `within` is that of a plateau."""

    metric: Ref
    comparison: str
    bound: float
    within: float = 0.0

    def __str__(self) -> str:
        metric = ".".join(part for part in (self.metric.name, self.metric.port) if part)
        return f"{metric} {self.comparison} {self.bound:.12g}"

    def holds(self, values: list[float]) -> bool:
        """Whether the loop ends after rounds that gave these numbers; a round may have given none (NaN)."""
        if not values:
            return False
        if self.comparison == "plateau":
            known = [value for value in values if value == value]
            old, new = known[: -int(self.bound)], known[-int(self.bound) :]
            return bool(old) and max(new) <= max(old) + self.within
        if self.comparison == "total_at_least":
            return sum(value for value in values if value == value) >= self.bound
        return COMPARE[self.comparison](values[-1], self.bound)


@dataclass
class Carried:
    """What a round hands to the next, and what the first round starts from."""

    next: Ref
    start: Ref | None
    type: Type


@dataclass
class Rounds:
    """A loop."""

    path: str
    name: str
    rounds: int
    until: list[Until]
    carry: dict[str, Carried]
    steps: list[Step]


@dataclass
class Nested:
    """A recipe: a program of its own scope, and the rows that stand for its data sets."""

    path: str
    name: str
    program: Program
    data: dict[str, Ref]


Step = Call | Rounds | Nested


@dataclass
class Program:
    """A spec that has no faults.

    `declared` are its params, `params` the values of those that have one, and `missing` the names of those
    that need one yet. `notes` are sentences about what may not have been meant. `origins` are all files that
    the spec was read from, itself first; a recipe has none of its own.
    """

    name: str
    doc: str
    cite: list[str]
    file: str
    declared: dict[str, Param]
    params: dict[str, Any]
    data: dict[str, dict[str, Any]]
    steps: list[Step]
    outputs: dict[str, Ref]
    limits: dict[str, Any]
    seed: int
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)


def calls(steps: list[Step]) -> int:
    """How often steps call a method, with all rounds; a loop of unknown length counts as one round."""
    count = 0
    for step in steps:
        if isinstance(step, Call):
            count += 1
        elif isinstance(step, Nested):
            count += calls(step.program.steps)
        else:
            count += calls(step.steps) * (step.rounds if isinstance(step.rounds, int) else 1)
    return count
