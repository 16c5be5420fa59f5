"""What a report is made of, against what a few lines of Python find in the rows of the run folder."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from selectlang.report import figures, header, spread, stages, tables
from selectlang.report.charts import _missing, told
from selectlang.report.line import COLUMNS, _each, _Grouping
from selectlang.report.projection import plane, principal
from selectlang.report.rounds import _numbers, _spend
from selectlang.report.scene import round_of
from selectlang.report.space import Space

Make = Callable[..., Any]
About = Callable[..., dict[str, Any]]
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out"


def spec(stages: str, outputs: str = "chosen: chosen", data: str = "pool: {path: $pool, id: id}") -> str:
    return f"""
selectlang: 1
name: looked-at
params: {{pool: {{type: path}}}}
data: {{{data}}}
stages:
  values: {{score: from_field, from: pool, field: value}}
  tasks:  {{cluster: by_field, from: pool, field: task}}
  words:  {{embed: tfidf, from: pool, dimension: 8}}
  topics: {{cluster: kmeans, from: words, k: 4}}
{stages}
outputs: {{{outputs}}}
"""


BUDGETS = {
    "top": "{budget: top, from: values, size: 12}",
    "bottom": "{budget: bottom, from: values, size: 12}",
    "band": "{budget: band, from: values, size: 12, start: 0.4}",
    "threshold": "{budget: threshold, from: values, at_least: 70}",
}


@pytest.mark.parametrize("budget", BUDGETS)
def test_the_line_has_the_nearest_rows_on_both_sides(
    project: Make, pool: Make, about: About, budget: str
) -> None:
    rows = pool(60)
    p = project({"s.yaml": spec(f"  chosen: {BUDGETS[budget]}"), "pool.jsonl": rows})
    chosen = p.run(RUN).ok().ids()
    (found,) = about(p, p.folder / "out")["outputs"]
    line = found["line"]
    assert (line["kind"], line["stage"], line["inside"]) == ("one", "chosen", 0)
    value = {row["id"]: row["value"] for row in rows}
    taken = sorted(value[name] for name in chosen)
    left = sorted(value[name] for name in value if name not in chosen)
    sides = {"top": 1, "threshold": 1, "bottom": 1, "band": 2}[budget]
    assert len(line["sides"]) == sides
    for side in line["sides"]:
        near, beyond = ([row["score"] for row in side[kind]] for kind in ("chosen", "left"))
        if side.get("above"):
            assert near == taken[::-1][: len(near)]
            assert beyond == [one for one in left if one >= taken[-1]][: len(beyond)][::-1]
        else:
            assert near == taken[: len(near)][::-1]
            assert beyond == [one for one in left[::-1] if one <= taken[0]][: len(beyond)]
        for kind in ("chosen", "left"):
            for row in side[kind]:
                assert value[row["id"]] == row["score"]
                assert (row["id"] in chosen) is (kind == "chosen")


def test_the_line_is_among_the_candidates(project: Make, pool: Make, about: About) -> None:
    """Rows that `within` does not hold, or that `skip` does, did not miss the line."""
    stages = """
  some:   {budget: bottom, from: values, size: 30}
  first:  {budget: top, from: {scores: values, within: some}, size: 4}
  chosen: {budget: top, from: {scores: values, within: some, skip: first}, size: 5}"""
    rows = pool(60)
    p = project({"s.yaml": spec(stages), "pool.jsonl": rows})
    p.run(RUN).ok()
    (found,) = about(p, p.folder / "out")["outputs"]
    values = sorted(row["value"] for row in rows)[:30]
    (side,) = found["line"]["sides"]
    assert (found["line"]["kind"], found["line"]["inside"]) == ("one", 0)
    assert [row["score"] for row in side["chosen"]] == values[-9:-4][::-1]
    assert [row["score"] for row in side["left"]] == values[-10:-18:-1]


def test_each_cluster_may_have_a_line(project: Make, pool: Make, about: About) -> None:
    budget = (
        "{budget: per_cluster, from: {clusters: tasks, scores: values}, size: 12, draw: top, share: equal}"
    )
    rows = [{**row, "value": row["value"] + 1000 * "abc".index(row["task"])} for row in pool(60)]
    p = project({"s.yaml": spec(f"  chosen: {budget}"), "pool.jsonl": rows})
    chosen = set(p.run(RUN).ok().ids())
    line = about(p, p.folder / "out")["outputs"][0]["line"]
    assert (line["kind"], line["columns"]) == ("each", ["cluster"])
    assert sorted(side["chosen"][0]["cluster"] for side in line["sides"]) == ["a", "b", "c"]
    for side in line["sides"]:
        task = side["chosen"][0]["cluster"]
        mine = sorted(row["value"] for row in rows if row["task"] == task and row["id"] in chosen)
        others = sorted(row["value"] for row in rows if row["task"] == task and row["id"] not in chosen)
        assert [row["score"] for row in side["chosen"]] == mine[:2][::-1]
        assert [row["score"] for row in side["left"]] == others[::-1][:2]


def test_each_group_of_targets_may_have_a_line(project: Make, pool: Make, about: About) -> None:
    stages = """
  wanted:   {embed: tfidf, from: {rows: targets, fit: pool}, dimension: 8}
  nearness: {score: nearest, from: {pool: words, targets: wanted}, per: group}
  chosen:   {budget: round_robin, from: nearness, size: 9}"""
    text = spec(stages, data="pool: {path: $pool, id: id}, targets: {path: $targets, group: task}")
    text = text.replace("{pool: {type: path}}", "{pool: {type: path}, targets: {type: path}}")
    p = project({"s.yaml": text, "pool.jsonl": pool(60), "targets.jsonl": pool(6, 100)})
    done = p.run(RUN + " --set targets=targets.jsonl").ok()
    found = about(p, p.folder / "out")["outputs"][0]
    line = found["line"]
    assert (line["kind"], line["columns"]) == ("each", ["group"])
    least: dict[str, float] = {}
    for why in done.why():
        group = why["why"]["group"]
        least[group] = min(why["score"], least.get(group, 9))
    assert {side["chosen"][-1]["group"]: side["chosen"][-1]["score"] for side in line["sides"]} == {
        group: pytest.approx(score, rel=1e-4) for group, score in least.items()
    }
    for side in line["sides"]:
        assert side["left"][0]["score"] <= side["chosen"][-1]["score"]
        assert side["left"][0]["id"] not in done.ids()
    assert {each["name"]: sum(each["rows"]) for each in found["reasons"]}["group"] == 9


def test_a_draw_has_no_line(project: Make, pool: Make, about: About) -> None:
    weighted = "{budget: per_cluster, from: {clusters: topics, scores: values}, size: 12}"
    p = project({"s.yaml": spec(f"  chosen: {weighted}"), "pool.jsonl": pool(60)})
    p.run(RUN).ok()
    line = about(p, p.folder / "out")["outputs"][0]["line"]
    assert line["kind"] == "none"
    assert line["inside"] > 0
    p.write({"s.yaml": spec("  chosen: {budget: random, from: pool, size: 12}")})
    p.run(RUN).ok()
    assert about(p, p.folder / "out")["outputs"][0]["line"] is None


def test_groups_have_their_shares(project: Make, pool: Make, about: About) -> None:
    budget = "{budget: per_cluster, from: {clusters: topics, scores: values}, size: 12}"
    rows = pool(60)
    p = project({"s.yaml": spec(f"  chosen: {budget}"), "pool.jsonl": rows})
    chosen = set(p.run(RUN).ok().ids())
    task, topics = about(p, p.folder / "out")["outputs"][0]["shares"]
    assert (task["name"], task["kind"], topics["name"], topics["kind"]) == (
        "task",
        "field",
        "topics",
        "cluster",
    )
    counts = Counter(row["task"] for row in rows if row["id"] in chosen)
    assert dict(zip(task["names"], task["chosen_rows"], strict=True)) == counts
    assert dict(zip(task["names"], task["pool_rows"], strict=True)) == {"a": 20, "b": 20, "c": 20}
    assert task["chosen"] == pytest.approx([count / 12 for count in task["chosen_rows"]], abs=1e-4)
    assert (sum(topics["pool_rows"]), sum(topics["chosen_rows"]), topics["groups"]) == (60, 12, 4)


def test_of_many_groups_those_are_shown_whose_shares_differ_most() -> None:
    from selectlang.report.spread import BARS, shares

    names = [f"g{i}" for i in range(100)]
    pool_rows = np.repeat(np.arange(100), 10)
    chosen = np.array([7] * 30 + [50] * 20)
    found = shares("g", "field", pool_rows, chosen, names)
    assert len(found["names"]) == BARS
    assert found["names"][:2] == ["g7", "g50"]
    assert (found["groups"], found["reached"]) == (100, 2)


def test_scores_are_distributed_as_they_are(project: Make, pool: Make, about: About) -> None:
    rows = pool(300)
    for row in rows[:5]:
        row["value"] = None
    p = project({"s.yaml": spec("  chosen: {budget: top, from: values, size: 30}"), "pool.jsonl": rows})
    chosen = set(p.run(RUN).ok().ids())
    (found,) = about(p, p.folder / "out")["outputs"][0]["scores"]
    known = [row["value"] for row in rows if row["value"] is not None]
    assert (found["pool_missing"], found["chosen_missing"]) == (5, 0)
    low, high = np.percentile(known, [0.5, 99.5])
    expected = np.histogram(np.clip(known, low, high), found["edges"])[0] / len(known)
    assert found["pool"] == pytest.approx(expected.tolist(), abs=1e-4)
    taken = [row["value"] for row in rows if row["id"] in chosen]
    assert sum(found["chosen"]) == pytest.approx(1, abs=1e-3)
    assert min(taken) >= found["edges"][next(i for i, share in enumerate(found["chosen"]) if share)] - 1e-3


def test_few_numbers_have_a_bar_each(project: Make, pool: Make, about: About) -> None:
    rows = [{**row, "value": i % 4} for i, row in enumerate(pool(40))]
    p = project({"s.yaml": spec("  chosen: {budget: top, from: values, size: 10}"), "pool.jsonl": rows})
    p.run(RUN).ok()
    (found,) = about(p, p.folder / "out")["outputs"][0]["scores"]
    assert found["values"] == [0, 1, 2, 3]
    assert (found["pool"], found["chosen"]) == ([0.25] * 4, [0, 0, 0, 1])


def test_whole_numbers_have_bars_of_whole_widths(project: Make, pool: Make, about: About) -> None:
    """Else a flat distribution has teeth: bars that hold two numbers beside bars that hold one."""
    rows = [{**row, "value": i % 60} for i, row in enumerate(pool(600))]
    p = project({"s.yaml": spec("  chosen: {budget: top, from: values, size: 40}"), "pool.jsonl": rows})
    p.run(RUN).ok()
    (found,) = about(p, p.folder / "out")["outputs"][0]["scores"]
    assert found["edges"] == [2 * i - 0.5 for i in range(31)]
    assert found["pool"] == pytest.approx([1 / 30] * 30, abs=1e-4)
    bars = figures.distribution(found)["data"][0]["customdata"]
    assert (bars[0], bars[1], bars[-1]) == ("up to 1", "2 to 3", "58 and more")


def test_reasons_are_in_order_and_those_of_no_row_are_there() -> None:
    scores: Any = SimpleNamespace(value=SimpleNamespace(columns=["a", "b", "c"]))
    why = {
        "group": np.array(["b", "a", "b", "b"]), "turn": np.array([0, 0, 1, 2]),
        "round": np.array([10, 2, 2, 1]), "cluster": np.array([0, 1, 1, 1]),
    }  # fmt: skip
    scene: Any = SimpleNamespace(selection=SimpleNamespace(why=why), scores=[scores], clusters=[])
    group, rounds = spread.reasons(scene)
    assert (group["names"], group["rows"], group["even"]) == (["b", "a", "c"], [3, 1, 0], 4 / 3)
    assert (rounds["names"], rounds["rows"], rounds["even"]) == (["1", "2", "10"], [1, 2, 1], None)
    assert figures.reasons(group)["layout"]["shapes"][0]["x0"] == 4 / 3
    assert figures.reasons(rounds)["layout"]["shapes"] == []  # a round may have given nothing
    scores.value.columns = [str(i) for i in range(99)] + ["a", "b"]
    group, _ = spread.reasons(scene)
    assert (len(group["names"]), group["names"][:2], group["even"]) == (30, ["b", "a"], 4 / 101)


def test_lengths_are_those_of_all_chosen_rows(project: Make, pool: Make) -> None:
    stages = "  chosen: {budget: top, from: values, size: 300}"
    rows = [{**row, "output": "word " * (i % 37 + 1)} for i, row in enumerate(pool(400))]
    p = project({"s.yaml": spec(stages), "pool.jsonl": rows})
    done = p.run(RUN).ok()
    measured = {each["measure"]: each for each in done.record["control"]["chosen"]["measures"]}
    taken = [len(row["output"].split()) for row in done.rows()]
    assert measured["tokens of the response"]["chosen"] == pytest.approx(sum(taken) / 300, rel=1e-5)
    every = [len(row["output"].split()) for row in rows]
    assert measured["tokens of the response"]["pool"] == pytest.approx(sum(every) / 400, rel=1e-5)


def test_the_control_goes_by_what_the_run_made(project: Make, pool: Make) -> None:
    budget = "{budget: per_cluster, from: {clusters: topics, scores: values}, size: 12}"
    p = project({"s.yaml": spec(f"  chosen: {budget}"), "pool.jsonl": pool(60)})
    done = p.run(RUN).ok()
    control = done.record["control"]["chosen"]
    assert {key: control[key] for key in ("data", "rows", "compared", "budget", "drawn")} == {
        "data": "pool", "rows": 12, "compared": 12, "budget": "rows", "drawn": 12,
    }  # fmt: skip
    assert [(each["measure"], each["about"]) for each in control["measures"]] == [
        ("reached", "task"), ("entropy", "task"), ("reached", "topics"), ("entropy", "topics"),
        ("vendi", "words"), ("near_duplicates", "words"), ("score", "values"),
        ("tokens of the response", ""), ("tokens of the instruction", ""),
    ]  # fmt: skip
    score = control["measures"][-3]
    taken = [row["value"] for row in done.rows()]
    assert score["chosen"] == pytest.approx(sum(taken) / len(taken), rel=1e-5)
    assert score["pool"] == pytest.approx(sum(row["value"] for row in pool(60)) / 60, rel=1e-5)
    again = p.run(RUN.replace("--out out", "--out again")).ok()
    assert again.record["control"] == done.record["control"]
    lines = done.out.splitlines()
    assert lines[1].startswith("chosen: ")
    assert lines[1].endswith(" of 20 random draws")
    assert all(len(line) <= 80 for line in lines)


def test_the_control_does_not_depend_on_the_order_of_the_file(project: Make, pool: Make) -> None:
    rows = pool(60)
    found = []
    for name, order in (("one", rows), ("other", rows[::-1])):
        p = project(
            {"s.yaml": spec("  chosen: {budget: top, from: values, size: 12}"), "pool.jsonl": order}, name
        )
        found.append(p.run(RUN).ok().record["control"]["chosen"]["measures"])
    for one, other in zip(*found, strict=True):
        for name, value in one.items():
            assert other[name] == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value)


def test_a_budget_in_tokens_is_compared_with_as_many_tokens(project: Make, pool: Make) -> None:
    rows = pool(60)
    p = project(
        {"s.yaml": spec("  chosen: {budget: top, from: values, size: 300 tokens}"), "pool.jsonl": rows}
    )
    done = p.run(RUN).ok()
    control = done.record["control"]["chosen"]
    assert control["budget"] == "tokens"
    words = {row["id"]: len((row["instruction"] + " " + row["output"]).split()) for row in rows}
    mean = sum(words.values()) / len(words)
    spent = sum(words[name] for name in done.ids())
    assert abs(control["drawn"] - spent / mean) < 3
    assert control["drawn"] != control["rows"] or spent / mean == pytest.approx(control["rows"], abs=1)


def test_what_is_no_choice_has_no_control(project: Make, pool: Make) -> None:
    p = project({"s.yaml": spec("  chosen: {budget: top, from: values, size: 100%}"), "pool.jsonl": pool(9)})
    assert p.run(RUN).ok().record["control"] == {}  # all rows
    p.write({"s.yaml": spec("  chosen: {budget: threshold, from: values, at_least: 1000}")})
    assert p.run(RUN).ok().record["control"] == {}  # none
    p.write({"s.yaml": spec("", "values: values, rows: pool")})
    assert p.run(RUN).ok().record["control"] == {}  # nothing is chosen
    assert (p.folder / "out/report.html").is_file()


def test_the_control_can_be_turned_off(project: Make, pool: Make) -> None:
    p = project({"s.yaml": spec("  chosen: {budget: top, from: values, size: 5}"), "pool.jsonl": pool(30)})
    done = p.run(RUN + " --no-control").ok()
    assert done.record["control"] == {}
    assert "random" not in done.out
    assert 'id="control"' not in (p.folder / "out/report.html").read_text()
    assert p.run(RUN).ok().record["control"]["chosen"]["rows"] == 5


def test_a_score_of_few_rows_is_not_compared(project: Make, pool: Make) -> None:
    rows = [{**row, "other": i} if i < 20 else row for i, row in enumerate(pool(60))]
    stages = """
  others: {score: from_field, from: pool, field: other}
  both:   {merge: maximum, from: [values, others]}
  chosen: {budget: top, from: both, size: 10}"""
    p = project({"s.yaml": spec(stages), "pool.jsonl": rows})
    done = p.run(RUN).ok()
    compared = [each["about"] for each in done.record["control"]["chosen"]["measures"]]
    assert "values" in compared
    assert "others" not in compared


def test_the_nearest_vectors_of_the_pool_make_the_map(project: Make, pool: Make, about: About) -> None:
    p = project({"s.yaml": spec("  chosen: {budget: top, from: values, size: 10}"), "pool.jsonl": pool(50)})
    p.run(RUN).ok()
    assert about(p, p.folder / "out")["map"] is None  # the vectors led to nothing
    p.write({"s.yaml": spec("  chosen: {budget: per_cluster, from: topics, size: 10, draw: random}")})
    p.run(RUN).ok()
    found = about(p, p.folder / "out")["map"]
    assert (found["stage"], found["points"], found["all_chosen"]) == ("words", 50, True)
    assert 0 < found["share"] <= 1


def test_the_map_is_that_of_the_first_selection_with_vectors(project: Make, pool: Make, about: About) -> None:
    stages = """
  plain:  {budget: top, from: values, size: 5}
  chosen: {budget: per_cluster, from: topics, size: 10, draw: random}"""
    p = project({"s.yaml": spec(stages, "plain: plain, chosen: chosen"), "pool.jsonl": pool(50)})
    p.run(RUN).ok()
    assert about(p, p.folder / "out")["map"]["stage"] == "words"


def test_all_selections_are_compared_and_the_first_have_charts(
    project: Make, pool: Make, about: About
) -> None:
    numbers = range(1, 9)
    stages = "\n".join(f"  c{i}: {{budget: top, from: values, size: {i}}}" for i in numbers)
    outputs = ", ".join(f"c{i}: c{i}" for i in numbers)
    p = project({"s.yaml": spec(stages, outputs), "pool.jsonl": pool(50)})
    done = p.run(RUN).ok()
    assert list(done.record["control"]) == [f"c{i}" for i in numbers]
    found = about(p, p.folder / "out")
    assert [bool(output["scores"] and output["line"]) for output in found["outputs"]] == [True] * 6 + [
        False
    ] * 2
    (note,) = header.notes({"stages": [], "data": {}}, found)
    assert note == "charts and lines are those of the first 6 selections, and not of c7, c8"


def test_fields_that_part_rows_alike_are_one(project: Make, pool: Make, about: About) -> None:
    rows = [{**row, "source": f"of {row['task']}"} for row in pool(30)]
    p = project({"s.yaml": spec("  chosen: {budget: top, from: values, size: 5}"), "pool.jsonl": rows})
    p.run(RUN).ok()
    assert [each["name"] for each in about(p, p.folder / "out")["outputs"][0]["shares"]] == ["source"]


def test_the_map_keeps_what_is_chosen(
    project: Make, pool: Make, about: About, monkeypatch: pytest.MonkeyPatch
) -> None:
    from selectlang.engine.opened import Opened
    from selectlang.report import facts, ground, points
    from selectlang.store.store import Store

    monkeypatch.setattr(ground, "FRAME", 40)
    monkeypatch.setattr(ground, "SAMPLE", 40)
    budget = "{budget: per_cluster, from: {clusters: topics, scores: values}, size: 10}"
    p = project({"s.yaml": spec(f"  chosen: {budget}"), "pool.jsonl": pool(200)})
    chosen = set(p.run(RUN).ok().ids())
    opened = Opened.open(p.folder / "out", Store(p.store))
    for most, kept in ((points.POINTS, chosen), (12, None)):
        monkeypatch.setattr(points, "POINTS", most)
        found = facts._computed(opened, True)
        shown = json.loads(gzip.decompress(found.map))
        marked = {shown["id"][i] for i in shown["chosen"]["chosen"]}
        assert len(shown["id"]) == len(set(shown["id"])) == min(40, most)
        assert marked <= chosen
        assert (marked == chosen) is (kept is not None)
        assert found.about["map"]["all_chosen"] is (kept is not None)


def test_the_two_directions_are_the_principal_components() -> None:
    rng = np.random.default_rng(3)
    rows = (rng.standard_normal((200, 12)) * np.linspace(1, 9, 12)).astype(np.float32)
    rows -= rows.mean(axis=0)
    axes = principal(rows)
    _, sizes, exact = np.linalg.svd(rows, full_matrices=False)
    assert np.abs(np.sum(axes.T * exact[:2], axis=1)) == pytest.approx([1, 1], abs=1e-3)
    every = np.arange(200)
    space = Space("v", 12, lambda index: index >= 0, lambda index: rows[index].copy())
    points, share = plane(space, every)
    assert share == pytest.approx((sizes[:2] ** 2).sum() / (sizes**2).sum(), rel=1e-3)
    assert np.allclose(np.abs(points), np.abs(rows @ exact[:2].T), atol=0.05)


@pytest.mark.parametrize(
    "rows", [np.zeros((5, 3)), np.ones((1, 4)), np.zeros((0, 2)), np.array([[1.0], [2.0]])]
)
def test_what_has_no_two_directions_has_points_all_the_same(rows: Any) -> None:
    rows = rows.astype(np.float32)
    space = Space("v", rows.shape[1], lambda index: index >= 0, lambda index: rows[index].copy())
    points, share = plane(space, np.arange(len(rows)))
    assert points.shape == (len(rows), 2)
    assert np.isfinite(points).all()
    assert 0 <= share <= 1 + 1e-6


LOOP = """
selectlang: 1
name: rounds
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  words:  {embed: tfidf, from: pool, dimension: 8}
  topics: {cluster: kmeans, from: words, k: 4}
  values: {score: from_field, from: pool, field: value}
  rounds:
    loop: 3
    carry:
      chosen:  {next: grown}
      weights: {next: reweighed}
    stages:
      batch:
        budget: per_cluster
        from: {clusters: topics, scores: values, weights: weights, skip: chosen}
        size: 12
        over: 3
      grown: {merge: union, from: [chosen, batch]}
      graded: {judge: rubric, from: batch, model: fake/judge, criteria: [accuracy]}
      reweighed: {merge: cluster_weights, from: {clusters: topics, scores: graded.scores, weights: weights}}
outputs: {chosen: rounds.chosen, weights: rounds.weights}
"""


def test_rounds_are_curves(project: Make, pool: Make, about: About) -> None:
    p = project({"s.yaml": LOOP, "pool.jsonl": pool(60)})
    done = p.run(RUN).ok()
    (loop,) = about(p, p.folder / "out")["loops"]
    curves = {curve["name"]: curve["lines"] for curve in loop["curves"]}
    assert (loop["path"], loop["rounds"]) == ("rounds", 3)
    assert curves["batch: rows"] == {"batch: rows": [4, 4, 4]}
    assert curves["batch.left"] == {"batch.left": [56, 52, 48]}
    assert curves["calls, added up"] == {"calls, added up": [4, 8, 12]}
    assert "cost of all answers, added up" not in curves  # a stand-in costs nothing
    mean = [done.stage(f"rounds/graded#{number}")["metrics"]["mean"] for number in (1, 2, 3)]
    assert curves["graded.mean"] == {"graded.mean": mean}
    weights = curves["reweighed: weights"]
    last = [row["weight"] for row in done.rows("weights")]
    assert {name: values[-1] for name, values in weights.items()} == {
        f"cluster {i}": pytest.approx(weight) for i, weight in enumerate(last)
    }


def test_only_the_last_round_of_a_score_is_shown(project: Make, pool: Make, about: About) -> None:
    p = project({"s.yaml": LOOP, "pool.jsonl": pool(60)})
    p.run(RUN).ok()
    found = about(p, p.folder / "out")["outputs"][0]
    assert [each["name"] for each in found["scores"]] == ["values", "rounds/graded.scores (round 2 of 3)"]
    assert _missing(found["scores"][1]).startswith(
        "as round 2 of 3 gave it, and no other round; missing for 56 "
    )
    assert (found["line"]["stage"], found["line"]["round"]) == ("rounds/batch", "round 3 of 3")
    assert tables.line(found)["about"].startswith("Round 3 of 3 alone: stage rounds/batch ")


@pytest.mark.parametrize(
    "path, also, expected",
    [
        ("grades", [], ""),
        ("outer/grades#2", [], "round 2 of 2"),
        ("outer/grades#1", ["outer/grades#2"], ""),  # alike in all rounds
        ("outer/inner/grades#2#3", [], "round 2 of 2, in it 3 of 4"),
        ("outer/inner/grades#1#1", [], "round 1 of 2"),  # the inner loop had one round
    ],
)
def test_a_result_is_that_of_its_round(path: str, also: list[str], expected: str) -> None:
    rounds = {"outer": 2, "outer/inner#1": 1, "outer/inner#2": 4}
    loops = [{"path": loop, "rounds": count} for loop, count in rounds.items()]
    assert round_of(loops, {"path": path, "also": also}) == expected


def test_a_single_number_and_zeros_are_curves_too() -> None:
    rates, accuracies = (0.0, 0.0), (None, 0.5)
    rounds = [
        {
            "judged": {
                "kind": "judge",
                "rows_out": {},
                "metrics": {"rate": rate, "accuracy": accuracy, "none": None},
            }
        }
        for rate, accuracy in zip(rates, accuracies, strict=True)
    ]
    found = {each["name"]: next(iter(each["lines"].values())) for each in _numbers(rounds)}
    assert found == {"judged.rate": [0, 0], "judged.accuracy": [None, 0.5]}


def test_money_of_an_unknown_price_is_not_drawn() -> None:
    rounds: Any = [{"graded": {"asked": [{"calls": 2, "cost": cost}]}} for cost in (0.5, None, 0.5)]
    calls, cost = _spend(rounds)
    assert list(calls["lines"].values()) == [[2, 4, 6]]
    assert list(cost["lines"].values()) == [[0.5, None, None]]


def test_metrics_are_told_in_the_words_of_their_method() -> None:
    doc = (
        "What it does.\n\n`rate` is the share of `hard`. Without it,\nit is `held_out`: less; `left` counts."
    )
    assert told(doc, "rate") == "rate is the share of hard"
    assert told(doc, "held_out") == "Without it, it is held_out: less"
    assert told(doc, "left") == "left counts"
    assert told(doc, "unheard") == ""


def test_what_a_run_paid_is_not_what_all_its_answers_cost() -> None:
    def paid(state: str, calls: int, paid: int, **more: Any) -> list[str]:
        tally = {"model": "m", "calls": calls, "paid": paid, "failed": {}, "tokens_in": 1, "tokens_out": 1}
        asked = [{**tally, "cost": 2.0, **more}]
        (row,) = stages.asked({"stages": [{"path": "s", "state": state, "asked": asked}]})
        return row["cells"][-2:]

    assert paid("ran", 4, 1, spent=0.5) == ["$2.00", "$0.50"]
    assert paid("ran", 4, 1) == ["$2.00", "unknown"]  # a record of before
    assert paid("ran", 4, 4) == ["$2.00", "$2.00"]
    assert paid("ran", 4, 0) == paid("cached", 4, 4, spent=2.0) == ["$2.00", "$0.00"]


def test_facts_are_kept_and_made_anew_when_something_changes(project: Make, pool: Make) -> None:
    p = project({"s.yaml": spec("  chosen: {budget: top, from: values, size: 10}"), "pool.jsonl": pool(50)})

    def kept() -> int:
        return sum(1 for line in p.run("selectlang store list").out.splitlines() if line.endswith("report"))

    p.run(RUN).ok()
    p.run(RUN).ok()
    assert kept() == 1
    p.run(RUN + " --no-control").ok()
    assert kept() == 2
    p.write({"s.yaml": spec("  chosen: {budget: top, from: values, size: 11}")})
    p.run(RUN).ok()
    assert kept() == 3


def test_words_tell_clusters_apart() -> None:
    from selectlang.data.dataset import Dataset
    from selectlang.ports import Clusters
    from selectlang.report.words import told_apart
    from selectlang.rows import Rows

    topics = ("planets and stars", "bread and butter", "rain and wind")
    rows: Any = Rows(
        Dataset.from_records({"prompt": f"say the word {i}", "completion": topics[i % 3]} for i in range(60))
    )
    order = np.random.default_rng(0).permutation(60)
    clusters: Any = Clusters(rows, np.arange(60, dtype=np.int32) % 3, 4)
    found = told_apart(clusters, rows, order)
    assert [set(name.split(": ")[1].split(", ")) for name in found[:3]] == [
        {"planets", "stars"}, {"bread", "butter"}, {"rain", "wind"},
    ]  # fmt: skip
    assert found[3] == "3"  # no row, no words
    named: Any = Clusters(rows, np.zeros(60, np.int32), 1, names=["mine"])
    assert told_apart(named, rows, order) == ["mine"]


def test_of_thousands_of_columns_a_line_is_looked_for_in_the_largest() -> None:
    columns, looked = 3 * COLUMNS, []
    of = np.sort(np.arange(40_000) % columns)
    of = of[: np.searchsorted(of, columns - 1) + 5]  # the last column has fewest, then any
    values = np.random.default_rng(0).random((len(of), columns))

    class Noted(_Grouping):
        def score(self, group: int) -> Any:
            looked.append(group)
            return super().score(group)

    grouping = Noted("group", list(map(str, range(columns))), of, values, apart=False)
    mine = np.arange(len(of)) % 2 == 0
    low, high = grouping.bounds(np.flatnonzero(mine), np.flatnonzero(~mine))
    assert len(looked) == np.isfinite(low).sum() == np.isfinite(high).sum() == COLUMNS
    assert columns - 1 not in looked
    looked.clear()
    few = np.flatnonzero(of < 2)
    assert np.isfinite(grouping.bounds(few[::2], few[1::2])[0]).sum() == len(looked) == 2
    assert low[looked[0]] == values[mine & (of == looked[0]), looked[0]].min()
    assert high[looked[0]] == values[~mine, looked[0]].max()


def test_a_line_in_thousands_of_clusters_takes_no_memory_for_each() -> None:
    random, rows, clusters = np.random.default_rng(0), 20_000, 2_000
    values, of = random.random(rows), random.integers(-1, clusters, rows)
    low = np.array([values[of == group].mean() for group in range(clusters)])
    mine = (of >= 0) & (values > low[of])
    grouping = _Grouping("cluster", list(map(str, range(clusters))), of, values, apart=True)
    told: list[Any] = []
    teller: Any = SimpleNamespace(side=lambda values, near, beyond, group: told.append((group, near, beyond)))
    tracemalloc.start()
    _each(teller, grouping, np.flatnonzero(mine), np.flatnonzero(~mine))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * values.nbytes
    sizes = np.bincount(of[mine], minlength=clusters)
    assert [group for group, _, _ in told] == np.argsort(-sizes, kind="stable")[:6].tolist()
    for group, near, beyond in told:
        assert values[near[-1]] == values[mine & (of == group)].min()
        assert values[beyond[0]] == values[~mine & (of == group)].max()
    swapped = np.flatnonzero(mine)[0], np.flatnonzero(~mine & (of == of[mine][0]))[0]
    mine[list(swapped)] = False, True  # one cluster without a line
    assert _each(teller, grouping, np.flatnonzero(mine), np.flatnonzero(~mine)) == []
