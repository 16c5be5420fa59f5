"""judge: pairwise"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple

import selectlang as sl

from .. import _prompts
from .._align import lookup
from . import _parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

SYSTEM, PROMPT = _prompts.packaged("system"), _prompts.packaged("pairwise")
FIELDS = ("instruction", "first", "second", "low", "high")

Order = Literal["random", "row_first", "other_first", "both"]
Ties = Literal["easy", "hard", "drop"]


class Compared(NamedTuple, Generic[sl.P]):
    """The verdicts about rows, by how much each answer of theirs was the better, and what that took."""

    labels: sl.Labels[sl.P]
    scores: sl.Scores[sl.P]
    hard_rate: sl.Metric
    agreement: sl.Metric
    winning_score: sl.Metric
    calls: sl.Metric
    cost: sl.Metric


def _together(model: object, model_: str | None, prompt: str, system: str, low: float, high: float) -> None:
    _prompts.check_model(model, model_)
    _prompts.check((system, prompt), FIELDS, [("instruction",), ("first",), ("second",)])
    _prompts.check_scale(low, high)


def _verdicts() -> list[str]:
    return ["easy", "hard"]


@sl.judge(check=_together, verdicts=_verdicts)
def pairwise(
    rows: sl.Rows[sl.P],
    against: sl.Replies[sl.P],
    model: sl.Model | None = None,
    *,
    model_: sl.ModelName | None = None,
    prompt: str = PROMPT,
    system: str = SYSTEM,
    order: Order = "random",
    ties: Ties = "easy",
    low: float = 1,
    high: float = 10,
    temperature: _prompts.Temperature = 0,
    max_tokens: _prompts.Count = 256,
    structured: _prompts.Structured = "auto",
    again: _prompts.Times = 1,
    max_failed: _prompts.Share = 0.05,
    seed: int,
    llm: sl.LLM,
) -> Compared[sl.P]:
    """A judge scores the answer of each row and a model's reply to the row, side by side.

    A row is `hard` where the reply scores less than its own answer, and `easy` where it scores more
    (IterSelectTune, arXiv:2410.13464). One call a row; two in the order `both`, where the reply is the worse
    one if it loses once and does not win, the better one if it wins once and does not lose, and ties
    otherwise: the rule of nine of Cherry LLM's evaluation.

    `scores` is the score of the row's answer less that of the reply, the mean of both orders. `hard_rate` is
    the share of `hard` among the verdicts. `agreement` is the share of rows with the same outcome in both
    orders, NaN when one was asked. `winning_score` is 1 + (won - lost) / all for the rows' own answers: 0 to
    2, and 1 where they are as good as the replies. Of `labels`, `first` says which answer stood first (row,
    other, both), `own` and `other` the scores. Rows that have no reply are not asked about; they, and rows
    whose calls failed, stay without a verdict. `calls` and `cost` (dollars) count what the answers took.

    Settings:
        model: the judge, as litellm names it, or local/NAME; or the port, for a model that a stage trained
        prompt: what the judge is asked, with {instruction}, {first}, {second}, and may be {low} and {high}
        system: the turn of the system, with the same fields; empty for none
        order: which answer stands first: by chance, from the id of the row and the seed; always the same; or
            both orders, one call each
        ties: what a row is whose answers score the same; drop leaves it without a verdict
        low: the lowest score there is; an answer with a score out of the scale is refused
        high: the highest score there is
        temperature: 0 for the likeliest answer
        max_tokens: where the judge is cut off; the scores stand on its first line
        structured: auto holds a model that can be held to one to a JSON form, never asks for plain text
        again: how often an answer that cannot be read is asked for once more
        max_failed: the share of calls, and of rows, that may fail before the stage stops
    """
    import numpy as np

    _together(model, model_, prompt, system, low, high)
    judge = _prompts.one_model(model, model_)
    place = lookup(against.rows, rows)
    asked = np.flatnonzero(place >= 0)
    if len(rows) and not len(asked):
        raise sl.DataError(
            f"none of the {len(rows):,} rows has a reply among the {len(against.rows):,} given; "
            "compare rows with replies to the same rows."
        )
    own_first = _orders(rows.take(asked), order, seed)
    scale = {"low": _prompts.shown(low), "high": _prompts.shown(high)}
    fields = _fields(rows.take(asked), against.rows.take(place[asked]), own_first)
    answers = llm.ask(
        judge,
        (_prompts.conversation(system, prompt, {**each, **scale}) for each in fields),
        partial(_parse.pair, low=low, high=high),
        total=own_first.size,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        form=_parse.PAIR_FORM if structured == "auto" else None,
        again=again,
        max_failed=max_failed,
    )
    own, other = _sorted_out(answers, own_first)
    failed = int(np.isnan(own - other).any(axis=1).sum())
    if failed > max_failed * len(asked):  # in both orders, each failed call may be of another row
        raise sl.DataError(
            f"{failed:,} of {len(asked):,} rows have no verdict, more than the share {max_failed:g} that "
            "max_failed allows; run again to ask for what failed, or allow for more."
        )
    return _compared(rows, asked, own, other, own_first, ties, llm)


def _orders(rows: sl.Rows[Any], order: Order, seed: int) -> Bools:
    """Whether the row's own answer stands first in each call about a row: (rows, calls)."""
    import numpy as np

    if order == "both":
        return np.tile([True, False], (len(rows), 1))
    if order == "random":
        return rows.draws(seed)[:, None] < 0.5
    return np.full((len(rows), 1), order == "row_first")


def _fields(rows: sl.Rows[Any], replies: sl.Rows[Any], own_first: Bools) -> Iterator[dict[str, str]]:
    """The fields of each call in turn."""
    parts = (
        _prompts.texts(rows, "instruction"),
        _prompts.texts(rows, "response"),
        _prompts.texts(replies, "response"),
    )
    for instruction, own, other, orders in zip(*parts, own_first.tolist(), strict=True):
        for first in orders:
            one, two = (own, other) if first else (other, own)
            yield {"instruction": instruction, "first": one, "second": two}


def _sorted_out(answers: list[tuple[float, float] | None], own_first: Bools) -> tuple[Floats, Floats]:
    """The scores of the rows' own answers and of the replies, NaN where a call failed: (rows, calls)."""
    import numpy as np

    missing = (np.nan, np.nan)
    points = np.array([missing if answer is None else answer for answer in answers], dtype=np.float64)
    first, second = points.reshape(*own_first.shape, 2).transpose(2, 0, 1)
    return np.where(own_first, first, second), np.where(own_first, second, first)


def _compared(
    rows: sl.Rows[sl.P],
    asked: NDArray[np.int64],
    own: Floats,
    other: Floats,
    own_first: Bools,
    ties: Ties,
    llm: sl.LLM,
) -> Compared[sl.P]:
    import numpy as np

    def spread(values: NDArray[Any], nothing: float | str) -> NDArray[Any]:
        """Values of the rows asked about as values of all rows."""
        every = np.full(len(rows), nothing, dtype=values.dtype)
        every[asked] = values
        return every

    outcomes = np.sign(own - other)
    won = np.sign(outcomes.sum(axis=1))  # once for the row's answer and never against it, or the reverse
    codes = np.select([won > 0, won < 0, won == 0], [1, 0, {"easy": 0, "hard": 1, "drop": -1}[ties]], -1)
    both = own_first.shape[1] == 2
    first = np.where(own_first[:, 0], "both" if both else "row", "other")
    why = {"first": first, "own": own.mean(axis=1), "other": other.mean(axis=1)}
    known = ~np.isnan(won)
    agree = outcomes[known, 0] == outcomes[known, -1]
    return Compared(
        sl.Labels(
            rows,
            spread(codes.astype(np.int8), -1),
            _verdicts(),
            {name: spread(values, "" if name == "first" else np.nan) for name, values in why.items()},
        ),
        sl.Scores(rows, spread(why["own"] - why["other"], np.nan)),
        _prompts.mean(codes[codes >= 0]),
        _prompts.mean(agree if both else agree[:0]),
        sl.Metric(1 + _prompts.mean(won[known])),
        sl.Metric(llm.calls),
        sl.Metric(llm.cost),
    )
