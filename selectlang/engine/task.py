"""Tasks: calls of methods as a walk lays them out, and who is told when they run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from selectlang.amount import Amount
from selectlang.draws import derive
from selectlang.engine.handles import Handle
from selectlang.language.program import Call
from selectlang.methods import Method
from selectlang.ports import Selection

if TYPE_CHECKING:
    from selectlang.llm.tally import Tally


@dataclass
class Task:
    """One call of a walk: in a loop, one for each round. `also` are other stages with this very result."""

    path: str
    method: Method
    settings: dict[str, Any]
    inputs: dict[str, list[Handle]]
    seed: int | None
    key: str
    cached: bool
    rounds: tuple[int, ...] = ()
    seconds: float = 0.0
    inside: float = 0.0  # of which in the method itself
    ran: bool = False
    also: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The kind and method, for people."""
        return f"{self.method.kind} {self.method.name}"

    def marked(self, value: Any) -> Any:
        """A selection of this task with the budget, and the round of a loop, in the `why` of each row.

        What is stored says so only if it follows from the key: the method does, and the round by way of the
        seed, but not the name of the stage.
        """
        if self.method.kind != "budget" or not isinstance(value, Selection):
            return value
        import numpy as np

        said: dict[str, Any] = {"budget": self.method.name}
        if self.rounds:
            numbers = [index + 1 for index in self.rounds]
            said["round"] = numbers[0] if len(numbers) == 1 else ".".join(map(str, numbers))
        why = {name: np.full(len(value.rows), what) for name, what in said.items()}
        return replace(value, why={**why, **value.why})


def seed_of(step: Call, seed: int, rounds: tuple[int, ...]) -> int:
    """The seed of a call, below 2**31: from the spec's seed and the stage's path, or from the stage's own."""
    if step.seed is None:
        return derive(seed, step.path, *rounds)
    return derive(step.seed, *rounds) if rounds or step.seed >= 2**31 else step.seed


def setting(step: Call, name: str, value: Any, rounds: tuple[int, ...]) -> Any:
    """A setting as the method gets it: amounts are read, and divided by `over`."""
    if value is None or not step.method.settings[name].is_amount:
        return value
    amount = Amount.parse(value)
    return amount.of_round(rounds[-1], step.over) if step.over and rounds else amount


class Watcher:
    """Is told what a walk does; this one does nothing about it."""

    def start(self, task: Task, rows: int) -> None:
        """A task is about to run."""

    def kept(self, task: Task, done: int, total: int) -> None:
        """Some rows of a task are done since a run that was ended."""

    def rows(self, task: Task, done: int, total: int) -> None:
        """Some rows of a task are done."""

    def asked(self, task: Task, tally: Tally) -> None:
        """Some calls to a model are done."""

    def finish(self, task: Task) -> None:
        """A task has run."""

    def fail(self, task: Task) -> None:
        """A task has failed while others are under way, which end first."""

    def wait(self, task: Task) -> None:
        """Another run is at the same task; its result will do."""
