"""Diversify and Conquer in rounds, as specs: properties numbered as in the notes on the paper, section 6.

Of the others, 1 to 7, 10 and 12 are tests of the budget (tests/methods/test_budget_per_cluster.py and
test_budget_shares.py), 8 and 10 of the weights (test_cluster_weights.py), 9 of the gap (test_reward.py,
test_merge_difference.py), 13 of the judge (test_judge_rubric.py, test_judge_parse.py); 14 and 15 are in
test_properties.py beside this file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang.llm.fake import grade

Run = Callable[..., Any]
Pool = dict[str, dict[str, Any]]

NAMES = ("dnc-iterative", "dnc-iterative-judge", "dnc-iterative-perplexity", "dnc-released-code")
SEEN = {
    "rounds": {
        "carry": {
            **{f"last_{name}": {"next": name} for name in ("batch", "replies", "gap")},
            "last_student": {"next": "student.model"},
        }
    }
}
LOOK = {
    **{name: f"rounds.last_{name}" for name in ("batch", "replies", "gap", "student")},
    "weights": "rounds.weights",
    "topics": "topics.clusters",
}
SIZE, K, ROUNDS = 21, 6, 2


@pytest.fixture
def refine(run: Run, toys: dict[str, str]) -> Run:
    """Run a spec so that what its last round did can be seen; rounds draw 10 rows, then 11."""

    def call(name: str, rounds: int = ROUNDS, stages: Any = SEEN, **params: object) -> Any:
        given = {"encoder": toys["encoder"], "model": toys["model"], "k": K, "size": SIZE, "rounds": rounds}
        given["judge" if name.endswith("judge") else "reward_model"] = (
            "fake/judge" if name.endswith("judge") else toys["reward"]
        )
        return run(name, extra=LOOK, stages=stages, out=f"{name}-{rounds}", **given | params)

    return call


def first_of_two(refine: Run, name: str) -> Any:
    """The first of two rounds: it takes its part of the size, and no other round follows."""
    parts = {"rounds": {**SEEN["rounds"], "stages": {"batch": {"over": ROUNDS}}}}
    return refine(name, rounds=1, stages=parts)


def column(done: Any, name: str, key: str = "score") -> dict[str, Any]:
    return {row["id"]: row[key] for row in done.rows(name)}


def weights(done: Any) -> Any:
    return np.array([row["weight"] for row in done.rows("weights")])


def means(done: Any) -> Any:
    """The mean gap of each cluster by its rows that have one; NaN where none has."""
    of, gaps = column(done, "topics", "cluster"), column(done, "gap")
    inside: list[list[float]] = [[] for _ in range(K)]
    for name, gap in gaps.items():
        if gap == gap:
            inside[of[name]].append(gap)
    return np.array([np.mean(part) if part else np.nan for part in inside])


def reweighed(before: Any, mean: Any, memory: bool = True) -> Any:
    """The softmax of the means, times the weights before; clusters without a mean keep theirs."""
    scored = ~np.isnan(mean)
    grown = (before[scored] if memory else 1.0) * np.exp(mean[scored])
    found = before.copy()
    found[scored] = before[scored].sum() * grown / grown.sum()
    return found


def rounded(shares: Any, total: int) -> list[int]:
    """Whole counts by the largest remainders."""
    exact = total * shares / shares.sum()
    counts = np.floor(exact).astype(int)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: total - counts.sum()]] += 1
    return [int(count) for count in counts]


@pytest.mark.parametrize("name", NAMES[:3])
def test_properties_8_and_11_rounds_and_weights(refine: Run, name: str) -> None:
    """Rounds are disjoint, add up to the size, and differ by one at most; the second follows the weights."""
    one, two = first_of_two(refine, name), refine(name)
    of, first = column(one, "topics", "cluster"), one.ids()
    assert len(first) == 10
    assert set(first) == set(one.ids("batch"))
    sizes = np.bincount(list(of.values()), minlength=K)
    drawn = Counter(of[row] for row in first)
    assert [drawn[label] for label in range(K)] == rounded(sizes, 10)  # kMQ
    found = weights(one)
    assert len(found) == K
    np.testing.assert_allclose(found, reweighed(np.full(K, 1 / K), means(one)), rtol=1e-9)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert len(set(np.round(found, 9))) > 2

    assert two.ids()[:10] == first
    batch = two.ids("batch")
    assert two.ids() == [*first, *batch]
    assert len(set(two.ids())) == SIZE
    drawn = Counter(of[row] for row in batch)
    assert [drawn[label] for label in range(K)] == rounded(found, 11)
    np.testing.assert_allclose(weights(two), reweighed(found, means(two)), rtol=1e-9)
    assert [row["why"]["round"] for row in two.why()] == [1] * 10 + [2] * 11


@pytest.mark.parametrize("name", NAMES)
def test_who_is_answered(refine: Run, name: str) -> None:
    """The rows of the round; by the released code all rows drawn so far."""
    one, two = first_of_two(refine, name), refine(name)
    assert [row["id"] for row in one.rows("replies")] == one.ids()
    wanted = two.ids() if name == "dnc-released-code" else two.ids("batch")
    assert [row["id"] for row in two.rows("replies")] == wanted
    assert column(two, "gap").keys() == set(wanted)
    learnt = two.stage("rounds/student#2")
    assert learnt["rows_in"] == len(two.ids())
    assert learnt["metrics"]["examples"] == len(two.ids())
    assert "previous" not in learnt["inputs"]  # from the base model each time


def with_reply(done: Any, rows: Pool) -> tuple[sl.Rows[Any], sl.Rows[Any]]:
    """The rows that were answered, with their own answers and with those of the model."""
    replies = column(done, "replies", "response")
    own = sl.Rows(Dataset.from_records([rows[name] for name in replies]))
    return own, sl.Rows(own.data, own.positions, list(replies.values()))


def test_the_gap_of_rewards(refine: Run, rows: Pool, toys: dict[str, str]) -> None:
    from selectlang_plugins.score.reward import reward

    for name, template in (("dnc-iterative", "chat"), ("dnc-released-code", "hh")):
        done = refine(name)
        score = reward(model_=toys["reward"], template=template)  # type: ignore[arg-type]
        gold, own = (score(part).values for part in with_reply(done, rows))
        np.testing.assert_allclose(list(column(done, "gap").values()), gold - own, atol=1e-5)
        assert np.ptp(gold - own) > 0.01


def test_the_gap_of_grades(refine: Run, rows: Pool) -> None:
    done = refine("dnc-iterative-judge")
    replies = column(done, "replies", "response")

    def graded(text: str) -> float:
        return round(1 + 9 * grade(text), 1)

    wanted = {name: graded(rows[name]["output"]) - graded(replies[name]) for name in replies}
    assert column(done, "gap") == pytest.approx(wanted)
    assert done.record["asked"]["fake/judge"]["calls"] == 2 * SIZE
    students = {f"model of rounds/student#{number}" for number in (1, 2)}
    assert done.record["asked"].keys() == {"fake/judge", *students}
    assert done.stage("rounds/replies#2")["asked"][0]["model"] == "model of rounds/student#2"


def test_the_gap_of_surprise(refine: Run, rows: Pool) -> None:
    """By the model that was trained in this round."""
    from selectlang_plugins.score.perplexity import perplexity

    done = refine("dnc-iterative-perplexity")
    score = perplexity(model_=str(done.folder / "student"))
    gold, own = (score(part).values for part in with_reply(done, rows))
    np.testing.assert_allclose(list(column(done, "gap").values()), gold - own, atol=1e-5)
    assert (gold - own).mean() > 0.5  # its own answers surprise it less


def test_signals_share_what_comes_before_them(refine: Run) -> None:
    """Draw, training and answers of the first round are the same, and are made once."""
    keys = [refine(name).keys for name in NAMES[:3]]
    for stage in ("batch", "grown", "student", "replies"):
        assert len({of[f"rounds/{stage}#1"] for of in keys}) == 1
    assert len({of["rounds/gap#1"] for of in keys}) == 3


def test_the_released_code(refine: Run) -> None:
    """As many rows of each cluster, rounded down; then by weights without memory, which can fall short."""
    one, two = first_of_two(refine, "dnc-released-code"), refine("dnc-released-code")
    of = column(one, "topics", "cluster")
    sizes = Counter(of.values())
    assert Counter(of[row] for row in one.ids()) == {label: min(1, sizes[label]) for label in range(K)}
    assert "asked for 10 rows, 240 were eligible: chose 6; the rest was lost" in one.err
    start = np.full(K, 1 / K)
    np.testing.assert_allclose(weights(one), reweighed(start, means(one), memory=False), rtol=1e-9)
    np.testing.assert_allclose(weights(two), reweighed(weights(one), means(two), memory=False), rtol=1e-9)
    batch = two.ids("batch")
    assert len(batch) <= 11
    assert not set(batch) & set(one.ids())
    assert two.ids() == [*one.ids(), *batch]


@pytest.mark.parametrize("form, temperature", [("equation_6", 1), ("softmax", 1), ("softmax_with_memory", 4)])
def test_forms_of_the_weights(refine: Run, form: str, temperature: float) -> None:
    usual = weights(refine("dnc-iterative"))
    done = refine("dnc-iterative", form=form, temperature=temperature)
    settings = done.stage("rounds/reweighed#2")["settings"]
    assert (settings["form"], settings["temperature"]) == (form, temperature)
    assert weights(done).sum() == pytest.approx(1)
    assert np.abs(weights(done) - usual).max() > 1e-3
