"""judge: pairwise. Properties are those of the notes on IterSelectTune, section 6.1."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins.budget.random import random_
from selectlang_plugins.generate.llm import llm as generate
from selectlang_plugins.judge.pairwise import Compared, pairwise
from selectlang_plugins.merge.union import union

from ._data import amount, rows_of
from ._llm import FakeLLM, block

HARD, EASY = 1, 0


def versus(own: Sequence[float], other: Sequence[float | None]) -> tuple[sl.Rows[Any], sl.Replies[Any]]:
    """Rows whose answer, and replies whose text, is the score that `by_number` gives them."""
    rows = rows_of([f"row {i}" for i in range(len(own))], output=[str(score) for score in own])
    answered = np.array([i for i, score in enumerate(other) if score is not None], dtype=np.int64)
    texts = [str(score) for score in other if score is not None]
    return rows, sl.Replies(sl.Rows(rows.data, answered, texts))


def by_number(prompt: sl.Prompt) -> str:
    return f"{block(prompt, 'Answer 1')} {block(prompt, 'Answer 2')}\nThat is what they say."


def judged(rows: sl.Rows[Any], replies: sl.Replies[Any], door: FakeLLM, **settings: Any) -> Compared[Any]:
    return pairwise(rows, replies, model_="fake/judge", seed=settings.pop("seed", 3), llm=door, **settings)


def compare(own: Sequence[float], other: Sequence[float | None], **settings: Any) -> Compared[Any]:
    return judged(*versus(own, other), FakeLLM(by_number), **settings)


@pytest.mark.parametrize("order", ["random", "row_first", "other_first", "both"])
@pytest.mark.parametrize("ties, tied", [("easy", EASY), ("hard", HARD), ("drop", -1)])
def test_property_1_labelling(order: Any, ties: Any, tied: int) -> None:
    """(base 6, reference 8) is hard, (8, 6) is easy, (7, 7) goes by `ties`."""
    found = compare([8, 6, 7], [6, 8, 7], order=order, ties=ties)
    assert found.labels.values == ["easy", "hard"]
    assert found.labels.codes.tolist() == [HARD, EASY, tied]
    assert found.scores.values.tolist() == [2, -2, 0]


@given(st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), min_size=1, max_size=8), st.integers(0, 9))
def test_property_1_swapping_slots_and_scores_leaves_the_label(
    pairs: list[tuple[int, int]], seed: int
) -> None:
    own, other = zip(*pairs, strict=True)
    found = [compare(own, other, order=order, seed=seed) for order in ("row_first", "other_first", "random")]
    expected = [HARD if reply < row else EASY for row, reply in pairs]
    assert [each.labels.codes.tolist() for each in found] == [expected] * 3
    for each in found:
        assert each.scores.values.tolist() == [row - reply for row, reply in pairs]
        assert each.labels.why["own"].tolist() == list(own)
        assert each.labels.why["other"].tolist() == list(other)


def test_property_2_an_answer_that_cannot_be_read_is_a_failure_and_never_a_tie() -> None:
    answers = {"8": "8 7.5\nfine", "7": "8, 7", "6": "Score: 8/10", "5": "", "4": "11 12", "3": "I cannot."}
    rows, replies = versus([8, 7, 6, 5, 4, 3], [1] * 6)
    door = FakeLLM(lambda prompt: answers[block(prompt, "Answer 1")])
    found = judged(rows, replies, door, order="row_first", ties="hard", max_failed=0.7)
    assert found.labels.codes.tolist() == [HARD, HARD, -1, -1, -1, -1]
    np.testing.assert_array_equal(found.scores.values, [0.5, 1] + [math.nan] * 4)
    assert found.labels.rows is rows, "no row that was judged is lost"
    assert found.labels.why["first"].tolist() == ["row"] * 6
    np.testing.assert_array_equal(found.labels.why["own"], [8, 8] + [math.nan] * 4)
    assert sorted(door.unparsed) == sorted(2 * ["Score: 8/10", "", "11 12", "I cannot."]), "asked twice"
    assert found.hard_rate == 1
    assert found.winning_score == 2


def test_property_3_random_order_is_fair_and_follows_from_id_and_seed() -> None:
    count = 4000
    rows, replies = versus([2] * count, [1] * count)
    found = judged(rows, replies, FakeLLM(by_number), seed=5)
    first = found.labels.why["first"]
    assert abs((first == "row").mean() - 0.5) < 4 * 0.5 / math.sqrt(count), "four standard deviations"
    assert set(first.tolist()) == {"row", "other"}
    shuffled = np.random.default_rng(0).permutation(count)[:1000]
    part = judged(rows.take(shuffled), replies, FakeLLM(by_number), seed=5)
    assert part.labels.why["first"].tolist() == first[shuffled].tolist(), "whatever else is in the batch"
    again = judged(rows, replies, FakeLLM(by_number), seed=5)
    assert again.labels.why["first"].tolist() == first.tolist()
    other = judged(rows, replies, FakeLLM(by_number), seed=6).labels.why["first"]
    assert 0.4 < (other == first).mean() < 0.6


def test_the_order_says_where_each_answer_stands() -> None:
    rows, replies = versus([8, 6], [6, 7])
    for order, expected in (
        ("row_first", [("8", "6"), ("6", "7")]),
        ("other_first", [("6", "8"), ("7", "6")]),
        ("both", [("8", "6"), ("6", "8"), ("6", "7"), ("7", "6")]),
    ):
        door = FakeLLM(by_number)
        found = judged(rows, replies, door, order=order)
        assert [(block(p, "Answer 1"), block(p, "Answer 2")) for p in door.prompts] == expected
        name = order.removesuffix("_first")
        assert found.labels.why["first"].tolist() == [name] * 2
        assert found.calls == len(expected)


NINE = list(itertools.product("wtl", repeat=2))
RULE = {
    **dict.fromkeys(["ww", "wt", "tw"], "win"),
    **dict.fromkeys(["wl", "lw", "tt"], "tie"),
    **dict.fromkeys(["ll", "lt", "tl"], "lose"),
}


@pytest.mark.parametrize("ties, tied", [("easy", EASY), ("hard", HARD), ("drop", -1)])
def test_property_4_the_nine_pairs_of_orders(ties: Any, tied: int) -> None:
    """Seen from the reply: lose is hard, win is easy, and the rest are ties."""
    rows = rows_of(["".join(pair) for pair in NINE], output=["own"] * 9)
    replies = sl.Replies(sl.Rows(rows.data, rows.positions, ["reply"] * 9))

    def rule(prompt: sl.Prompt) -> str:
        own_first = block(prompt, "Answer 1") == "own"
        outcome = block(prompt, "Instruction")[0 if own_first else 1]
        own, other = {"w": (4, 7), "t": (5, 5), "l": (9, 8)}[outcome]
        return f"{own} {other}" if own_first else f"{other} {own}"

    found = judged(rows, replies, FakeLLM(rule), order="both", ties=ties)
    code = {"lose": HARD, "win": EASY, "tie": tied}
    assert found.labels.codes.tolist() == [code[RULE["".join(pair)]] for pair in NINE]
    assert found.agreement == pytest.approx(3 / 9)
    assert found.winning_score == 1, "as many won as lost"
    gaps = {"w": -3, "t": 0, "l": 1}
    expected = [(gaps[one] + gaps[two]) / 2 for one, two in NINE]
    np.testing.assert_allclose(found.scores.values, expected)
    assert found.labels.why["first"].tolist() == ["both"] * 9
    verdicts = [each for each in found.labels.codes.tolist() if each >= 0]
    assert found.hard_rate == pytest.approx(sum(verdicts) / len(verdicts))


@pytest.mark.parametrize("order", ["row_first", "both"])
def test_property_4_winning_score(order: Any) -> None:
    """All win 2.0, all tie 1.0, all lose 0.0; 10 won, 5 tied and 5 lost 1.25; both ways round 2.0."""
    won, tied, lost = ([8], [6]), ([7], [7]), ([6], [8])

    def score(*parts: tuple[int, tuple[list[int], list[int]]], turned: bool = False) -> float:
        own = [value for times, (mine, _) in parts for value in mine * times]
        other = [value for times, (_, theirs) in parts for value in theirs * times]
        own, other = (other, own) if turned else (own, other)
        return float(compare(own, other, order=order, ties="drop").winning_score)

    assert score((4, won)) == 2
    assert score((4, tied)) == 1
    assert score((4, lost)) == 0
    mixed = (10, won), (5, tied), (5, lost)
    assert score(*mixed) == 1.25
    assert score(*mixed) + score(*mixed, turned=True) == 2


def test_property_9_no_row_is_judged_twice_in_a_loop() -> None:
    """Rows judged are rows answered; the pool shrinks by each batch; hard and easy only grow, apart."""
    count, size = 53, 10
    rows = rows_of([f"row {i}" for i in range(count)], output=[str(1 + i % 10) for i in range(count)])
    verdicts = sl.Labels(rows.take(np.array([], int)), np.array([], np.int8), [])
    generator, judge = FakeLLM(lambda _: "5"), FakeLLM(by_number)
    judged_ids: list[str] = []
    hard: set[str] = set()
    easy: set[str] = set()
    for round_ in range(6):
        batch = random_(rows, skip=sl.Selection(verdicts.rows), size=amount(size), seed=round_)
        replies = generate(batch.selection.rows, model_="fake/base", seed=round_, llm=generator)
        found = judged(batch.selection.rows, replies, judge, seed=round_)
        verdicts = union([verdicts, found.labels])
        judged_ids += found.labels.rows.ids()
        assert len(judge.prompts) == len(generator.prompts) == len(judged_ids) == len(set(judged_ids))
        assert batch.left == count - len(judged_ids)
        grown = [set(verdicts.having(name).rows.ids()) for name in ("hard", "easy")]
        assert hard <= grown[0]
        assert easy <= grown[1]
        hard, easy = grown
        assert not hard & easy
        assert hard | easy == set(judged_ids)
    assert len(judged_ids) == count
    expected = {f"row {i}" for i in range(count) if 1 + i % 10 > 5}
    assert hard == expected


def test_rows_without_a_reply_are_not_asked_about() -> None:
    rows, replies = versus([8, 8, 6, 5], [6, None, 8, None])
    door = FakeLLM(by_number)
    found = judged(rows, replies, door, order="row_first", max_failed=0)
    assert found.labels.rows is rows
    assert found.labels.codes.tolist() == [HARD, -1, EASY, -1]
    assert found.labels.why["first"].tolist() == ["row", "", "row", ""]
    np.testing.assert_array_equal(found.labels.why["other"], [6, math.nan, 8, math.nan])
    np.testing.assert_array_equal(found.scores.values, [2, math.nan, -2, math.nan])
    assert (found.hard_rate, found.winning_score, found.calls) == (0.5, 1, 2)
    assert math.isnan(found.agreement)


def test_replies_are_joined_by_row_not_by_place() -> None:
    rows, replies = versus([1, 2, 3, 4], [5, 6, 7, 8])
    turned = sl.Replies(replies.rows.take(np.array([3, 1, 2, 0])))
    some = rows.take(np.array([2, 0, 3, 2]))
    found = judged(some, turned, FakeLLM(by_number))
    assert found.labels.why["own"].tolist() == [3, 1, 4, 3]
    assert found.labels.why["other"].tolist() == [7, 5, 8, 7]


def test_replies_may_be_judged_against_replies() -> None:
    """Rows whose answers are those of one model, against another's."""
    rows, better = versus([1, 1], [9, 9])
    worse = sl.Replies(sl.Rows(rows.data, rows.positions, ["2", "3"]))
    found = judged(worse.rows, better, FakeLLM(by_number))
    assert found.scores.values.tolist() == [-7, -6]


def test_no_reply_at_all_is_an_error() -> None:
    rows, replies = versus([8, 8], [None, None])
    with pytest.raises(sl.DataError, match="none of the 2 rows has a reply among the 0 given"):
        judged(rows, replies, FakeLLM(by_number))


@pytest.mark.parametrize("order", ["random", "both"])
def test_no_rows(order: Any) -> None:
    rows, replies = versus([8], [6])
    none = np.array([], int)
    found = judged(rows.take(none), sl.Replies(replies.rows.take(none)), FakeLLM(by_number), order=order)
    assert len(found.labels.codes) == len(found.scores.values) == 0
    assert found.labels.values == ["easy", "hard"]
    assert all(math.isnan(number) for number in (found.hard_rate, found.agreement, found.winning_score))
    assert found.calls == 0


def test_of_two_orders_both_must_be_known() -> None:
    own, other = [8] * 10, [6] * 10
    rows, replies = versus(own, other)
    found = judged(rows, replies, FakeLLM(by_number, fails={1, 6}), order="both", max_failed=0.2)
    assert found.labels.codes.tolist() == [-1, 1, 1, -1] + [1] * 6
    assert np.isnan(found.scores.values).tolist() == [True, False, False, True] + [False] * 6
    assert (found.hard_rate, found.agreement, found.winning_score) == (1, 1, 2)


def test_rows_without_a_verdict_are_at_most_a_share() -> None:
    """Two of twenty calls are a share of 0.1, but they are of two rows of ten."""
    rows, replies = versus([8] * 10, [6] * 10)
    with pytest.raises(
        sl.DataError, match=r"2 of 10 rows have no verdict, more than the share 0\.1 that max"
    ):
        judged(rows, replies, FakeLLM(by_number, fails={1, 6}), order="both", max_failed=0.1)
    one = judged(rows, replies, FakeLLM(by_number, fails={6, 7}), order="both", max_failed=0.1)
    assert (one.labels.codes == -1).sum() == 1
    with pytest.raises(sl.DataError, match="2 of 10 calls failed"):
        judged(rows, replies, FakeLLM(by_number, fails={1, 6}), max_failed=0.1)


def test_a_judge_that_prefers_what_stands_first_agrees_with_itself_never() -> None:
    rows, replies = versus([5] * 6, [5] * 6)
    found = judged(rows, replies, FakeLLM(lambda _: "8 6"), order="both")
    assert (found.agreement, found.winning_score, found.hard_rate) == (0, 1, 0)
    assert found.scores.values.tolist() == [0] * 6
    random = judged(rows, replies, FakeLLM(lambda _: "8 6"))
    shown_first = random.labels.why["first"] == "row"
    assert (random.labels.codes == shown_first).all()


def test_what_the_judge_is_asked() -> None:
    rows, replies = versus([8], [6])
    door = FakeLLM(by_number)
    found = judged(rows, replies, door, low=0, high=20, order="row_first")
    [(system, user)] = door.prompts
    assert [system[0], user[0]] == ["system", "user"]
    assert block([user], "Instruction") == "row 0"
    assert "from 0 to 20" in user[1]
    assert "{" not in system[1] + user[1]
    assert door.models == ["fake/judge"]
    form = door.options.pop("form")
    assert set(form["properties"]) == {"first", "second"}
    assert door.options == {
        "max_tokens": 256, "temperature": 0, "seed": 3, "again": 1, "max_failed": 0.05,
    }  # fmt: skip
    assert (found.calls, found.cost) == (1, 0.5)


def test_settings_reach_the_door() -> None:
    rows, replies = versus([8], [6])
    door = FakeLLM(lambda _: '{"first": 2, "second": 3}')
    settings = {"max_tokens": 9, "temperature": 0.5, "again": 4, "max_failed": 0.5}
    model = sl.Model(Path("trained"))
    prompt = "{first}|{second}|{instruction}|{low}-{high}|{{first}}"
    found = pairwise(
        rows, replies, model, prompt=prompt, system="", structured="never", order="other_first",
        seed=8, llm=door, **settings,
    )  # fmt: skip
    assert door.options == {**settings, "seed": 8, "form": None}
    assert door.models == [model]
    assert door.prompts == [[("user", "6|8|row 0|1-10|{first}")]]
    assert found.scores.values.tolist() == [1]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"prompt": "{first} {second}"}, "lacks the field {instruction}"),
        ({"prompt": "{instruction} {first}"}, "lacks the field {second}"),
        ({"prompt": "{instruction} {first} {second} {reply}"}, "the field {reply}, which nothing fills"),
        ({"system": "{judge}"}, "the field {judge}, which nothing fills"),
        ({"low": 10}, "a scale goes from low to high, but low is 10 and high 10"),
        ({"model_": None}, "neither is given"),
    ],
)
def test_faults_are_found_before_a_call(settings: Any, message: str) -> None:
    door = FakeLLM(by_number)
    rows, replies = versus([8], [6])
    with pytest.raises(sl.DataError, match=message):
        pairwise(rows, replies, **{"model_": "fake/judge", "seed": 0, "llm": door, **settings})
    assert door.prompts == []


def test_prompts_are_read_as_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the door stops, the rows beyond are never rendered."""
    from selectlang_plugins import _prompts

    monkeypatch.setattr(_prompts, "BLOCK", 2)
    rows, replies = versus([8] * 50, [6] * 50)
    rendered: list[int] = []
    texts = sl.Rows.texts
    monkeypatch.setattr(sl.Rows, "texts", lambda self, *a: rendered.append(len(self)) or texts(self, *a))

    class Stop(Exception):
        pass

    def rule(_: sl.Prompt) -> str:
        raise Stop

    with pytest.raises(Stop):
        judged(rows, replies, FakeLLM(rule))
    assert sum(rendered) <= 6, "one block of each of three texts"
