"""judge: binary"""

from __future__ import annotations

from functools import partial
from typing import Generic, NamedTuple

import selectlang as sl

from .. import _prompts
from . import _parse

SYSTEM, PROMPT = _prompts.packaged("system"), _prompts.packaged("binary")
FIELDS = ("instruction", "response", "question", "yes", "no")


class Answered(NamedTuple, Generic[sl.P]):
    """The answers about rows, as labels and as numbers, the share of yes, and what that took."""

    labels: sl.Labels[sl.P]
    scores: sl.Scores[sl.P]
    rate: sl.Metric
    calls: sl.Metric
    cost: sl.Metric


def _together(model: object, model_: str | None, yes: str, no: str, prompt: str, system: str) -> None:
    _prompts.check_model(model, model_)
    words = {_parse.word(yes), _parse.word(no)}
    if len(words) < 2 or "" in words:
        raise sl.DataError(f"yes and no are two words that a judge answers by; found {yes!r} and {no!r}.")
    _prompts.check((system, prompt), FIELDS, [("question",), ("instruction", "response")])


def _verdicts(yes: str, no: str) -> list[str]:
    return [no, yes]


@sl.judge(check=_together, verdicts=_verdicts)
def binary(
    rows: sl.Rows[sl.P],
    model: sl.Model | None = None,
    *,
    model_: sl.ModelName | None = None,
    question: str,
    yes: str = "yes",
    no: str = "no",
    prompt: str = PROMPT,
    system: str = SYSTEM,
    temperature: _prompts.Temperature = 0,
    max_tokens: _prompts.Count = 128,
    structured: _prompts.Structured = "auto",
    again: _prompts.Times = 1,
    max_failed: _prompts.Share = 0.05,
    seed: int,
    llm: sl.LLM,
) -> Answered[sl.P]:
    """A judge answers one question about each row, by one of two words: one call a row.

    The verdicts of `labels` are the two words; `scores` is 1 for `yes` and 0 for `no`, and `rate` is the
    share of `yes` among the verdicts. An answer that does not begin with one of the words, nor gives one as
    `Answer: yes` or in JSON, is a failed call: its row stays without a verdict, and its score is missing.
    `calls` and `cost` (dollars) count what the answers took.

    Settings:
        model: the judge, as litellm names it, or local/NAME; or the port, for a model that a stage trained
        question: what is asked about a row, such as Is the answer correct?
        yes: the word for yes, also the name of the verdict
        no: the word for no, also the name of the verdict
        prompt: what the judge is asked, with {question}, {instruction} or {response} or both, and may be
            {yes} and {no}
        system: the turn of the system, with the same fields; empty for none
        temperature: 0 for the likeliest answer
        max_tokens: where the judge is cut off; the word stands on its first line
        structured: auto holds a model that can be held to one to a JSON form, never asks for plain text
        again: how often an answer that cannot be read is asked for once more
        max_failed: the share of calls that may fail before the stage stops
    """
    import numpy as np

    _together(model, model_, yes, no, prompt, system)
    judge = _prompts.one_model(model, model_)
    same = {"question": question, "yes": yes, "no": no}
    texts = zip(_prompts.texts(rows, "instruction"), _prompts.texts(rows, "response"), strict=True)
    answers = llm.ask(
        judge,
        (
            _prompts.conversation(system, prompt, {**same, "instruction": instruction, "response": response})
            for instruction, response in texts
        ),
        partial(_parse.choice, yes=yes, no=no),
        total=len(rows),
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        form=_parse.choice_form(yes, no) if structured == "auto" else None,
        again=again,
        max_failed=max_failed,
    )
    codes = np.array([-1 if answer is None else answer for answer in answers], dtype=np.int8)
    return Answered(
        sl.Labels(rows, codes, _verdicts(yes, no)),
        sl.Scores(rows, np.where(codes >= 0, codes, np.nan)),
        _prompts.mean(codes[codes >= 0]),
        sl.Metric(llm.calls),
        sl.Metric(llm.cost),
    )
