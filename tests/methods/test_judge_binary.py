"""judge: binary"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang_plugins.judge.binary import Answered, binary

from ._data import rows_of
from ._llm import FakeLLM, block


def asked(rows: sl.Rows[Any], door: FakeLLM, **settings: Any) -> Answered[Any]:
    return binary(
        rows, **{"model_": "fake/judge", "question": "Is it short?", "seed": 1, "llm": door, **settings}
    )


def short(prompt: sl.Prompt) -> str:
    return "Yes.\nIt is." if len(block(prompt, "Answer")) < 4 else "No.\nIt is long."


ROWS = rows_of("abcd", output=["one", "three", "two", "seven"])


def test_labels_scores_and_rate() -> None:
    found = asked(ROWS, FakeLLM(short))
    assert found.labels.values == ["no", "yes"]
    assert found.labels.codes.tolist() == found.scores.values.tolist() == [1, 0, 1, 0]
    assert found.labels.having("yes").rows.ids() == ["a", "c"]
    assert (found.rate, found.calls, found.cost) == (0.5, 4, 2)
    assert found.labels.rows is found.scores.rows is ROWS


def test_words_of_one_s_own() -> None:
    door = FakeLLM(lambda prompt: "Kurz." if "Yes" in short(prompt) else "Nicht kurz.")
    found = asked(ROWS, door, yes="kurz", no="nicht kurz")
    assert found.labels.values == ["nicht kurz", "kurz"]
    assert found.labels.codes.tolist() == [1, 0, 1, 0]
    assert "Write kurz or nicht kurz on the first line" in door.prompts[0][-1][1]
    assert "The question: Is it short?" in door.prompts[0][-1][1]
    assert door.options["form"]["properties"] == {"answer": {"enum": ["kurz", "nicht kurz"]}}


def test_a_row_whose_answer_says_neither_has_no_verdict() -> None:
    door = FakeLLM(
        lambda prompt: "Perhaps." if block(prompt, "Answer") == "three" else short(prompt), fails={3}
    )
    found = asked(ROWS, door, max_failed=0.5)
    assert found.labels.codes.tolist() == [1, -1, 1, -1]
    np.testing.assert_array_equal(found.scores.values, [1, math.nan, 1, math.nan])
    assert found.rate == 1
    assert door.unparsed == ["Perhaps."] * 2
    with pytest.raises(sl.DataError, match="2 of 4 calls failed"):
        asked(ROWS, door)


def test_no_rows() -> None:
    found = asked(ROWS.take(np.array([], int)), FakeLLM(short))
    assert len(found.labels.codes) == 0
    assert math.isnan(found.rate)


def test_what_reaches_the_door() -> None:
    door, model = FakeLLM(lambda _: "yes"), sl.Model(Path("trained"))
    binary(
        ROWS, model, question="Q?", prompt="{question} {response}", system="{yes}|{no}", structured="never",
        seed=4, llm=door,
    )  # fmt: skip
    assert door.prompts[0] == [("system", "yes|no"), ("user", "Q? one")]
    assert door.models == [model]
    assert door.options == {
        "max_tokens": 128, "temperature": 0, "seed": 4, "form": None, "again": 1, "max_failed": 0.05,
    }  # fmt: skip


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"yes": "no"}, "two words that a judge answers by; found 'no' and 'no'"),
        ({"yes": "NO "}, "two words"),
        ({"no": ""}, "two words"),
        ({"no": "**"}, "two words"),
        ({"prompt": "{response}"}, "lacks the field {question}"),
        ({"prompt": "{question}"}, "lacks the field {instruction} or {response}"),
        ({"prompt": "{question} {response} {low}"}, "the field {low}, which nothing fills"),
        ({"model_": None}, "neither is given"),
    ],
)
def test_faults_are_found_before_a_call(settings: Any, message: str) -> None:
    door = FakeLLM(short)
    with pytest.raises(sl.DataError, match=message):
        asked(ROWS, door, **settings)
    assert door.prompts == []
