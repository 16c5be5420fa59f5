"""A stand-in for the door to language models: it answers by a rule, and can be told to fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

import selectlang as sl

A = TypeVar("A")


class FakeLLM:
    """Answers each prompt by `rule`, whenever it is asked; the calls of prompts numbered in `fails` fail."""

    def __init__(
        self, rule: Callable[[sl.Prompt], str], fails: Collection[int] = (), price: float = 0.5
    ) -> None:
        self.rule, self.fails, self.price = rule, fails, price
        self.calls, self.cost = 0, 0.0
        self.models: list[Any] = []
        self.prompts: list[list[tuple[str, str]]] = []
        self.options: dict[str, Any] = {}
        self.unparsed: list[str] = []

    def ask(
        self,
        model: str | sl.Model,
        prompts: Iterable[sl.Prompt],
        parse: Callable[[str], A],
        *,
        total: int,
        again: int = 1,
        max_failed: float = 0.0,
        **options: Any,
    ) -> list[A | None]:
        assert not isinstance(prompts, list), "prompts are read as they are needed"
        self.models.append(model)
        self.options = {**options, "again": again, "max_failed": max_failed}
        answers: list[A | None] = []
        for number, prompt in enumerate(prompts):
            assert all(role in ("system", "user", "assistant") for role, _ in prompt)
            self.prompts.append(list(prompt))
            answers.append(None if number in self.fails else self._answer(prompt, parse, again))
        assert len(answers) == total, "total is the number of prompts"
        failed = answers.count(None)
        if failed > max_failed * total:
            raise sl.DataError(f"{failed} of {total} calls failed")
        return answers

    def _answer(self, prompt: sl.Prompt, parse: Callable[[str], A], again: int) -> A | None:
        for _ in range(again + 1):
            self.calls += 1
            self.cost += self.price
            text = self.rule(prompt)
            try:
                return parse(text)
            except ValueError:
                self.unparsed.append(text)
        return None


def block(prompt: sl.Prompt, heading: str) -> str:
    """What stands under a heading of a packaged prompt, as in `[Answer 1]`."""
    match = re.search(rf"^\[{heading}\]\n(.*?)\n\n\[", prompt[-1][1], re.S | re.M)
    assert match, prompt
    return match[1]
