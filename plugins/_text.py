"""Rows as text for a language model, by its own chat template too."""

from __future__ import annotations

from typing import Any, Literal

import selectlang as sl

ModelTemplate = Literal["tulu", "plain", "chat"]
Turns = list[tuple[str, str]]


def whole(tokenizer: Any, turns: Turns, template: ModelTemplate) -> tuple[str, int]:
    """A conversation as text, and the character at which its response begins.

    The tag that opens the response, such as `<|assistant|>`, belongs to what comes before it: a model that
    answers is given the tag.
    """
    if template == "chat":
        text = _chat(tokenizer, turns)
        before = _chat(tokenizer, turns[: sl.response_at(turns)], add_generation_prompt=True)
        if not text.startswith(before):
            raise sl.DataError(
                "the chat template of this model writes an instruction in another way when an answer "
                "follows, so that the response cannot be told apart; use template: tulu or plain."
            )
        return text, len(before)
    eos = tokenizer.eos_token or ""
    text = sl.render(turns, "full", template, eos)
    response = sl.render(turns, "response", template, eos)
    if sl.response_at(turns) == len(turns):
        return text, len(text)
    tag = len("<|assistant|>\n") if template == "tulu" else 0
    return text, min(len(text), len(text) - len(response) + tag)


def texts(tokenizer: Any, rows: sl.Rows[Any], text: sl.Text, template: ModelTemplate) -> list[str]:
    """Each row as text for this model. `chat` is the tokenizer's own chat template."""
    if template != "chat":
        return [sl.render(turns, text, template, tokenizer.eos_token or "") for turns in rows.turns()]
    if text == "full":
        return [_chat(tokenizer, turns) for turns in rows.turns()]
    if text == "instruction":
        return [_chat(tokenizer, turns[: sl.response_at(turns)]) for turns in rows.turns()]
    split = (whole(tokenizer, turns, template) for turns in rows.turns())
    return [full[start:] for full, start in split]


def _chat(tokenizer: Any, turns: Turns, **options: bool) -> str:
    import jinja2  # there wherever torch is

    if not tokenizer.chat_template:
        raise sl.DataError("this model has no chat template; use template: tulu or plain.")
    if not turns:
        return ""
    messages = [{"role": role, "content": content} for role, content in turns]
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, **options))
    except jinja2.TemplateError as error:
        roles = ", ".join(role for role, _ in turns)
        raise sl.DataError(
            f"the chat template of this model refuses a conversation of {roles}: {error}. "
            "Use template: tulu or plain, or another model."
        ) from error
