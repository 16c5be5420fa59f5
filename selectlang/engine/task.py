"""Tasks: calls of methods as a walk lays them out, and who is told when they run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from selectlang.amount import Amount
from selectlang.engine.handles import Handle
from selectlang.language.program import Call
from selectlang.methods import Method


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
    seconds: float = 0.0
    inside: float = 0.0  # of which in the method itself
    ran: bool = False
    also: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The kind and method, for people."""
        return f"{self.method.kind} {self.method.name}"


def setting(step: Call, name: str, value: Any, rounds: tuple[int, ...]) -> Any:
    """A setting as the method gets it: amounts are read, and divided by `over`."""
    if value is None or step.method.settings[name].schema.get("format") != "amount":
        return value
    amount = Amount.parse(value)
    return amount.of_round(rounds[-1], step.over) if step.over and rounds else amount


class Watcher:
    """Is told what a walk does; this one does nothing about it."""

    def start(self, task: Task, rows: int) -> None:
        """A task is about to run."""

    def rows(self, task: Task, done: int, total: int) -> None:
        """Some rows of a task are done."""

    def finish(self, task: Task) -> None:
        """A task has run."""

    def wait(self, task: Task) -> None:
        """Another run is at the same task; its result will do."""
