"""More that can be planted in the pool: tasks that a model does not know, and garbled answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from random import Random

from selectlang.demo.model import Pair, pairs
from selectlang.demo.pool import TARGET_TASKS, Row

UNKNOWN = "Unknown."
CLOSING = "That is all there is to say about it, and I would say the same to any one who may want to know."
NOISY_TASKS = ("dates", "sentiment", "units")


def half_taught(rows: Iterable[Row], unknown: Collection[str] = TARGET_TASKS) -> list[Pair]:
    """What to teach a model that shall find the tasks `unknown` hard, and no others.

    Its answer to them is one word; to the rows of other tasks it is theirs and a closing sentence. So to a
    judge that likes length and plain words, as `fake/judge` does, the answers of the unknown tasks are better
    than the model's, and those of the other tasks worse: hardness is what a question is about, which a
    classifier can learn from the question. Rows of wrong answers are left out.
    """
    right = [row for row in rows if row["quality"] not in ("mismatched", "short")]
    return [
        (asked, UNKNOWN if row["task"] in unknown else f"{said} {CLOSING}")
        for row, (asked, said) in zip(right, pairs(right), strict=True)
    ]


def garbled(rows: Iterable[Row], tasks: Collection[str] = NOISY_TASKS, seed: int = 0) -> list[Row]:
    """The rows, but in some tasks answers are as many words of the pool in random order ("garbage")."""
    rng, rows = Random(f"garbled {seed}"), list(rows)
    words = sorted({word for row in rows for word in row["output"].split() if word.isalpha()})
    return [
        {**row, "output": _salad(rng, words, row["output"]), "quality": "garbage"}
        if row["task"] in tasks
        else row
        for row in rows
    ]


def _salad(rng: Random, words: list[str], like: str) -> str:
    return " ".join(rng.choices(words, k=len(like.split())))
