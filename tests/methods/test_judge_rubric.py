"""judge: rubric. Properties are those of the notes on Diversify and Conquer, section 6."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang_plugins.judge.rubric import QUALITY, Graded, rubric

from ._data import rows_of
from ._llm import FakeLLM, block


def graded(rows: sl.Rows[Any], door: FakeLLM, **settings: Any) -> Graded[Any]:
    return rubric(rows, **{"model_": "fake/judge", "seed": 1, "llm": door, **settings})


def say(prompt: sl.Prompt) -> str:
    """The number that the answer of the row is, as MT-bench has it written."""
    return f"It says so.\n\nRating: [[{block(prompt, 'Answer')}]]"


def of(*answers: Any) -> sl.Rows[Any]:
    return rows_of([f"row {i}" for i in range(len(answers))], output=[str(answer) for answer in answers])


def test_a_score_a_row() -> None:
    door = FakeLLM(say)
    rows = of(7, 3.5, 10)
    found = graded(rows, door)
    assert found.scores.values.tolist() == [7, 3.5, 10]
    assert found.scores.columns is None
    assert found.scores.rows is rows
    assert found.grades.columns == list(QUALITY)
    assert found.grades.values.tolist() == [[7], [3.5], [10]]
    assert (found.mean, found.calls, found.cost) == (pytest.approx(20.5 / 3), 3, 1.5)


def test_property_13_none_is_null_and_asked_again_never_0() -> None:
    """No number, and one out of range, are asked for once more, and then missing."""
    door = FakeLLM(say)
    found = graded(of("none", 7, 11, 0), door, max_failed=0.75)
    np.testing.assert_array_equal(found.scores.values, [math.nan, 7, math.nan, math.nan])
    assert found.mean == 7
    assert found.calls == 1 + 3 * 2
    assert len(door.unparsed) == 6
    assert graded(of("none", 7), FakeLLM(say), max_failed=0.5, again=3).calls == 5
    with pytest.raises(sl.DataError, match="1 of 2 calls failed"):
        graded(of("none", 7), FakeLLM(say))


def test_property_13_a_judge_that_comes_to_its_senses() -> None:
    said = iter(["Well...", "Rating: [[7.5]]"])
    assert graded(of(1), FakeLLM(lambda _: next(said))).scores.values.tolist() == [7.5]


def test_property_13_scales_of_10_and_of_5_rank_clusters_alike() -> None:
    """A judge of one mind on two scales: the mean gaps of clusters, gold less generated, keep their order."""
    draws = np.random.default_rng(4)
    count, k = 60, 6
    clusters = np.arange(count) % k
    minds = {"gold": draws.random(count) * (clusters + 1) / k, "own": draws.random(count) / 2}
    rows = of(*(f"gold {i}" for i in range(count)))
    replies = sl.Rows(rows.data, rows.positions, [f"own {i}" for i in range(count)])
    ranked = []
    for low, high in ((1, 10), (1, 5)):

        def rule(prompt: sl.Prompt, low: int = low, high: int = high) -> str:
            assert f"from {low} to {high}" in prompt[-1][1]
            name, number = block(prompt, "Answer").split()
            return f"Rating: [[{low + (high - low) * minds[name][int(number)]:.6f}]]"

        gold, own = (graded(each, FakeLLM(rule), low=low, high=high).scores for each in (rows, replies))
        gaps = gold.values - own.values
        ranked.append(np.argsort([gaps[clusters == j].mean() for j in range(k)]).tolist())
    assert ranked[0] == ranked[1]
    assert sorted(ranked[0]) == list(range(k))


def test_several_criteria_are_one_call_each() -> None:
    criteria = {"accuracy": "whether it is true", "depth": ""}
    marks = {"accuracy: whether it is true": 8, "depth": 5}

    def rule(prompt: sl.Prompt) -> str:
        [asked] = [name for name in marks if f"this alone: {name}." in prompt[-1][1]]
        return f"[[{marks[asked] + int(block(prompt, 'Answer'))}]]"

    door = FakeLLM(rule)
    found = graded(of(0, 1), door, criteria=criteria)
    assert found.grades.columns == ["accuracy", "depth"]
    assert found.grades.values.tolist() == [[8, 5], [9, 6]]
    assert found.scores.values.tolist() == [6.5, 7.5]
    assert (found.calls, found.mean) == (4, 7)


def test_a_row_that_lacks_a_grade_has_no_score() -> None:
    door = FakeLLM(say, fails={1, 4, 5})
    found = graded(of(7, 8, 9), door, criteria=["a", "b"], max_failed=0.5)
    np.testing.assert_array_equal(found.grades.values, [[7, math.nan], [8, 8], [math.nan, math.nan]])
    np.testing.assert_array_equal(found.scores.values, [math.nan, 8, math.nan])
    assert found.mean == 8


def test_alpagasus_is_a_spec() -> None:
    """Accuracy from 0 to 5, the number on the first line, 4.5 to stay (arXiv:2307.08701)."""
    door = FakeLLM(lambda prompt: prompt[-1][1].split("Answer: ")[1] + "\nI gave 5 minus its 2 faults.")
    prompt = "Rate the {criterion}, {low} to {high}, on the first line. {instruction}\nAnswer: {response}"
    settings = {"criteria": ["accuracy"], "low": 0, "high": 5, "prompt": prompt, "max_tokens": 256}
    found = graded(of(4.5, 5, 0, 4), door, **settings, system="You check answers.", structured="never")
    assert (found.scores.values >= 4.5).tolist() == [True, True, False, False]
    assert found.scores.values.tolist() == [4.5, 5, 0, 4]
    assert door.prompts[0] == [
        ("system", "You check answers."),
        ("user", "Rate the accuracy, 0 to 5, on the first line. row 0\nAnswer: 4.5"),
    ]
    assert door.options["form"] is None
    assert door.options["max_tokens"] == 256


def test_replies_are_graded_as_rows_are() -> None:
    rows = of(7, 8)
    assert graded(sl.Rows(rows.data, rows.positions, ["2", "3"]), FakeLLM(say)).scores.values.tolist() == [
        2,
        3,
    ]


def test_what_reaches_the_door() -> None:
    door, model = FakeLLM(say), sl.Model(Path("trained"))
    rubric(of(7), model, temperature=0.3, again=0, max_failed=0.1, seed=9, llm=door)
    form = door.options.pop("form")
    assert list(form["properties"]) == ["explanation", "rating"], "explained before it is graded"
    assert door.options == {"max_tokens": 512, "temperature": 0.3, "seed": 9, "again": 0, "max_failed": 0.1}
    assert door.models == [model]


def test_no_rows() -> None:
    found = graded(of(7).take(np.array([], int)), FakeLLM(say), criteria=["a", "b"])
    assert found.scores.values.shape == (0,)
    assert found.grades.values.shape == (0, 2)
    assert math.isnan(found.mean)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"criteria": []}, "expected one or more"),
        ({"criteria": [" "]}, "none of them empty"),
        ({"criteria": ["a", "b", "a"]}, "a criterion is named twice: a, b, a"),
        ({"criteria": ["a", "b"], "prompt": "{response}"}, "lacks the field {criterion}"),
        ({"prompt": "{criterion}"}, "lacks the field {instruction} or {response}"),
        ({"prompt": "{response} {first}"}, "the field {first}, which nothing fills"),
        ({"low": 5, "high": 1}, "low is 5 and high 1"),
        ({"model_": None}, "neither is given"),
    ],
)
def test_faults_are_found_before_a_call(settings: Any, message: str) -> None:
    door = FakeLLM(say)
    with pytest.raises(sl.DataError, match=message):
        graded(of(7), door, **settings)
    assert door.prompts == []


def test_an_instruction_alone_can_be_graded() -> None:
    door = FakeLLM(lambda prompt: f"[[{prompt[-1][1][-1]}]]")
    found = graded(of(1, 1), door, prompt="How complex is this? {instruction}", low=0)
    assert found.scores.values.tolist() == [0, 1]
