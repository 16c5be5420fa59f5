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
        return text, _after(before, text)
    eos = tokenizer.eos_token or ""
    text = sl.render(turns, "full", template, eos)
    response = sl.render(turns, "response", template, eos)
    if sl.response_at(turns) == len(turns):
        return text, len(text)
    tag = len("<|assistant|>\n") if template == "tulu" else 0
    return text, min(len(text), len(text) - len(response) + tag)


def answers(tokenizer: Any, turns: Turns, template: ModelTemplate) -> tuple[str, list[tuple[int, int]]]:
    """A conversation as text to learn from, and the characters, from and up to, of each answer in it.

    An answer ends in the end-of-sequence token, in the plain template too, for a model learns from it when
    to stop; the tag that opens it is not its own. An empty answer has no place in the list.
    """
    spans = []
    if template == "chat":
        text = _chat(tokenizer, turns)
        for i, (role, content) in enumerate(turns):
            if role == "assistant" and content.strip():
                start = _after(_chat(tokenizer, turns[:i], add_generation_prompt=True), text)
                spans.append((start, _after(_chat(tokenizer, turns[: i + 1]).rstrip(), text)))
        return text, spans
    text, eos = "", tokenizer.eos_token or ""
    for role, content in turns:
        content = content.strip()
        if template == "plain" and not content:
            continue
        between = ("\n\n" if template == "plain" else "\n") if text else ""
        text += between + (f"<|{role}|>\n" if template == "tulu" else "")
        start = len(text)
        text += content + (eos if role == "assistant" else "")
        if role == "assistant" and content:
            spans.append((start, len(text)))
    return text, spans


_TULU = (
    "{% for m in messages %}{{ '\n' if not loop.first else '' }}<|{{ m['role'] }}|>{{ '\n' }}"
    "{{ m['content'] | trim }}{{ eos_token if m['role'] == 'assistant' else '' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '\n<|assistant|>\n' }}{% endif %}"
)
_PLAIN = (
    "{% for m in messages if m['content'] | trim %}{{ '\n\n' if not loop.first else '' }}"
    "{{ m['content'] | trim }}{{ eos_token if m['role'] == 'assistant' else '' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '\n\n' }}{% endif %}"
)


def chat_template(tokenizer: Any, template: ModelTemplate) -> str | None:
    """The chat template of a model that has learnt from `answers`: it is asked as it was taught."""
    if template == "chat":
        return str(tokenizer.chat_template)
    starts = tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id is not None
    return ("{{ bos_token }}" if starts else "") + (_TULU if template == "tulu" else _PLAIN)


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


def _after(before: str, text: str) -> int:
    """Where in a text the part ends that is written alike without what follows."""
    if not text.startswith(before):
        raise sl.DataError(
            "the chat template of this model writes an instruction in another way when an answer "
            "follows, so that the response cannot be told apart; use template: tulu or plain."
        )
    return len(before)


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
