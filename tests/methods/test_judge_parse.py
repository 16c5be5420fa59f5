"""The readers of judges' answers."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectlang_plugins.judge._parse import (
    GRADE_FORM,
    PAIR_FORM,
    choice,
    choice_form,
    grade,
    pair,
)

from . import _data  # noqa: F401 - its profile of hypothesis


@pytest.mark.parametrize(
    "text",
    [
        "8 7.5",
        "8 7.5\n\nAnswer 1 is better, for 3 reasons. On 10 points, 9 8 would be too much.",
        "8, 7.5",
        "8,7.5",
        "8; 7.5",
        "8 and 7.5",
        "8, and 7.5",
        "\n\n  8\t7.5  \n",
        "8.0 7.50.",
        "08 7.5",
        "**8 7.5**",
        "**8** **7.5**\nBoth are good.",
        "### 8 7.5",
        "> 8 7.5",
        "- 8 7.5",
        "`8 7.5`",
        "```\n8 7.5\n```",
        "```text\n8 7.5\n```\nAnswer 1 is better.",
        "[8, 7.5]",
        "[[8]] [[7.5]]",
        "(8, 7.5)",
        "| 8 | 7.5 |",
        "Scores: 8 7.5",
        "**Scores:** 8 7.5",
        "Scores (of both): 8, 7.5",
        "评分：８，７．５",
        "８　７．５",
        "8\u00a07.5",
        "8\u20097.5",
        "\ufeff8\u200b 7.5",
        "\u0668 \u0667\u066b\u0665",  # Arabic-Indic, with its own decimal mark
        "\u0668\u060c \u0667.\u0665",
        "\u096e \u096d.\u096b",  # Devanagari
        "8/10 7.5/10",
        "8 / 10, 7.5 / 10",
        "Scores: 8/10 and 7.5/10",
        "8 out of 10, 7.5 out of 10",
        "8 (out of 10) 7.5 (out of 10)",
        "8 7.5 Answer 1 is the better one.",
        "8 7.5 - the first is better",
        "8 7.5, for 2 reasons",
        "Sure! Here are my scores:\n\n8 7.5\n\nAnswer 1 gives 3 examples.",
        "Answer 1: 8\nAnswer 2: 7.5",
        "Answer 1: 8, Answer 2: 7.5",
        "**Answer 1**: 8/10\n**Answer 2**: 7.5/10",
        "Answer 2: 7.5\nAnswer 1: 8",
        "Assistant A: 8. Assistant B: 7.5.",
        "First: 8, second: 7.5",
        "first answer = 8; second answer = 7.5",
        "The first answer is longer.\nFirst answer score: 8\nSecond answer score: 7.5",
        '{"first": 8, "second": 7.5}',
        '{"second": 7.5, "first": 8}',
        '{"first": "8", "second": "7.5/10", "explanation": "of {3} kinds"}',
        '```json\n{"first": 8, "second": 7.5}\n```',
        'Here it is: {"first": 8, "second": 7.5} and 9 more words.',
        '{"scores": {"first": 8, "second": 7.5}}',
        '{"assistant_1": 8, "assistant_2": 7.5}',
        '{"first": 8,\u00a0"second":\u00a07.5}',
    ],
)
def test_property_2_two_scores_in_any_dress(text: str) -> None:
    assert pair(text, 1, 10) == (8, 7.5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n\t\n",
        "Score: 8/10",
        "8/10",
        "8",
        "8/5 7/5",
        "8 7 6",
        "8, 7, 6",
        "8 7 and 6",
        "7-8",
        "7 - 8",
        "7–8",
        "7 to 8",
        "8:7",
        "8 7-8",
        "8½ 7",
        "8² 7",
        "8 7%",
        "8. 7",
        "8e0 7",
        "1.8.2 7",
        "1/2 3/4",
        "0 7",
        "11 7",
        "8 10.1",
        "-8 7",
        "8 -7",
        "8 999999999999999999999999",
        "八 七",
        "VIII VII",
        "eight seven",
        "I'm sorry, but I can't help with that.",
        "As an AI model I cannot rate these 2 answers.",
        "B deserves 7, while A gets 8.",
        "The second answer gets 7 and the first 8.",
        "Second: 7 8",
        "Assistant B: 8 7",
        "Answer 1: 8",
        "Answer 1: 8\nAnswer 1: 7",
        "Answer 1: 8\nAnswer 2: 7\nAnswer 2: 6",
        "Answer 1: 3 good points. Answer 2: 2 good points.",
        "Let me think.\nDraft: 8 7\nFinal: 6 9",
        '{"first": 8}',
        '{"first": 8, "second": null}',
        '{"first": 8, "second": true}',
        '{"first": 8, "second": [7]}',
        '{"first": 8, "second": 70}',
        '{"first": 8, "second": NaN}',
        '{"first": 8, "second": 7} {"first": 7, "second": 8}',
        '{"first": 8, "secon',
    ],
)
def test_property_2_what_is_no_pair_is_an_error_and_never_a_tie(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|out of the scale"):
        pair(text, 1, 10)


def test_a_scale_of_one_s_own() -> None:
    assert pair("4/5 3.5/5", 0, 5) == (4, 3.5)
    assert pair("-3, 2", -5, 5) == (-3, 2)
    assert pair("87 9", 0, 100) == (87, 9)
    assert grade("0.25/1", 0, 1) == 0.25
    with pytest.raises(ValueError, match="out of the scale, which goes from 0 to 5"):
        pair("8 7", 0, 5)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("[[7]]", 7),
        ("Rating: [[7.5]]", 7.5),
        ("It is good.\n\nRating: [[7.5]]", 7.5),
        ("**Rating: [[7]]**", 7),
        ("Rating: [[ 7 ]].", 7),
        ("Rating: [[7/10]]", 7),
        ("At first [[3]], on reflection [[8]].", 8),
        ("In the form [[number]]: [[6]]", 6),
        ("［［７］］", 7),
        ("[[\u0667]]", 7),
        ("7", 7),
        ("7.5\nThe answer is accurate. Of 10 facts 9 are right.", 7.5),
        ("**7.5**\nbecause", 7.5),
        ("```\n7.5\n```", 7.5),
        ("7.", 7),
        ("(7)", 7),
        ("7/10", 7),
        ("7 out of 10", 7),
        ("Score: 8/10", 8),
        ("Score: 8", 8),
        ("**Overall score:** 8 / 10", 8),
        ("Score (1-10): 8", 8),
        ("**Rating** (out of 10): 8", 8),
        ("It is good.\nRating: 4\nNo, better.\nRating: 5.", 5),
        ("Rating：8，很好", 8),
        ("Rating: 8 (very good)", 8),
        ('{"explanation": "[[3]]", "rating": 8}', 8),
        ('{"explanation": "good", "rating": "8/10"}', 8),
        ('```json\n{"explanation": "good", "rating": 8.5}\n```', 8.5),
        ('{"rating": 3} no, {"rating": 4}', 4),
        ('{"score": 6, "why": "it is good"}', 6),
    ],
)  # fmt: skip
def test_property_13_judge_parsing(text: str, expected: float) -> None:
    assert grade(text, 1, 10) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It is a good answer.",
        "I'm sorry, I can't rate that.",
        "[[number]]",
        "[[7-8]]",
        "[[seven]]",
        "[[11]]",
        "[[0]]",
        "[[-7]]",
        "First [[7]], then [[70]]",
        "7 reasons why this is bad:\nit is.",
        "1. Accuracy\n2. Depth",
        "7½",
        "7²",
        "7-8",
        "7%",
        "7/5",
        "Score: 7/100",
        "Rating: 7-8",
        "Rating: 7 to 8",
        "Rating: 4 of the 5 facts are right",
        "Rating: 11",
        "Rating: 7, and\nRating: 70",
        "1.\nIt is good.\nRating: 8",
        '{"rating": null}',
        '{"rating": true}',
        '{"rating": "high"}',
        '{"rating": Infinity}',
        '{"rating": ' + "9" * 400 + "}",
    ],
)
def test_property_13_no_rating_or_one_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|out of the scale"):
        grade(text, 1, 10)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("yes", True),
        ("No", False),
        ("YES.\nIt is correct, no doubt.", True),
        ("**Yes**", True),
        ("_yes_", True),
        ("Yes, no errors were found.", True),
        ("No: yes-men wrote it.", False),
        ("- no", False),
        ("[[yes]]", True),
        ('"No"', False),
        ("Yes。很好", True),
        ("Answer: yes", True),
        ("**Answer:** No.", False),
        ("I looked at it closely.\nVerdict: yes", True),
        ("```\nyes\n```", True),
        ('{"answer": "no"}', False),
        ('```json\n{"answer": "Yes"}\n```', True),
    ],
)
def test_one_of_two_words(text: str, expected: bool) -> None:
    assert choice(text, "yes", "no") is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "maybe",
        "Yes or no",
        "yes/no",
        "Yes, or no",
        "Yes and no.",
        "No, yes",
        "Nothing is wrong with it.",
        "Yesterday.",
        "no idea",
        "The answer is yes",
        "Yes.\nAnswer: no",
        "Answer: no idea",
        "Sì",
        '{"answer": true}',
        '{"answer": "perhaps"}',
    ],
)
def test_neither_word_or_both(text: str) -> None:
    with pytest.raises(ValueError, match="expected yes or no on the first line, found (neither|both)"):
        choice(text, "yes", "no")


def test_words_of_one_s_own() -> None:
    assert choice("Not relevant", "relevant", "not relevant") is False
    assert choice("relevant.", "relevant", "not relevant") is True
    assert choice("NOT   RELEVANT!", "relevant", "not relevant") is False
    assert choice("incorrect", "correct", "incorrect") is False
    assert choice("Ja", "ja", "nein") is True
    assert choice("是。", "是", "不是") is True
    assert choice("A+", "A+", "A") is True
    assert choice("not_relevant", "relevant", "not_relevant") is False


def test_the_forms_describe_what_the_readers_read() -> None:
    from jsonschema import Draft202012Validator

    for form, good, bad in (
        (PAIR_FORM, {"first": 8, "second": 7.5}, {"first": 8}),
        (GRADE_FORM, {"explanation": "good", "rating": 8}, {"rating": "8"}),
        (choice_form("ja", "nein"), {"answer": "nein"}, {"answer": "no"}),
    ):
        Draft202012Validator.check_schema(form)
        assert Draft202012Validator(form).is_valid(good)
        assert not Draft202012Validator(form).is_valid(bad)
    assert pair(json.dumps({"first": 8, "second": 7.5}), 1, 10) == (8, 7.5)
    assert grade(json.dumps({"explanation": "good", "rating": 8}), 1, 10) == 8
    assert choice(json.dumps({"answer": "nein"}), "ja", "nein") is False


PIECES = st.sampled_from(
    [*"0123456789", "10", " ", "\n", ".", ",", "/", "/10", "-", ":", "(", ")", "[[", "]]", "{", "}", '"',
     "**", "```", "½", "²", "٨", "８", "：", "\u200b", "Answer 1", "Answer 2", "first", "second", "Score",
     "Rating", "yes", "no", "or", "out of 10", "and", '{"first": 8, "second": 7}', '{"rating": 7}',
     '{"answer": "yes"}', "NaN", "1e9", "\ud800"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map("".join))


@given(TEXTS, st.sampled_from([(1, 10), (0, 5), (-5, 5), (0, 1)]))
def test_a_reader_raises_nothing_but_a_value_error_and_stays_within_the_scale(
    text: str, scale: tuple[float, float]
) -> None:
    low, high = scale
    for found in (tried(pair, text, low, high), tried(grade, text, low, high)):
        for number in found if isinstance(found, tuple) else () if found is None else (found,):
            assert isinstance(number, float)
            assert low <= number <= high
    assert tried(choice, text, "yes", "no") in (None, True, False)


def tried(read: Any, *given_: Any) -> Any:
    try:
        return read(*given_)
    except ValueError:
        return None


@given(TEXTS)
def test_a_pair_needs_two_numbers_and_a_rating_one(text: str) -> None:
    """Without digits nothing is read, whatever else there is."""
    from unicodedata import category

    bare = "".join(char for char in text if category(char) != "Nd")
    assert tried(pair, bare, 0, 10) is None
    assert tried(grade, bare, 0, 10) is None


@given(st.integers(0, 100), st.integers(0, 100), st.sampled_from([" ", ", ", ",", "\u3000", " and ", "; "]))
def test_tenths_are_read_back(first: int, second: int, gap: str) -> None:
    assert pair(f"{first / 10}{gap}{second / 10}", 0, 10) == (first / 10, second / 10)
    assert grade(f"Rating: [[{first / 10}]]", 0, 10) == first / 10


def test_a_long_and_deep_answer_is_read_in_time() -> None:
    for text in ("{" * 5000, '{"a":' * 2000, "[" * 5000, "8 " * 5000, "()" * 3000, "* " * 5000, ": " * 5000):
        assert tried(pair, text, 1, 10) is None
        assert tried(grade, text, 1, 10) is None
        assert tried(choice, text, "yes", "no") is None


@pytest.mark.parametrize(
    "text, expected",
    [
        ("7,5", 7.5),
        ("[[7,5]]", 7.5),
        ("Score: 7,5/10", 7.5),
        ("Rating: 7,5", 7.5),
        ("10,0", 10),
        ("Rating: 7, for", 7),
        ("[[7]] out of [[10]]", 7),
        ("Rating: [[7]]/[[10]]", 7),
        ("[[10]] out of [[10]]", 10),
        ("[[7]] (out of [[10]])", 7),
    ],
)
def test_decimals_with_a_comma_and_the_end_of_the_scale(text: str, expected: float) -> None:
    assert grade(text, 1, 10) == expected


@pytest.mark.parametrize(
    "text", ["Rating: 6, 7", "Rating: 8/10, 9/10", "6,7,8", "Rating: 1,000", "7,125", "Score: 1,2,3"]
)
def test_several_numbers_are_no_grade(text: str) -> None:
    with pytest.raises(ValueError, match="expected a rating"):
        grade(text, 1, 10)


@pytest.mark.parametrize(
    "text",
    ["8,5 7,5", "8,5; 7,5", "8,5/10 7,5/10", "Answer 1: 8,5\nAnswer 2: 7,5", "Answer 1: 8,5, Answer 2: 7,5",
     "Answer 1: 8.5/10, answer 2: 7,5/10", "| Answer 1 | Answer 2 |\n|---|---|\n| 8,5 | 7.5 |"],
)  # fmt: skip
def test_pairs_of_decimals_with_a_comma(text: str) -> None:
    assert pair(text, 1, 10) == (8.5, 7.5)


@pytest.mark.parametrize(
    "text", ["1 8\n2 7", "| Answer | Score |\n|---|---|\n| 1 | 8 |\n| 2 | 7 |", "1: 8\n2: 7"]
)
def test_the_numbers_of_the_answers_are_no_scores(text: str) -> None:
    with pytest.raises(ValueError, match="expected two scores"):
        pair(text, 1, 10)


def test_another_word_is_neither() -> None:
    with pytest.raises(ValueError, match="found neither"):
        choice('{"answer": "maybe"}', "yes", "no")


@pytest.mark.parametrize(
    "text",
    ["Rating: 1" + " " * 300_000, '{"rating": 7' + "\n" * 300_000, "()" * 150_000, "7" + " " * 300_000 + "x",
     "{" * 100_000, "(1 " * 100_000, "-" * 300_000],
)  # fmt: skip
def test_an_answer_that_runs_on_is_read_or_refused_at_once(text: str) -> None:
    """Patterns that go back and forth would take hours over these."""
    for read in (lambda: grade(text, 1, 10), lambda: pair(text, 1, 10), lambda: choice(text, "yes", "no")):
        with contextlib.suppress(ValueError):
            read()
    assert grade("Rating: 7" + " " * 300_000, 1, 10) == 7
    assert grade("so " * 50_000 + "\n[[7]]", 1, 10) == 7
    assert pair("8 7\n" + "so " * 50_000, 1, 10) == (8, 7)
