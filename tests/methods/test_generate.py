"""generate: llm"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang_plugins import _prompts
from selectlang_plugins.generate.llm import llm

from ._data import numbered
from ._llm import FakeLLM


def answered(rows: sl.Rows[Any], door: FakeLLM, **settings: Any) -> sl.Replies[Any]:
    return llm(rows, **{"model_": "fake/base", "seed": 1, "llm": door, **settings})


def echo(prompt: sl.Prompt) -> str:
    return f"reply to {prompt[-1][1]}"


TURNS = {
    "plain": [("user", "ask {instruction}"), ("assistant", "old")],
    "system": [("system", "be kind"), ("user", "ask"), ("assistant", "old")],
    "long": [("user", "one"), ("user", "two"), ("assistant", "old"), ("user", "more")],
    "open": [("user", "no answer yet")],
}
CHATS: sl.Rows[Any] = sl.Rows(
    Dataset.from_records(
        [
            {"id": name, "messages": [{"role": role, "content": text} for role, text in turns]}
            for name, turns in TURNS.items()
        ],
        id="id",
    )
)


def test_a_row_is_asked_by_its_turns_before_the_first_answer() -> None:
    door = FakeLLM(echo)
    found = answered(CHATS, door)
    assert door.prompts == [
        [("user", "ask {instruction}")],
        [("system", "be kind"), ("user", "ask")],
        [("user", "one"), ("user", "two")],
        [("user", "no answer yet")],
    ]
    assert found.rows.ids() == CHATS.ids()
    assert found.rows.responses() == [echo(prompt) for prompt in door.prompts]
    assert found.rows.turns()[1] == [("system", "be kind"), ("user", "ask"), ("assistant", "reply to ask")]
    assert found.rows.instructions() == CHATS.instructions()


def test_a_system_turn_is_for_rows_that_have_none() -> None:
    door = FakeLLM(echo)
    answered(CHATS, door, system="be {brief}")
    assert [prompt[0] for prompt in door.prompts] == [
        ("system", "be {brief}"), ("system", "be kind"), ("system", "be {brief}"), ("system", "be {brief}"),
    ]  # fmt: skip
    assert door.prompts[2][1:] == [("user", "one"), ("user", "two")]


def test_a_prompt_takes_the_place_of_the_turns() -> None:
    door = FakeLLM(echo)
    answered(CHATS, door, prompt="### Instruction:\n{instruction}\n\n### Response:", system="S")
    assert [prompt[0] for prompt in door.prompts] == [("system", "S")] * 4
    texts = [prompt[1] for prompt in door.prompts]
    instructions = ["ask {instruction}", "be kind\n\nask", "one\n\ntwo", "no answer yet"]
    assert texts == [("user", f"### Instruction:\n{text}\n\n### Response:") for text in instructions]


def test_rows_whose_call_failed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_prompts, "BLOCK", 3)
    rows = numbered(10).take(np.array([9, 2, 4, 2, 7, 0, 1, 3]))
    door = FakeLLM(lambda prompt: " \n" if prompt[0][1] == "4" else echo(prompt), fails={0, 6})
    found = answered(rows, door, max_failed=0.5)
    assert found.rows.ids() == ["2", "2", "7", "0", "3"]
    assert found.rows.responses() == [f"reply to {name}" for name in found.rows.ids()]
    assert door.unparsed == [" \n"] * 2, "an empty answer is none; it is asked for again"
    with pytest.raises(sl.DataError, match="3 of 8 calls failed"):
        answered(rows, door, max_failed=0.2)


def test_no_rows() -> None:
    found = answered(numbered(3).take(np.array([], int)), FakeLLM(echo))
    assert len(found.rows) == 0
    assert found.rows.replies == []


def test_what_reaches_the_door() -> None:
    door, model = FakeLLM(echo), sl.Model(Path("trained"))
    llm(numbered(2), model, temperature=0.7, top_p=0.9, max_tokens=32, max_failed=0, seed=5, llm=door)
    assert door.models == [model]
    assert door.options == {
        "max_tokens": 32, "temperature": 0.7, "top_p": 0.9, "seed": 5, "again": 1, "max_failed": 0,
    }  # fmt: skip
    answered(numbered(2), door)
    assert door.models[1] == "fake/base"
    assert door.options == {
        "max_tokens": 512, "temperature": 0, "top_p": 1, "seed": 1, "again": 1, "max_failed": 0.05,
    }  # fmt: skip


def test_answers_are_kept_as_they_came() -> None:
    found = answered(numbered(1), FakeLLM(lambda _: "  def f():\n    return 1\n"))
    assert found.rows.replies == ["  def f():\n    return 1\n"]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"prompt": "Answer!"}, "lacks the field {instruction}"),
        ({"prompt": "{instruction} {input}"}, "the field {input}, which nothing fills"),
        ({"model_": None}, "neither is given"),
    ],
)
def test_faults_are_found_before_a_call(settings: Any, message: str) -> None:
    door = FakeLLM(echo)
    with pytest.raises(sl.DataError, match=message):
        answered(numbered(2), door, **settings)
    assert door.prompts == []
