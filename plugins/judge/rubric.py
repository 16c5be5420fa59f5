"""judge: rubric"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

import selectlang as sl

from .. import _prompts
from . import _parse

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEM, PROMPT = _prompts.packaged("system"), _prompts.packaged("rubric")
FIELDS = ("instruction", "response", "criterion", "low", "high")
QUALITY = {"quality": "how helpful, relevant, accurate, deep, creative and detailed it is"}


class Graded(NamedTuple, Generic[sl.P]):
    """The scores of rows, their grades by criterion, the mean score of all, and what that took."""

    scores: sl.Scores[sl.P]
    grades: sl.Scores[sl.P]
    mean: sl.Metric
    calls: sl.Metric
    cost: sl.Metric


def _together(
    model: object,
    model_: str | None,
    criteria: list[str] | dict[str, str],
    prompt: str,
    system: str,
    low: float,
    high: float,
) -> None:
    _prompts.check_model(model, model_)
    needed = [("instruction", "response")] + [("criterion",)] * (len(_described(criteria)) > 1)
    _prompts.check((system, prompt), FIELDS, needed)
    _prompts.check_scale(low, high)


@sl.judge(check=_together)
def rubric(
    rows: sl.Rows[sl.P],
    model: sl.Model | None = None,
    *,
    model_: sl.ModelName | None = None,
    criteria: list[str] | dict[str, str] = QUALITY,
    prompt: str = PROMPT,
    system: str = SYSTEM,
    low: float = 1,
    high: float = 10,
    temperature: _prompts.Temperature = 0,
    max_tokens: _prompts.Count = 512,
    structured: _prompts.Structured = "auto",
    again: _prompts.Times = 1,
    max_failed: _prompts.Share = 0.05,
    seed: int,
    llm: sl.LLM,
) -> Graded[sl.P]:
    """A judge grades each row alone, by one or more named criteria: one call a row and criterion.

    `scores` is the mean of a row's grades, missing where one of them is; `grades` has a column for each
    criterion. The judge of Diversify and Conquer (arXiv:2409.11378, appendix C) is the default, in other
    words: an explanation, then `[[rating]]` from 1 to 10. AlpaGasus (arXiv:2307.08701) is the criterion
    accuracy from 0 to 5, by a prompt that asks for the number on the first line. Read are the last `[[7]]`; a
    number alone on the first line; the last `Rating: 7` or `Score: 7/10`, where the scale ends in 10; and
    JSON with a `rating`. What is none of them, or out of the scale, is a failed call, never a low grade.
    `mean` is the mean of `scores`; `calls` and `cost` (dollars) count what the answers took.

    Settings:
        model: the judge, as litellm names it, or local/NAME; or the port, for a model that a stage trained
        criteria: names of what is graded, or names with what each means
        prompt: what the judge is asked, with {instruction} or {response} or both, {criterion} (its name, a
            colon and its meaning; needed when there are several), and may be {low} and {high}
        system: the turn of the system, with the same fields; empty for none
        low: the lowest grade there is; an answer out of the scale is refused
        high: the highest grade there is
        temperature: 0 for the likeliest answer
        max_tokens: where the judge is cut off; enough for what it explains before it grades
        structured: auto holds a model that can be held to one to a JSON form, never asks for plain text
        again: how often an answer that cannot be read is asked for once more
        max_failed: the share of calls that may fail before the stage stops
    """
    import numpy as np

    _together(model, model_, criteria, prompt, system, low, high)
    judge = _prompts.one_model(model, model_)
    wanted = _described(criteria)
    scale = {"low": _prompts.shown(low), "high": _prompts.shown(high)}
    answers = llm.ask(
        judge,
        (_prompts.conversation(system, prompt, {**each, **scale}) for each in _fields(rows, wanted)),
        partial(_parse.grade, low=low, high=high),
        total=len(rows) * len(wanted),
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        form=_parse.GRADE_FORM if structured == "auto" else None,
        again=again,
        max_failed=max_failed,
    )
    numbers = np.array([np.nan if answer is None else answer for answer in answers], dtype=np.float64)
    grades = numbers.reshape(len(rows), len(wanted))
    scores = grades.mean(axis=1)
    return Graded(
        sl.Scores(rows, scores),
        sl.Scores(rows, grades, list(wanted)),
        _prompts.mean(scores[~np.isnan(scores)]),
        sl.Metric(llm.calls),
        sl.Metric(llm.cost),
    )


def _described(criteria: list[str] | dict[str, str]) -> dict[str, str]:
    """Each criterion by its name, as a judge reads it; a DataError for none, no name, or a name twice."""
    if not criteria or not all(name.strip() for name in criteria):
        raise sl.DataError("criteria are names of what is graded; expected one or more, none of them empty.")
    if len(set(criteria)) < len(criteria):
        raise sl.DataError(f"a criterion is named twice: {', '.join(criteria)}; name each once.")
    if isinstance(criteria, list):
        return {name: name for name in criteria}
    return {name: f"{name}: {meaning}" if meaning.strip() else name for name, meaning in criteria.items()}


def _fields(rows: sl.Rows[Any], criteria: dict[str, str]) -> Iterator[dict[str, str]]:
    """The fields of each call in turn."""
    texts = zip(_prompts.texts(rows, "instruction"), _prompts.texts(rows, "response"), strict=True)
    for instruction, response in texts:
        for criterion in criteria.values():
            yield {"instruction": instruction, "response": response, "criterion": criterion}
