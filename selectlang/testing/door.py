"""A door to language models that answers at once, by a rule: for tests of methods that ask."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from selectlang.errors import DataError
from selectlang.llm.ask import Prompt
from selectlang.ports import Model

A = TypeVar("A")
ROLES = ("system", "user", "assistant")


class Door:
    """Stands for language models in a test: `answer` gives the text for a prompt, at once and for nothing.

    Calls whose number is in `fails` fail. `prompts` are all that was asked, `options` the keywords of each
    call of `ask`, and `faults` what a real door would not have taken well.
    """

    def __init__(self, answer: Callable[[Prompt], str], fails: Collection[int] = ()) -> None:
        self.answer, self.fails = answer, fails
        self.calls, self.cost = 0, 0.0
        self.prompts: list[list[tuple[str, str]]] = []
        self.options: list[dict[str, Any]] = []
        self.faults: list[str] = []

    def ask(
        self,
        model: str | Model,
        prompts: Iterable[Prompt],
        parse: Callable[[str], A],
        *,
        total: int,
        again: int = 1,
        max_failed: float = 0.0,
        **options: Any,
    ) -> list[A | None]:
        """Answer all prompts in turn; a DataError when more than the share `max_failed` of them fail."""
        if self.options:
            self.faults.append("calls ask more than once; a plan prices what the first call asks")
        self.options.append(options)
        answers: list[A | None] = []
        for number, prompt in enumerate(prompts):
            self._look(prompt)
            self.prompts.append(list(prompt))
            answers.append(None if number in self.fails else self._read(prompt, parse, again))
        if len(answers) != total:
            self.faults.append(f"asks {len(answers)} prompts and says total={total}; a plan prices the total")
        failed = answers.count(None)
        if failed > max_failed * total:
            raise DataError(
                f"{failed} of {total} calls failed, more than max_failed {max_failed:g} allows; the first "
                f"prompt was answered {self.answer(self.prompts[0])!r}"
            )
        return answers

    def _look(self, prompt: Prompt) -> None:
        if odd := {role for role, _ in prompt} - set(ROLES):
            self.faults.append(f"a prompt has a turn of {sorted(odd)[0]!r}; roles are {', '.join(ROLES)}")
        if not prompt or not all(isinstance(text, str) for _, text in prompt):
            self.faults.append("a prompt is no list of (role, text) pairs")

    def _read(self, prompt: Prompt, parse: Callable[[str], A], again: int) -> A | None:
        for _ in range(again + 1):
            self.calls += 1
            try:
                return parse(self.answer(prompt))
            except ValueError:
                continue
        return None
