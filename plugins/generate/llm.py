"""generate: llm"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import selectlang as sl

from .. import _prompts

if TYPE_CHECKING:
    from collections.abc import Iterator


def _together(model: object, model_: str | None, prompt: str) -> None:
    _prompts.check_model(model, model_)
    if prompt:
        _prompts.check([prompt], ["instruction"], [("instruction",)])


@sl.generate(check=_together)
def llm(
    rows: sl.Rows[sl.P],
    model: sl.Model | None = None,
    *,
    model_: sl.ModelName | None = None,
    prompt: str = "",
    system: str = "",
    temperature: _prompts.Temperature = 0,
    top_p: Annotated[float, sl.schema(exclusiveMinimum=0, maximum=1)] = 1,
    max_tokens: _prompts.Count = 512,
    max_failed: _prompts.Share = 0.05,
    seed: int,
    llm: sl.LLM,
) -> sl.Replies[sl.P]:
    """A language model answers the rows: one call a row.

    It is sent the turns of the row before its first answer, as a chat. The replies are about the rows that
    were answered, in order: a row whose call failed is left out, and an empty answer is a failed call.

    Settings:
        model: the model, as litellm names it, or local/NAME; or the port, for a model that a stage trained
        prompt: one turn to send instead, with the text of those turns as {instruction}; such as the template
            that a model without a chat template was trained on
        system: a turn of the system; without `prompt`, for rows that have none of their own
        temperature: 0 for the likeliest answer; above it, answers are drawn by the seed
        top_p: draw among the likeliest tokens that make up this share
        max_tokens: where an answer is cut off
        max_failed: the share of rows that may stay unanswered before the stage stops
    """
    import numpy as np

    _together(model, model_, prompt)
    answering = _prompts.one_model(model, model_)
    answers = llm.ask(
        answering,
        _conversations(rows, prompt, system),
        _reply,
        total=len(rows),
        max_tokens=max_tokens,
        temperature=temperature,
        top_p=top_p,
        seed=seed,
        max_failed=max_failed,
    )
    answered = np.array([answer is not None for answer in answers], dtype=bool)
    replies = [answer for answer in answers if answer is not None]
    return sl.Replies(sl.Rows(rows.data, rows.positions[answered], replies))


def _conversations(rows: sl.Rows[Any], prompt: str, system: str) -> Iterator[sl.Prompt]:
    before = [("system", system)] if system else []
    for block in _prompts.blocks(rows):
        for turns in block.turns():
            if prompt:
                fields = {"instruction": sl.render(turns, "instruction")}
                yield [*before, ("user", _prompts.filled(prompt, fields))]
                continue
            asked = turns[: sl.response_at(turns)]
            yield asked if any(role == "system" for role, _ in asked) else [*before, *asked]


def _reply(text: str) -> str:
    if not text.strip():
        raise ValueError("expected an answer, found none")
    return text
