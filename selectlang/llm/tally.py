"""What a stage asked of a model, and what a run may ask in all."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from selectlang.errors import CapReached
from selectlang.llm.calls import Answer
from selectlang.llm.options import Options
from selectlang.tables import dollars

EXAMPLES = 5  # failures kept with their reasons


@dataclass
class Tally:
    """What one stage asked of one model so far.

    `done` of the `total` prompts have an answer, or have failed for good. `calls` are the different
    answers used, `stored` of which were in the call store before; tokens and dollars are those of `calls`,
    whenever they were paid, and `spent` are the dollars of those that were not stored. `cost` and `spent` are
    None once a price is not known. `retried` counts tries that failed and were made again.
    """

    stage: str
    model: str
    total: int = 0
    done: int = 0
    calls: int = 0
    stored: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = 0.0
    spent: float | None = 0.0
    failed: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def use(self, answer: Answer) -> None:
        """Count an answer."""
        self.calls += 1
        self.stored += answer.stored
        self.tokens_in += answer.tokens_in
        self.tokens_out += answer.tokens_out
        self.cost = _sum(self.cost, answer.cost)
        self.spent = _sum(self.spent, 0.0 if answer.stored else answer.cost)

    def fail(self, kind: str, example: str) -> None:
        """Count a prompt that failed for good."""
        self.failed[kind] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)

    @property
    def paid(self) -> int:
        """Answers that this run asked for."""
        return self.calls - self.stored

    @property
    def cost_in_all(self) -> float | None:
        """Dollars when all prompts are done, if the others take what these took; None when not known."""
        return None if self.cost is None or not self.done else self.cost * self.total / self.done

    def kinds(self) -> str:
        """The failures by kind, for people."""
        return ", ".join(f"{count:,} {kind}" for kind, count in self.failed.most_common())

    def note(self) -> str:
        """A sentence about what failed; empty when nothing did."""
        if not self.failed:
            return ""
        count = f"{self.failed.total():,} of {self.total:,} calls to {self.model} failed"
        return f"{count} and are left out: {self.kinds()}. The first: {self.examples[0]}"

    def too_many(self, failed: int, unread: int, total: int, most: float) -> str:
        """Why a stage stops of whose `total` calls so many failed, `unread` of which have an answer."""
        count = f"{failed:,} of {total:,} calls to {self.model} failed ({self.kinds()})"
        todo = ["Answers that came are kept."]
        if failed > unread:
            todo.append("Run it again to ask for those that did not come.")
        if unread:
            todo.append(
                "One that cannot be read is not asked for again: change prompt or model, or raise again."
            )
        share = f"more than the share {most:g} that may"
        return f"{count}, {share}. {self.examples[0]}. {' '.join(todo)} Or raise max_failed."

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for the record."""
        both = {"cost": self.cost, "spent": self.spent}
        money = {name: of if of is None else round(of, 9) for name, of in both.items()}
        counts = {"failed": dict(self.failed), "retried": dict(self.retried)}
        return {**asdict(self), **counts, **money, "paid": self.paid}


def _sum(so_far: float | None, more: float | None) -> float | None:
    return None if so_far is None or more is None else so_far + more


class Caps:
    """What a run took, what its calls on the way may take, and what both may not pass.

    It took the answers that it uses, those of the store too, and what was answered by nothing usable. Several
    stages may ask at once, each in its thread.
    """

    def __init__(self, options: Options) -> None:
        self.max_calls, self.max_cost = options.max_calls, options.max_cost
        self.calls, self.cost, self.unknown = 0, 0.0, 0
        self._flying, self._reserved = 0, 0.0
        self._guard = threading.Lock()

    @property
    def bounded(self) -> bool:
        """Whether there is a cap at all."""
        return self.max_calls is not None or self.max_cost is not None

    def use(self, calls: int, cost: float | None) -> None:
        """Count answers."""
        with self._guard:
            self.calls += calls
            self.cost += cost or 0.0
            self.unknown += calls if cost is None else 0

    def take(self, most: float) -> bool | None:
        """Room for a call that costs `most` dollars at most.

        False when there is none while others are on the way, which may leave some; None when none are.
        """
        with self._guard:
            calls, cost = self.calls + self._flying + 1, self.cost + self._reserved + most
            if (self.max_calls is not None and calls > self.max_calls) or (
                self.max_cost is not None and cost > self.max_cost
            ):
                return False if self._flying else None
            self._flying += 1
            self._reserved += most
            return True

    def give(self, most: float) -> None:
        """The call has ended."""
        with self._guard:
            self._flying -= 1
            self._reserved -= most

    def reached(self, tally: Tally, most: float) -> CapReached:
        """The error that ends a run in which there is no room, not even with no call on the way."""
        by_calls = self.max_calls is not None and self.calls + 1 > self.max_calls
        cap = f"max_calls {self.max_calls:,}" if by_calls else f"max_cost {dollars(self.max_cost or 0)}"
        so_far = f"{self.calls:,} calls and {dollars(self.cost)} so far"
        next_call = "" if by_calls else f", and the next call may take {dollars(most)}"
        unknown = f", {self.unknown:,} of them at a price that is not known" if self.unknown else ""
        return CapReached(
            f"{tally.stage}: stopped before {cap} was passed. This run took {so_far}"
            f"{unknown}{next_call}; {tally.done:,} of {tally.total:,} prompts of this stage are done. All "
            "answers are kept: raise the cap and run it again, and it goes on from there."
        )
