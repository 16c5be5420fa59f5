"""IterSelectTune as specs: the properties of its runs, numbered as in the notes on the paper, section 6.1.

Properties 1 to 4 are tests of the judge (tests/methods/test_judge_pairwise.py, test_judge_parse.py), 10 and
14 of the classifiers (tests/methods/test_classify.py); 5 to 7 and 13 are in test_properties.py beside this
file for the methods alone, and a run that is killed (11, 15) is in test_killed.py.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang.demo.pool import make_pool
from selectlang.llm.client import Client
from tests.llm.server import Server

from .conftest import by_id

Run = Callable[..., Any]
Params = dict[str, object]
Pool = dict[str, dict[str, Any]]

LAST = ("learned", "alike", "promise", "batch")  # what a round looks at, carried out of the loop
SEEN = {"training": {"carry": {f"last_{name}": {"next": name} for name in LAST}}}
LOOK = {
    **{name: f"training.last_{name}" for name in LAST},
    "easy": "training.verdicts.easy",
    "vectors": "vectors",
    "diverse": "diverse",
    "topics": "topics.clusters",
}
DIVERSE, BATCH, ROUNDS = 120, 20, 6  # the diverse half of 240 rows is used up in six rounds


@pytest.fixture
def rounds(once: dict[str, Any], run: Run, hardness: Params) -> list[Any]:
    """Runs of one round, of two, and so on until no row is left; each goes on from the one before."""
    if "rounds" not in once:
        once["rounds"] = [
            run("iterselecttune", extra=LOOK, stages=SEEN, out=f"rounds-{number}", **hardness, rounds=number)
            for number in range(1, ROUNDS + 1)
        ]
    found: list[Any] = once["rounds"]
    return found


def column(done: Any, name: str, key: str = "score") -> dict[str, Any]:
    return {row["id"]: row[key] for row in done.rows(name)}


def metric(done: Any, stage: str, name: str) -> Any:
    return done.stage(stage)["metrics"][name]


def test_property_5_the_diverse_part(run: Run, hardness: Params) -> None:
    """Unique, of the size asked for, the same each time; every cluster gives, and by water-filling."""
    for size in ("10", "50%", "100%"):
        params = hardness | {"diverse": size, "rounds": 1}
        done = run("iterselecttune", extra=LOOK, stages=SEEN, out="diverse", **params)
        ids, of = done.ids("diverse"), column(done, "topics", "cluster")
        wanted = {"10": 10, "50%": 120, "100%": 240}[size]
        assert len(ids) == len(set(ids)) == wanted
        found, sizes = Counter(of[name] for name in ids), Counter(of.values())
        level = min(max(found.values()), wanted)  # all but the small ones get this, or one less
        assert len(sizes) == 8
        for cluster, count in sizes.items():
            assert found[cluster] >= 1
            assert found[cluster] in ((count,) if count < level - 1 else (level - 1, level))
            assert found[cluster] <= count


def test_property_6_likeness_to_the_hard_rows(rounds: list[Any]) -> None:
    """1 for a hard row, by brute force for all others, and never less when the hard set has grown."""
    assert all(math.isnan(value) for value in column(rounds[0], "alike").values())
    before = dict.fromkeys(column(rounds[1], "alike"), -1.0)
    for last, done in pairwise(rounds):
        hard, alike = last.ids("hard"), column(done, "alike")
        names, matrix = zip(*column(done, "vectors", "vector").items(), strict=True)
        unit = np.array(matrix) / np.linalg.norm(matrix, axis=1, keepdims=True)
        place = {name: i for i, name in enumerate(names)}
        best = (unit @ unit[[place[name] for name in hard]].T).max(axis=1)
        np.testing.assert_allclose([alike[name] for name in names], best, atol=1e-6)
        assert all(alike[name] == pytest.approx(1, abs=1e-6) for name in hard)
        assert all(alike[name] >= before[name] - 1e-6 for name in names)
        before = alike


def test_property_7_promise_is_the_blend(rounds: list[Any]) -> None:
    for done in rounds[1:]:
        learned, alike, promise = (column(done, name) for name in ("learned", "alike", "promise"))
        assert learned.keys() == set(done.ids("diverse"))
        for name, model in learned.items():
            assert promise[name] == pytest.approx(0.7 * model + 0.3 * alike[name], abs=1e-6)
            assert min(model, alike[name]) - 1e-6 <= promise[name] <= max(model, alike[name]) + 1e-6


@pytest.mark.parametrize("alpha, by", [(1, "learned"), (0, "alike")])
def test_property_7_alpha_at_its_ends(run: Run, hardness: Params, alpha: int, by: str) -> None:
    done = run("iterselecttune", extra=LOOK, stages=SEEN, out="ends", **hardness, rounds=2, alpha=alpha)
    promise, alone = column(done, "promise"), column(done, by)
    assert {name: promise[name] for name in done.ids("diverse")} == {
        name: alone[name] for name in done.ids("diverse")
    }


def test_property_8_a_draw_at_first_and_then_the_highest_promise(rounds: list[Any], workplace: Path) -> None:
    first = rounds[0]
    assert all(math.isnan(value) for value in column(first, "promise").values())
    assert [row["score"] for row in first.why("batch")] == [None] * BATCH
    order = list(by_id(workplace / "pool.jsonl"))
    places = [order.index(name) for name in first.ids("batch")]
    assert places != sorted(places)  # not as they stand in the file
    for last, done in pairwise(rounds):
        promise, batch = column(done, "promise"), done.ids("batch")
        left = set(done.ids("diverse")) - set(batch) - set(last.ids("hard")) - set(last.ids("easy"))
        assert min(promise[name] for name in batch) >= max((promise[name] for name in left), default=-1)


def test_property_9_no_row_is_judged_twice(rounds: list[Any]) -> None:
    """Rows judged are rows answered; the diverse part shrinks by each batch; hard and easy grow, apart."""
    judged: list[str] = []
    hard, easy = set[str](), set[str]()
    for number, done in enumerate(rounds, 1):
        judged += done.ids("batch")
        assert len(judged) == len(set(judged)) == number * BATCH
        assert metric(done, f"training/batch#{number}", "left") == DIVERSE - len(judged)
        for stage in ("replies", "judged"):
            (asked,) = done.stage(f"training/{stage}#{number}")["asked"]
            assert asked["calls"] == BATCH
        grown = set(done.ids("hard")), set(done.ids("easy"))
        assert hard <= grown[0]
        assert easy <= grown[1]
        hard, easy = grown
        assert not hard & easy
        assert hard | easy == set(judged)
        assert len(hard) > 3
        assert len(easy) > 3
    assert set(judged) == set(rounds[-1].ids("diverse"))
    asked = rounds[-1].record["asked"]
    assert {model: total["calls"] for model, total in asked.items()} == {"fake/echo": 120, "fake/judge": 120}


def test_property_10_foreseen_before_it_is_learnt(rounds: list[Any], rows: Pool) -> None:
    """The accuracy of a round is that of the classifier of the round before, on the batch it has not seen."""
    from selectlang_plugins.score.classifier import classifier

    assert metric(rounds[0], "training/hardness#1", "accuracy") is None
    for number, (last, done) in enumerate(pairwise(rounds), 2):
        batch, hard = done.ids("batch"), set(done.ids("hard"))
        found = classifier(model_=str(last.folder / "classifier"))
        values = found(sl.Rows(Dataset.from_records([rows[name] for name in batch]))).values
        right = np.mean((values > 0.5) == [name in hard for name in batch])
        assert metric(done, f"training/hardness#{number}", "accuracy") == pytest.approx(right)
        assert set(column(last, "learned")) >= set(batch)


def ended(run: Run, params: Params, until: dict[str, Any], rounds: int = 10, **more: Any) -> tuple[int, Any]:
    """How many rounds a run has, with no rule but these, and what its record says of the end."""
    training = {"training": {"until": until}}
    done = run("iterselecttune", stages=training, out="until", **params, rounds=rounds, **more)
    count = sum(stage["path"].startswith("training/judged#") for stage in done.record["stages"])
    (loop,) = (loop for loop in done.record["loops"] if loop["path"] == "training")
    assert loop["rounds"] == count
    said = f"note: training: ended after round {count}: {loop['ended']}"
    assert (said in done.err) is (loop["ended"] is not None)
    return count, loop["ended"]


def test_property_11_rounds(run: Run, hardness: Params) -> None:
    for rounds in (1, 3):
        assert ended(run, hardness, {}, rounds) == (rounds, None)


def test_property_11_the_pool_is_used_up(run: Run, hardness: Params) -> None:
    assert ended(run, hardness, {"batch.left": {"at_most": 0}}) == (ROUNDS, "batch.left at_most 0")
    assert ended(run, hardness, {"batch.left": {"at_most": 60}}) == (3, "batch.left at_most 60")


def accuracies(done: Any) -> list[float]:
    """NaN in the first round."""
    found = [metric(done, f"training/hardness#{number}", "accuracy") for number in range(1, ROUNDS + 1)]
    return [math.nan if value is None else value for value in found]


def test_property_11_accuracy(run: Run, hardness: Params, rounds: list[Any]) -> None:
    """At the bound, in the first round that reaches it."""
    seen = accuracies(rounds[-1])
    assert len(set(seen[1:])) > 1
    for bound in seen[1:]:
        wanted = next(number for number, value in enumerate(seen, 1) if value >= bound)
        until = {"hardness.accuracy": {"at_least": bound}}
        assert ended(run, hardness, until) == (wanted, f"hardness.accuracy at_least {bound:.12g}")


@pytest.mark.parametrize("stage, value", [("judged", "calls"), ("hardness", "accuracy")])
def test_property_11_a_total(run: Run, hardness: Params, rounds: list[Any], stage: str, value: str) -> None:
    """What is spent, as calls here; of a metric that a round lacks nothing is added."""
    found = [metric(rounds[-1], f"training/{stage}#{number}", value) for number in range(1, ROUNDS + 1)]
    totals = np.cumsum([0 if number is None else number for number in found])
    bound = float(totals[3]) - 0.01
    until = {f"{stage}.{value}": {"total_at_least": bound}}
    assert ended(run, hardness, until) == (4, f"{stage}.{value} total_at_least {bound:.12g}")


def test_property_11_dollars(run: Run, hardness: Params, server: Server) -> None:
    """They are those of a real price; when they are spent in an earlier run they count all the same."""
    params, reached = hardness | {"judge": "openai/gpt-4"}, f"--api-base {server.url}"
    done = run("iterselecttune", out="dollars", **params, rounds=2, options=reached)
    spent = [metric(done, f"training/judged#{number}", "cost") for number in (1, 2)]
    assert min(spent) > 0.01
    assert len(server.requests) == 2 * BATCH
    until = {"judged.cost": {"total_at_least": round(sum(spent), 3) - 0.001}}
    for _ in range(2):
        count, rule = ended(run, params, until, options=reached)
        assert count == 2
        assert rule.startswith("judged.cost total_at_least 0.")
    assert len(server.requests) == 2 * BATCH


@pytest.mark.parametrize("patience, within", [(1, 0), (2, 0), (1, 0.3), (3, 0.3)])
def test_property_11_a_plateau(
    run: Run, hardness: Params, rounds: list[Any], patience: int, within: float
) -> None:
    """No rise of more than `within` over the best before, in so many rounds."""
    seen = accuracies(rounds[-1])
    wanted = next(
        number
        for number in range(2 + patience, ROUNDS + 1)
        if max(seen[number - patience : number]) <= max(seen[1 : number - patience]) + within
    )
    until = {"hardness.accuracy": {"plateau": patience, "within": within}, "batch.left": {"at_most": 0}}
    assert ended(run, hardness, until)[0] == wanted


def barred(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on no model can be asked."""

    async def call(*_: Any) -> Any:
        raise AssertionError("a model is asked")

    def prepare(*_: Any) -> None:
        raise AssertionError("a model is asked")

    monkeypatch.setattr(Client, "call", call)
    monkeypatch.setattr(Client, "prepare", prepare)


def test_the_bar_holds(
    run: Run, project: Callable[..., Any], hardness: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    barred(monkeypatch)
    with pytest.raises(AssertionError, match="a model is asked"):
        run("iterselecttune", **hardness, rounds=1, project=fresh(project, 60))


def fresh(project: Callable[..., Any], rows: int, seed: int = 0, name: str = "") -> Any:
    """A project with a pool and a store of its own."""
    return project({"pool.jsonl": make_pool(rows, seed)}, name)


def test_property_12_apply_asks_no_model(
    trained: Any,
    run: Run,
    project: Callable[..., Any],
    toys: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a pool of other rows, in a store of its own: no call, no call store, no stage that could call."""
    barred(monkeypatch)
    p = fresh(project, 100, seed=7)
    params = {"classifier": trained.folder / "classifier", "hard": trained.folder / "hard.jsonl"}
    done = run("iterselecttune-apply", project=p, **params, encoder=toys["encoder"], steps=3, size=30)
    assert done.record["asked"] == {}
    assert not any("asked" in stage for stage in done.record["stages"])
    assert {stage["kind"] for stage in done.record["stages"]} == {"embed", "score", "merge", "budget"}
    assert not list(p.folder.rglob("calls.db*"))
    ids = done.ids()
    assert len(set(ids)) == 30
    assert set(ids) <= by_id(p.folder / "pool.jsonl").keys()
    assert not set(ids) & set(trained.ids("hard"))


def test_apply_chooses_as_the_run_that_trained(trained: Any, run: Run, toys: dict[str, str]) -> None:
    """On the same pool, in as many steps: what was chosen since counts as what the training found hard."""
    params = {"classifier": trained.folder / "classifier", "hard": trained.folder / "hard.jsonl"}
    done = run("iterselecttune-apply", **params, encoder=toys["encoder"], steps=4)
    assert done.ids() == trained.ids()
    np.testing.assert_allclose(
        [row["score"] for row in done.why()], [row["score"] for row in trained.why()], atol=1e-6
    )


def test_the_selection_step_by_step(trained: Any, run: Run, hardness: Params) -> None:
    """A step takes the highest promise by the hard rows and those of the steps before: by brute force."""
    extra = {"quality": "quality", "vectors": "vectors"}
    done = run("iterselecttune", extra=extra, out="steps", **hardness, rounds=3)
    assert done.ids() == trained.ids()
    names, matrix = zip(*column(done, "vectors", "vector").items(), strict=True)
    unit = np.array(matrix) / np.linalg.norm(matrix, axis=1, keepdims=True)
    quality = column(done, "quality")
    likeness, taken = unit @ unit.T, list[int]()
    hard = [names.index(name) for name in done.ids("hard")]
    for number in range(4):
        alike = likeness[:, [*hard, *taken]].max(axis=1)
        promise = np.array([0.7 * quality[name] for name in names]) + 0.3 * alike
        batch = [names.index(name) for name in done.ids()[12 * number : 12 * number + 12]]
        left = np.setdiff1d(np.arange(len(names)), [*taken, *batch])
        assert promise[batch].min() >= promise[left].max() - 1e-6
        taken += batch
    assert len(taken) == len(set(taken)) == 48
    assert [row["why"]["round"] for row in done.why()] == [step for step in (1, 2, 3, 4) for _ in range(12)]


def test_property_13_shares_of_the_pool_are_nested_in_one_step(run: Run, hardness: Params) -> None:
    ids: list[str] = []
    for size, count in (("5%", 12), ("10%", 24), ("15%", 36), ("20%", 48)):
        params = hardness | {"steps": 1}
        more = run("iterselecttune-one-shot", out="one-shot", **params, rounds=2, size=size).ids()
        assert len(set(more)) == count
        assert more[: len(ids)] == ids
        ids = more


def test_property_15_the_same_bytes_from_the_same_answers(
    trained: Any,
    run: Run,
    project: Callable[..., Any],
    hardness: Params,
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a store that has the answers and nothing else, and with no model to ask."""
    barred(monkeypatch)
    p = fresh(project, 240)
    run("random", project=p, size=1)  # now the store is one
    answers = list((workplace / "store").rglob("calls.db*"))
    assert "calls.db" in {path.name for path in answers}
    for path in answers:
        copy = p.store / path.relative_to(workplace / "store")
        copy.write_bytes(path.read_bytes())
    done = run("iterselecttune", project=p, out="trained", **hardness, rounds=3)
    assert set(done.states.values()) == {"ran"}
    for name in ("chosen", "hard"):
        assert done.bytes(name) == trained.bytes(name)
    for path in (trained.folder / "classifier").iterdir():
        assert (done.folder / "classifier" / path.name).read_bytes() == path.read_bytes()
    assert sum(total["paid"] for total in done.record["asked"].values()) == 0


def test_property_15_alpha_touches_nothing_before_the_merge(trained: Any, run: Run, hardness: Params) -> None:
    before = trained.keys
    done = run("iterselecttune", out="alpha", **hardness, rounds=3, alpha=0.61)
    same = {path for path, key in done.keys.items() if before.get(path) == key}
    assert same == {"vectors", "topics", "diverse", "training/learned#1", "training/alike#1"}
    assert {path for path, state in done.states.items() if state == "ran"} == done.keys.keys() - same
    for stage in ("replies", "judged"):  # round one draws the same rows, whose answers are there
        (asked,) = done.stage(f"training/{stage}#1")["asked"]
        assert (asked["calls"], asked["paid"]) == (BATCH, 0)


def test_a_plan_prices_every_round(run: Run, project: Callable[..., Any], hardness: Params) -> None:
    """Before anything is asked: as many calls as there are rows in the batches of all rounds."""
    p = fresh(project, 240)
    params = hardness | {"judge": "openai/gpt-4", "base_model": "openai/gpt-4o-mini", "rounds": 3}
    given = " ".join(f"--set {key}={value}" for key, value in {"pool": "pool.jsonl", **params}.items())
    plan = json.loads(p.run(f"selectlang plan iterselecttune {given} --json").ok().out)
    asks = {ask["path"]: ask for ask in plan["asks"]}
    assert asks.keys() == {f"training/{stage}#{i}" for stage in ("replies", "judged") for i in (1, 2, 3)}
    assert {ask["calls"] for ask in asks.values()} == {BATCH}
    assert all(ask["dollars"] > 0 for ask in asks.values())
    assert plan["unpriced"] == []
