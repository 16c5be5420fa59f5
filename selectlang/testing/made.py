"""Rows and values that methods are tried on. All that is said of a row follows from its id alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selectlang.data.dataset import Dataset
from selectlang.draws import derive
from selectlang.methods import Port
from selectlang.ports import (
    Clusters,
    Labels,
    Metric,
    Replies,
    Scores,
    Selection,
    Vectors,
    Weights,
)
from selectlang.rows import Rows

Fields = Mapping[str, Sequence[Any]]
Record = dict[str, Any]

CLUSTERS, DIMENSION = 3, 8
WORDS = (
    "why does the sea look blue and what makes a loud storm write short code that sorts names of trees "
    "add two numbers then explain each step tell me about old maps in plain words please yes no it is so"
).split()

ODD: dict[str, tuple[str, str | None]] = {
    "emoji": ("Say 👩‍👩‍👧‍👦 and 🇩🇪", "🙂👍🏽 fine"),
    "combining marks": ("Zalgo", "e\u0301" + "a\u0300\u0316\u0330" * 40),
    "right to left": ("اكتب جملة قصيرة", "שלום \u202eabc\u202c עולם"),
    "no spaces": ("请写一句话", "我们今天去看海然后回家吃饭"),
    "control characters": ("a\x00b", "\x1b[31mred\x07 \ufeff end"),
    "half of a surrogate pair": ("broken \ud83d here", "and \udc00 there"),
    "odd ends of lines": ("one\r\ntwo\u2028three", "\u2029\x85four\tfive\x0b"),
    "empty response": ("Say nothing.", ""),
    "blank response": ("Say nothing.", " \n\t\u3000"),
    "no response": ("Is anybody there?", None),
    "one character": ("?", "!"),
    "marks and fields": ("{instruction} %s $x \\N{x}", "<|assistant|></s> {} [[9]] [Answer] 007 1e999"),
    "no fields": ("What is it?", "It is so."),
    "long row": ("Go on. " * 50, "word " * 20_000),
    "long word": ("Go on.", "x" * 60_000),
}
"""Rows of which some method may not have thought: what each is, its request and its response.

The row `no fields` has its group alone.
"""


def records(name: str, count: int, fields: Fields, turned: int = 0) -> list[Record]:
    """Ordinary rows: of many lengths, two of each seven alike, some of several turns, in three tasks.

    With `turned` they have the same ids, and each holds what another has without it.
    """
    found = []
    for i in range(count):
        kind = i - (i % 7 == 1)
        asked = " ".join(WORDS[(kind * 7 + j) % len(WORDS)] for j in range(3 + kind % 5))
        said = " ".join(WORDS[(kind * 5 + j * j) % len(WORDS)] for j in range(4 + kind * 11 % 23))
        turns = [("user", asked), ("assistant", said)]
        if i % 5 == 2:
            turns = [("system", "Be short."), *turns, ("user", "And then?"), ("assistant", said[::-1])]
        found.append(_record(f"{name}-{(i + turned) * 17 % count:02}", turns, i, fields))
    return found


def odd_records(fields: Fields) -> list[Record]:
    """The rows of ODD, each with its name as id."""
    found = []
    for number, (name, (asked, said)) in enumerate(ODD.items()):
        turns = [("user", asked)] + ([] if said is None else [("assistant", said)])
        record = _record(name, turns, number, fields)
        bare = {key: record[key] for key in ("id", "messages", "task")}
        found.append(bare if name == "no fields" else record)
    return found


def _record(name: str, turns: list[tuple[str, str]], number: int, fields: Fields) -> Record:
    return {
        "id": name,
        "messages": [{"role": role, "content": text} for role, text in turns],
        "task": "abc"[number % 3],
        "value": number * 37 % 101 / 10,
        **{field: values[number % len(values)] for field, values in fields.items()},
    }


def rows_of(found: Sequence[Record]) -> Rows[Any]:
    """Records as all rows of a data set, which is grouped by their task."""
    return Rows(Dataset.from_records(found, id="id", group="task"))


def value(port: Port, rows: Rows[Any]) -> Any:
    """A value for an input about `rows`; a list of two where it takes several."""
    return [_one(port, rows, salt) for salt in range(2)] if port.many else _one(port, rows, 0)


def _one(port: Port, rows: Rows[Any], salt: int) -> Any:
    import numpy as np

    def draws(what: str) -> Any:
        return rows.draws(derive(salt, port.name, what))

    if port.kind is Rows:
        return rows
    if port.kind is Vectors:
        columns = [draws(f"vector {i}") * 2 - 1 for i in range(DIMENSION)]
        return Vectors(rows, np.stack(columns, axis=1).astype(np.float32))
    if port.kind is Clusters:
        labels, distances = (draws("cluster") * CLUSTERS).astype(np.int32), draws("distance")
        centers = np.eye(CLUSTERS, DIMENSION, dtype=np.float32)
        return Clusters(rows, labels, CLUSTERS, distances.astype(np.float32), centers)
    if port.kind is Scores:
        values = np.round(draws("score"), 1)  # some are equal
        values[draws("missing") < 0.1] = np.nan
        return Scores(rows, values)
    if port.kind is Labels:
        codes = (draws("verdict") * 2).astype(np.int8)
        codes[draws("missing") < 0.1] = -1
        return Labels(rows, codes, ["easy", "hard"])
    if port.kind is Replies:
        texts = [f"A reply: {' '.join(WORDS[: 1 + int(x * 20)])}." for x in draws("reply").tolist()]
        return Replies(Rows(rows.data, rows.positions, texts))
    if port.kind is Weights:
        return Weights(np.array([0.5, 0.3, 0.2]))
    if port.kind is Metric:
        return Metric(0.5)
    order = np.argsort(draws("place"))  # a Selection, or any type that a union takes
    return Selection(rows.take(order[: (len(order) + 1) // 2]))
