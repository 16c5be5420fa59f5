"""How a method asks a language model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from selectlang.ports import Model

A = TypeVar("A")
Prompt = Sequence[tuple[str, str]]
"""A conversation to be gone on with: (role, content) pairs; roles are system, user, assistant."""


class LLM(Protocol):
    """The door to language models. A method that has a parameter `llm: sl.LLM` is given it.

    `calls` and `cost` are what the stage's answers took so far, whenever they were paid; `cost` is in
    dollars, and NaN where a price is not known.
    """

    calls: int
    cost: float

    def ask(
        self,
        model: str | Model,
        prompts: Iterable[Prompt],
        parse: Callable[[str], A],
        *,
        total: int,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        form: dict[str, Any] | None = None,
        again: int = 1,
        max_failed: float = 0.0,
    ) -> list[A | None]:
        """Ask all prompts, many at a time, and read the answers by `parse`; None where a call failed.

        An answer that is in the call store is not asked for again. One that `parse` refuses with a
        ValueError is asked for `again` times more, then it is a failure of kind `unparsed`, with its text
        kept. Failures are reported by the engine; a DataError when they are more than the share
        `max_failed` of all. Ask everything in one call: a plan prices the first of a method alone.

        model: a name as litellm takes it, `local/...` for a transformers model in this process, or a
            trained model
        prompts: read as they are needed, `total` of them
        seed: sent along when temperature is above 0, so that draws can be repeated
        form: the JSON Schema of the answer, used by models that can be held to one; `parse` gets the text
        """
        ...
