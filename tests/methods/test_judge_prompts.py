"""Prompts with named fields, and the prompts that come with the judges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins import _prompts
from selectlang_plugins.judge import binary, pairwise, rubric

from ._data import numbered, rows_of
from ._llm import FakeLLM


@given(st.text(), st.text())
def test_the_text_of_a_row_is_never_read_for_fields(instruction: str, response: str) -> None:
    fields = {"instruction": instruction, "response": f"{{instruction}}{response}{{{{low}}}}"}
    prompt = "a {instruction} b {response} c {instruction} {0} {} {x y} d"
    expected = f"a {instruction} b {{instruction}}{response}{{{{low}}}} c {instruction} {{0}} {{}} {{x y}} d"
    assert _prompts.filled(prompt, fields) == expected
    assert _prompts.conversation("", prompt, fields) == [("user", expected)]
    assert _prompts.conversation("{response}!", prompt, fields) == [
        ("system", fields["response"] + "!"),
        ("user", expected),
    ]


def test_double_braces_are_no_field() -> None:
    text = 'Write {{first}} or {"first": 1} for {first}.'
    _prompts.check([text], ["first"], [("first",)])
    assert _prompts.filled(text, {"first": "x"}) == 'Write {first} or {"first": 1} for x.'
    with pytest.raises(sl.DataError, match="lacks the field {first}"):
        _prompts.check(["only {{first}}"], ["first"], [("first",)])


def test_a_field_that_nothing_fills() -> None:
    with pytest.raises(sl.DataError) as error:
        _prompts.check(["{first} {secnd}"], ["first", "second"])
    assert str(error.value) == (
        "the prompt has the field {secnd}, which nothing fills; its fields are {first}, {second}. "
        "For the word in braces write {{secnd}}."
    )


def test_a_field_that_lacks() -> None:
    with pytest.raises(sl.DataError) as error:
        _prompts.check(["{low}"], ["a", "b", "low"], [("a", "b")])
    assert str(error.value) == "the prompt lacks the field {a} or {b}; its fields are {a}, {b}, {low}."
    _prompts.check(["{low}", "{b}"], ["a", "b", "low"], [("a", "b")])


@pytest.mark.parametrize("method", [pairwise, rubric, binary])
def test_packaged_prompts_have_all_their_fields(method: Any) -> None:
    _prompts.check((method.SYSTEM, method.PROMPT), method.FIELDS, [(name,) for name in method.FIELDS])
    assert _prompts.packaged(method.__name__.rpartition(".")[2]) == method.PROMPT


def test_every_packaged_prompt_is_used() -> None:
    folder = Path(_prompts.__file__).parent / "judge" / "prompts"
    assert {path.stem for path in folder.iterdir()} == {"system", "pairwise", "rubric", "binary"}


def test_one_model() -> None:
    model = sl.Model(Path("m"))
    assert _prompts.one_model(None, "openai/gpt-4o") == "openai/gpt-4o"
    assert _prompts.one_model(model, None) is model
    with pytest.raises(sl.DataError, match="expected one model, but neither is given; name it"):
        _prompts.one_model(None, None)
    with pytest.raises(sl.DataError, match="but both are given, a trained one and 'x'"):
        _prompts.one_model(model, "x")


def test_texts_are_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_prompts, "BLOCK", 3)
    rows = numbered(10)
    assert [len(block) for block in _prompts.blocks(rows)] == [3, 3, 3, 1]
    assert list(_prompts.texts(rows, "instruction")) == rows.instructions()
    some = rows.take(np.array([7, 1, 7, 0]))
    assert list(_prompts.texts(some, "full")) == some.texts()
    replied = sl.Rows(rows.data, some.positions, list("abcd"))
    assert list(_prompts.texts(replied, "response")) == list("abcd")
    assert list(_prompts.texts(rows.take(np.array([], int)), "full")) == []


def test_numbers_as_people_write_them() -> None:
    assert [_prompts.shown(number) for number in (10, 10.0, 4.5, 0, -1)] == ["10", "10", "4.5", "0", "-1"]


@pytest.mark.parametrize("low, high", [(5, 5), (10, 1), (float("nan"), 1)])
def test_a_scale_that_is_none(low: float, high: float) -> None:
    with pytest.raises(sl.DataError, match="a scale goes from low to high"):
        _prompts.check_scale(low, high)


def test_rows_of_several_turns_are_read_as_everywhere() -> None:
    rows = rows_of(["ask"], output=["answer"])
    assert list(_prompts.texts(rows, "instruction")) == ["ask"]
    assert list(_prompts.texts(rows, "response")) == ["answer"]


SENSE = (
    "This is a long and plain answer that says what people would like to know about it, and then some more."
)
NONSENSE = "Zxqv brrt."


@pytest.mark.parametrize("structured", ["auto", "never"])
def test_the_stand_in_judge_reads_the_packaged_prompts(structured: Any) -> None:
    """`fake/judge` finds the answers in each of them, and its own are read, with a form and without."""
    from selectlang.llm.fake import answer

    rows = rows_of(["What is it?", "And what is that?"], output=[SENSE, NONSENSE])
    replies = sl.Replies(sl.Rows(rows.data, rows.positions, [NONSENSE, SENSE]))

    def rule(prompt: sl.Prompt) -> str:
        form = door.options["form"]
        messages = [{"role": role, "content": content} for role, content in prompt]
        return answer("judge", messages, form and {"schema": form})

    door = FakeLLM(rule)
    settings: Any = {
        "model_": "fake/judge",
        "seed": 0,
        "structured": structured,
        "max_failed": 0,
        "llm": door,
    }
    assert pairwise.pairwise(rows, replies, **settings).labels.codes.tolist() == [1, 0]
    grades = rubric.rubric(rows, **settings).scores.values
    assert grades[0] > 7
    assert grades[1] < 4
    assert binary.binary(rows, question="Is it good?", **settings).labels.codes.tolist() == [1, 0]
