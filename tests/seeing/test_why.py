"""selectlang why: what people read about one row, and what JSON says of each stage."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

from selectlang.engine.opened import Opened
from selectlang.seeing.facts import neighbours
from selectlang.seeing.rows import find
from selectlang.seeing.why import ROUNDS, why
from selectlang.store.store import Store

Make = Callable[..., Any]

ROWS = [
    {
        "id": f"row-{number}",
        "instruction": f"ask {word}",
        "output": f"say {word}",
        "task": task,
        "value": value,
    }
    for number, (word, task, value) in enumerate(
        [
            ("red", "a", 5),
            ("blue", "a", 3),
            ("green", "b", 4),
            ("pink", "b", 3),
            ("grey", "c", 1),
            ("tan", "c", None),
        ]
    )
]
TOP = """
selectlang: 1
name: small
params: {pool: {type: path, default: pool.jsonl}, size: {type: amount, default: 2}}
data: {pool: {path: $pool, id: id}}
stages:
  value:  {score: from_field, from: pool, field: value}
  chosen: {budget: top, from: value, size: $size, ties: order}
outputs: {chosen: chosen}
"""


@pytest.fixture
def small(project: Make) -> Any:
    p = project({"s.yaml": TOP, "pool.jsonl": ROWS}, "small")
    p.run("selectlang run s.yaml --out out").ok()
    return p


def test_a_row_that_was_chosen(small: Any) -> None:
    assert (
        small.run("selectlang why out row-2").ok().out
        == """\
row row-2 of pool
  asks: ask green
  answers: say green

chosen: chosen, 2nd of 2

chosen (budget top): taken, 2nd
  Score 4.
  By score it is 2nd among 6 candidates: 4 of value. 2 of them were taken; the
  last had 4: row-2 "ask green"; the next had 3, and was left: row-1 "ask blue".

stage   method            says
value   score from_field  4, 2nd of 5, above 60%
chosen  budget top        taken, 2nd
"""
    )


def test_a_row_that_was_left_out_and_what_stands_at_the_line(small: Any) -> None:
    assert (
        small.run("selectlang why out row-4").ok().out
        == """\
row row-4 of pool
  asks: ask grey
  answers: say grey

chosen: not among its 2 rows

chosen (budget top): left, rank 5
  By score it is 5th among 6 candidates: 1 of value. 2 of them were taken; the
  last had 4: row-2 "ask green".

stage   method            says
value   score from_field  1, 5th of 5, above 0%
chosen  budget top        left, rank 5
"""
    )
    said = small.run("selectlang why out row-5").ok().out
    assert "It has no score of value, and such rows go last among 6 candidates." in said
    assert re.search(r"value +score from_field +missing\n", said)


@pytest.mark.parametrize("ties, decided", [("order", "order of the file"), ("seed", "seed's draw")])
def test_a_tie_at_the_line_says_what_decided(ties: str, decided: str, project: Make) -> None:
    rows = [{**ROWS[0], "id": f"r{number}", "value": min(number, 3)} for number in range(12)]
    p = project({"s.yaml": TOP.replace("ties: order", f"ties: {ties}"), "pool.jsonl": rows})
    p.run("selectlang run s.yaml --set size=4 --out out").ok()
    chosen = opened(p).value("chosen").rows.ids()
    for number in range(3, 12):
        said = " ".join(p.run(f"selectlang why out r{number}").ok().out.split())
        assert f"Of the 9 with this number at the line 4 were taken, by the {decided}." in said
    level = f"at the line, {'not drawn' if ties == 'seed' else 'by the order of the file'}"
    counts = p.run("selectlang dropped out").ok().out.split("\n\n")[1].splitlines()
    assert [line.split(maxsplit=2) for line in counts[1:]] == [
        ["5", "chosen", level], ["3", "chosen", "below the line"]
    ]  # fmt: skip
    if ties == "order":
        assert chosen == ["r3", "r4", "r5", "r6"]
        assert 'the next had 3, and was left: r7 "ask red".' in " ".join(
            p.run("selectlang why out r4").out.split()
        )


def test_a_tie_that_both_could_have_decided_is_left_open(project: Make) -> None:
    rows = [{**ROWS[0], "id": f"r{number}", "value": 1} for number in range(2)]
    p = project({"s.yaml": TOP, "pool.jsonl": rows})
    for seed in range(20):
        p.write({"s.yaml": TOP.replace("ties: order", f"ties: order, seed: {seed}")})
        p.run("selectlang run s.yaml --set size=1 --out out").ok()
        draws = opened(p).data("pool").draws(seed)
        said = " ".join(p.run("selectlang why out r1").ok().out.split())
        how = "" if draws[0] < draws[1] else ", by the order of the file"
        assert f"Of the 2 with this number at the line 1 was taken{how}." in said


def test_the_beginning_of_an_id_will_do_where_it_is_the_only_one(project: Make) -> None:
    rows = [{**row, "id": row["id"].replace("row-", "x" * (number + 1))} for number, row in enumerate(ROWS)]
    p = project({"s.yaml": TOP, "pool.jsonl": rows})
    p.run("selectlang run s.yaml --out out").ok()
    assert p.run("selectlang why out x0").ok().out.startswith("row x0 of pool")
    assert p.run("selectlang why out xxxxxx").ok().out.startswith("row xxxxxx5 of pool")
    many = p.run("selectlang why out x")
    assert (many.code, many.err) == (
        1, "several ids of pool begin with 'x': 'x0', 'xx1', 'xxx2', 'xxxx3', 'xxxxx4' and more; "
        "give more of it\n",
    )  # fmt: skip
    p.write({"pool.jsonl": [{**row, "id": row["id"][: i + 1]} for i, row in enumerate(rows)]})
    p.run("selectlang run s.yaml --out out").ok()
    assert p.run("selectlang why out xx").ok().out.startswith("row xx of pool")  # which begins others too


def test_an_id_that_is_not_there_is_told_with_the_nearest(small: Any) -> None:
    missing = small.run("selectlang why out row_2")
    assert missing.code == 1
    assert missing.err.startswith("out: no row has the id 'row_2'; the nearest are 'row-2', 'row-")
    assert missing.err.endswith("; looked in pool (6 rows)\n")
    for odd in ("", "\udcff", "x\x1b[31m", "r" * 10_000):
        found = small.run(f"selectlang why out '{odd}'")
        assert found.code == 1
        assert "\x1b" not in found.err
    other = small.run("selectlang why out row-2 --data pol")
    assert (other.code, "no data set 'pol', did you mean 'pool'?" in other.err) == (1, True)


def test_usage(small: Any) -> None:
    assert small.run("selectlang why out").code == 2
    assert small.run("selectlang why out row-2 --neighbours -1").code == 2
    assert "is no number of things" in small.run("selectlang why out row-2 --neighbours x").err


def test_json_has_all_of_it(small: Any) -> None:
    found = json.loads(small.run("selectlang why out row-4 --json").ok().out)
    assert found["outputs"] == {
        "chosen": {
            "from": "chosen", "holds": False, "rank": None, "times": 0, "rows": 2,
            "says": {"chosen": False, "rank": None},
        }
    }  # fmt: skip
    assert found["stages"][0]["says"] == {"": {"score": 1.0, "rows": 5, "rank": 5, "above": 0.0}}
    (fate,) = found["budgets"]
    assert (fate["order"]["rank"], fate["order"]["value"], fate["order"]["line"]) == (5, 1.0, 4.0)


def test_a_data_set_that_nothing_is_chosen_from_has_rows_too(project: Make) -> None:
    spec = """
selectlang: 1
name: near
params: {pool: {type: path, default: pool.jsonl}, targets: {type: path, default: targets.jsonl}}
data: {targets: {path: $targets, id: id, group: task}, pool: {path: $pool, id: id}}
stages:
  words:  {embed: tfidf, from: pool, dimension: 4}
  asked:  {embed: tfidf, from: {rows: targets, fit: pool}, dimension: 4}
  near:   {score: nearest, from: {pool: words, targets: asked}, per: group}
  chosen: {budget: round_robin, from: near, size: 3}
outputs: {chosen: chosen}
"""
    p = project({"s.yaml": spec, "pool.jsonl": ROWS, "targets.jsonl": ROWS[:3]})
    p.run("selectlang run s.yaml --out out").ok()
    assert p.run("selectlang why out row-0").ok().out.startswith("row row-0 of pool\n")  # in both
    said = p.run("selectlang why out row-0 --data targets").ok().out
    assert said.startswith("row row-0 of targets\n")
    assert "group: a" in said
    assert "asked  embed tfidf  a vector of 4 numbers" in said
    assert "chosen" not in said
    pool = p.run("selectlang why out row-1").ok().out
    assert re.search(r"near +score nearest +1, .*best of 2: a; nearest row-1", pool)
    assert "a: 1st of 6 in its list, 1; " in pool


LOOP = """
selectlang: 1
name: looped
params: {pool: {type: path, default: pool.jsonl}, rounds: {type: int, default: 3}}
data: {pool: {path: $pool, id: id}}
stages:
  tasks: {cluster: by_field, from: pool, field: task}
  value: {score: from_field, from: pool, field: value}
  some:  {budget: bottom, from: value, size: 18}
  turns:
    loop: $rounds
    carry: {chosen: {next: grown}, weights: {next: heavier}}
    stages:
      noise:   {score: random, from: pool}
      both:    {merge: blend, from: [value, noise]}
      batch:
        budget: per_cluster
        from: {clusters: tasks, scores: both, within: some, skip: chosen, weights: weights}
        size: 3
        draw: top
      grown:   {merge: union, from: [chosen, batch]}
      heavier: {merge: cluster_weights, from: {clusters: tasks, scores: both, weights: weights}}
outputs: {chosen: turns.chosen}
"""


@pytest.fixture
def looped(project: Make, pool: Make) -> Any:
    p = project({"s.yaml": LOOP, "pool.jsonl": pool(24)}, "looped")
    p.run("selectlang run s.yaml --out out").ok()
    return p


def opened(p: Any) -> Opened:
    return Opened.open(p.folder / "out", Store(p.store))


def test_rounds_are_told_one_by_one(looped: Any) -> None:
    run = opened(looped)
    batches = [run.value(f"turns/batch#{number}").rows.ids() for number in (1, 2, 3)]
    row = batches[1][2]
    found = why(run, row)
    states = {fate["stage"]: ("taken" if fate["chosen"] else "barred" if "barred" in fate else "left")
              for fate in found["budgets"]}  # fmt: skip
    assert states == {
        "some": "taken", "turns/batch#1": "left", "turns/batch#2": "taken", "turns/batch#3": "barred",
    }  # fmt: skip
    barred = next(fate for fate in found["budgets"] if fate["stage"] == "turns/batch#3")
    assert barred["barred"] == ["skip: turns/grown#2"]
    first = next(fate for fate in found["budgets"] if fate["stage"] == "turns/batch#1")
    both = run.value("turns/both#1")
    task = dict(zip(run.data("pool").ids(), run.data("pool").field("task"), strict=True))
    candidates = [each for each in run.value("some").rows.ids() if task[each] == task[row]]
    value = dict(zip(both.rows.ids(), both.values.tolist(), strict=True))
    assert first["order"]["rank"] == 1 + sum(value[each] > value[row] for each in candidates)
    heavier = [each for each in found["stages"] if each["path"].startswith("turns/heavier")]
    weights = [each["says"][""] for each in heavier[:2]]
    assert heavier[2]["unknown"] == "not needed by this run"
    assert {each["says"][""]["cluster"] for each in heavier[:2]} == {"abc".index(task[row])}
    tasks = run.value("tasks")
    label = tasks.labels[run.data("pool").data.place(row)]
    assert [said["weight"] for said in weights] == [
        pytest.approx(float(run.value(f"turns/heavier#{number}").values[label])) for number in (1, 2)
    ]
    out = looped.run(f"selectlang why out {row}").ok().out
    assert f"turns/batch#2 (budget per_cluster): taken, {batches[1].index(row) + 1}" in out
    table = out[out.index("turns #") :].split("\n\n")
    assert [line.split()[0] for line in table[0].splitlines()] == ["turns", "1", "2", "3"]
    assert re.search(r"\n2 +.* taken, 3rd", table[0])
    assert re.search(r"\n3 +.* passed over", table[0])


def test_a_row_that_a_stage_upstream_left_out_is_told_there(looped: Any) -> None:
    run = opened(looped)
    row = next(each for each in run.data("pool").ids() if each not in run.value("some").rows.ids())
    said = looped.run(f"selectlang why out {row}").ok().out
    assert "some (budget bottom): left, rank" in said
    assert "turns/batch#3 (budget per_cluster): no candidate\n" in said
    assert "  It was no candidate: it is not among 'within: some'.\n" in said


def test_of_many_rounds_the_last_are_told(project: Make, pool: Make) -> None:
    p = project({"s.yaml": LOOP, "pool.jsonl": pool(24)})
    p.run(f"selectlang run s.yaml --set rounds={ROUNDS + 5} --out out").ok()
    found = json.loads(p.run("selectlang why out r3 --json").ok().out)
    paths = [stage["path"] for stage in found["stages"]]
    assert f"turns/batch#{ROUNDS + 5}" in paths
    assert "turns/batch#5" not in paths
    assert {"turns/batch#6", "some", "value"} <= set(paths)
    assert found["rounds_left_out"] == 25
    assert "25 stages of early rounds are left out" in p.run("selectlang why out r3").ok().out


def test_clusters_and_neighbours_by_counting(project: Make, pool: Make) -> None:
    spec = """
selectlang: 1
name: clustered
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool, id: id}}
stages:
  words:  {embed: tfidf, from: pool, dimension: 6}
  topics: {cluster: kmeans, from: words, k: 4}
  chosen: {budget: per_cluster, from: topics, size: 9, draw: nearest}
outputs: {chosen: chosen}
"""
    p = project({"s.yaml": spec, "pool.jsonl": pool(40)})
    p.run("selectlang run s.yaml --out out").ok()
    run = opened(p)
    topics, words, chosen = run.value("topics"), run.value("words"), run.value("chosen").rows.ids()
    ids = words.rows.ids()
    matrix = np.asarray(words.matrix, np.float64)
    unit = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    for at, row in enumerate(ids):
        found = why(run, row, near=4)
        said = next(stage for stage in found["stages"] if stage["path"] == "topics")
        said = next(iter(said["says"].values()))
        same = topics.labels == topics.labels[at]
        members = [each for each, inside in zip(ids, same, strict=True) if inside]
        assert (said["cluster"], said["size"]) == (topics.labels[at], len(members))
        assert said["share"] == len(members) / 40
        assert said["chosen"] == len(set(members) & set(chosen))
        assert said["share_of_chosen"] == len(set(members) & set(chosen)) / len(chosen)
        assert said["distance_rank"] == 1 + int((topics.distances[same] < topics.distances[at]).sum())
        near = found["neighbours"]["words"]
        cosines = unit @ unit[at]
        others = sorted((cosines[i] for i in range(40) if i != at), reverse=True)[:4]
        assert [each["cosine"] for each in near] == pytest.approx(
            [round(float(c), 4) for c in others], abs=2e-4
        )
        assert [each["chosen"] for each in near] == [each["id"] in chosen for each in near]
        assert row not in {each["id"] for each in near}
    assert "nearest by words" not in p.run("selectlang why out r1 --neighbours 0").ok().out
    assert (
        p.run("selectlang why out r1 --neighbours 3").ok().out.split("nearest by words\n")[1].count("\n") == 4
    )


def test_neighbours_are_the_same_in_any_block(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = """
selectlang: 1
name: words
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool, id: id}}
stages: {words: {embed: tfidf, from: pool, dimension: 6}, chosen: {budget: random, from: pool, size: 3}}
outputs: {chosen: chosen, words: words}
"""
    p = project({"s.yaml": spec, "pool.jsonl": pool(30)})
    p.run("selectlang run s.yaml --out out").ok()
    run = opened(p)
    row = find(run, "r7")
    whole = neighbours(run.value("words"), row, 8)
    monkeypatch.setattr("selectlang.seeing.facts.CELLS", 20)
    assert [at for at, _ in neighbours(run.value("words"), row, 8)] == [at for at, _ in whole]
    assert len(neighbours(run.value("words"), row, 100)) == 29


PLUGIN = """
import numpy as np
import selectlang as sl

@sl.judge
def odd(rows: sl.Rows) -> sl.Labels:
    "Whether the value is odd; nobody knows about 7."
    codes = np.array([-1 if value == 7 else value % 2 for value in rows.field("value")], np.int8)
    return sl.Labels(rows, codes, ["even", "odd"], {"asked": np.arange(len(rows))})

@sl.generate
def echo(rows: sl.Rows) -> sl.Replies:
    "Says the request again."
    return [text + " indeed" for text in rows.instructions()]

@sl.budget
def foreign(quality: sl.Scores, near: sl.Selection, away: sl.Selection) -> sl.Selection:
    "The best of `near` that is not `away`, and not a word about why."
    ids = set(away.rows.ids())
    free = near.rows.take(np.array([row not in ids for row in near.rows.ids()]))
    score = dict(zip(quality.rows.ids(), quality.best()))
    order = np.argsort([-score[row] for row in free.ids()], kind="stable")
    return sl.Selection(free.take(order[:4]))

@sl.budget
def odd_ones(rows: sl.Rows) -> sl.Selection:
    "Every third row, which no stored number ranks."
    return sl.Selection(rows.take(np.arange(0, len(rows), 3)))

@sl.budget
def second(first: sl.Scores, second: sl.Scores) -> sl.Selection:
    "The five best by the second score, which it says."
    order = np.argsort(-second.best(), kind="stable")[:5]
    return sl.Selection(second.rows.take(order), second.best()[order])

@sl.budget
def silent(first: sl.Scores, second: sl.Scores) -> sl.Selection:
    "The same, and does not say so."
    order = np.argsort(-second.best(), kind="stable")[:5]
    return sl.Selection(second.rows.take(order))

@sl.hookimpl
def register_methods(register):
    for method in (odd, echo, foreign, odd_ones, second, silent):
        register(method)
"""
FOREIGN = """
selectlang: 1
name: foreign
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool, id: id}}
stages:
  value:   {score: from_field, from: pool, field: value}
  judged:  {judge: odd, from: pool}
  replies: {generate: echo, from: judged.odd}
  seen:    {budget: bottom, from: value, size: 10}
  chosen:  {budget: foreign, from: {quality: value, near: judged.odd, away: seen}}
  thirds:  {budget: odd_ones, from: pool}
  ones:    {score: constant, from: pool}
  spoken:  {budget: second, from: {first: ones, second: value}}
  silent:  {budget: silent, from: {first: ones, second: value}}
outputs: {chosen: chosen, thirds: thirds, replies: replies, spoken: spoken, silent: silent}
"""


@pytest.fixture
def foreign(project: Make, pool: Make) -> Any:
    p = project({"s.yaml": FOREIGN, "plugins/p.py": PLUGIN, "pool.jsonl": pool(40)}, "foreign")
    p.run("selectlang run s.yaml --plugins plugins --out out").ok()
    return p


def test_a_budget_of_somebody_else_is_told_by_its_inputs(foreign: Any, pool: Make) -> None:
    """Neither its ports nor its reasons are those of the budgets that come with selectlang."""
    run, rows = opened(foreign), {row["id"]: row for row in pool(40)}
    chosen, seen = run.value("chosen").rows.ids(), set(run.value("seen").rows.ids())
    free = [row for row in rows if rows[row]["value"] % 2 and rows[row]["value"] != 7 and row not in seen]
    for row, said in rows.items():
        fate = next(each for each in why(run, row)["budgets"] if each["stage"] == "chosen")
        if row not in free:
            away, odd = row in seen, said["value"] % 2 and said["value"] != 7
            assert fate.get("outside") == (None if odd else ["near: judged.odd"])
            assert fate.get("barred") == (["away: seen"] if away and odd else None)
            continue
        assert fate["order"]["rank"] == 1 + sum(rows[each]["value"] > said["value"] for each in free)
        assert fate["order"]["line"] == rows[chosen[-1]]["value"]
        assert fate["chosen"] == (row in chosen)


@pytest.mark.parametrize("path", ["spoken", "silent"])
def test_of_two_scores_the_one_that_decided_is_told(path: str, foreign: Any) -> None:
    """Numbers that are all the same rank nothing, and fit any choice."""
    for row in ("r1", "r5", "r9"):
        fate = next(each for each in why(opened(foreign), row)["budgets"] if each["stage"] == path)
        assert (fate["order"]["of"], fate["order"]["by"]) == ("value", "score")


def test_a_choice_that_nothing_explains_is_said_to_be_one(foreign: Any) -> None:
    said = " ".join(foreign.run("selectlang why out r1").ok().out.split())
    assert "No stored number ranks what was taken: 14 were taken of 40 candidates." in said


def test_only_rows_of_a_selection_are_chosen(foreign: Any) -> None:
    """An output of scores holds every row, and one of a verdict says nothing of a choice."""
    outputs = "outputs: {value: value, odd: judged.odd, judged: judged, chosen: chosen}"
    p = foreign.write({"s.yaml": FOREIGN.replace(FOREIGN[FOREIGN.index("outputs:") :], outputs)})
    p.run("selectlang run s.yaml --plugins plugins --out out").ok()
    chosen, odd = (opened(p).output(name).rows.ids() for name in ("chosen", "odd"))
    said = p.run(f"selectlang why out {chosen[1]}").ok().out
    at = odd.index(chosen[1]) + 1
    assert re.search(rf"^value: \d+, \d+\w+ of 40, above .*\nodd: in, {at}\w+ of {len(odd)}$", said, re.M)
    assert re.search(r"^judged: odd\nchosen: chosen, 2nd of 4$", said, re.M)
    assert p.run("selectlang dropped out").ok().out.startswith("chosen holds 4 of the 40 rows")


def test_verdicts_and_replies(foreign: Any, pool: Make) -> None:
    run = opened(foreign)
    for row in pool(40):
        said = {stage["path"]: stage["says"] for stage in why(run, row["id"])["stages"]}
        judged = said["judged"][""]
        verdict = None if row["value"] == 7 else ["even", "odd"][row["value"] % 2]
        assert judged["verdict"] == verdict
        assert judged["why"] == {"asked": int(row["id"][1:])}
        reply = said["replies"][""]
        assert reply == ({"reply": f"{row['instruction']} indeed"} if verdict == "odd" else {"among": False})
    odd = next(row["id"] for row in pool(40) if row["value"] % 2 and row["value"] != 7)
    out = foreign.run(f"selectlang why out {odd}").ok().out
    assert re.search(r"judged +judge odd +odd\n", out)
    assert re.search(r'replies +generate echo +".* indeed"\n', out)


def test_a_value_that_is_lost_is_said_to_be_and_the_others_are_told(small: Any) -> None:
    Store(small.store).discard(opened(small).stage("value")["key"])
    said = " ".join(small.run("selectlang why out row-2").ok().out.split())
    assert "chosen: chosen, 2nd of 2" in said
    assert "chosen (budget top): not known stage 'value': the store" in said
    assert (
        "does not hold its result; if the run used another store, set SELECTLANG_STORE to it; or run the same"
        in said
    )


def test_of_a_first_round_in_which_nothing_is_known_it_says_how_rows_were_drawn(project: Make) -> None:
    rows = [{**row, "value": None} for row in ROWS]
    p = project({"s.yaml": TOP.replace("ties: order", "ties: seed"), "pool.jsonl": rows})
    p.run("selectlang run s.yaml --out out").ok()
    chosen = opened(p).value("chosen").rows.ids()
    for row in ROWS:
        said = " ".join(p.run(f"selectlang why out {row['id']}").ok().out.split())
        assert (
            "It has no score of value, and such rows go last among 6 candidates. 2 of them were taken; "
            in said
        )
        assert f"the last had none: {chosen[-1]} " in said
        assert "Of the 6 without one 2 were taken, by the seed's draw." in said


def test_stages_that_were_not_needed_are_told_where_they_are_kept(small: Any) -> None:
    small.run("selectlang run s.yaml --out out").ok()
    assert "4, 2nd of 5" in small.run("selectlang why out row-2").ok().out


HOSTILE = [
    "\x1b[31mred",
    "<script>alert(1)</script>", "a\u202eb", "漢字" * 200, "x" * 5000, "tab\tand\nline",
    "\u2028", "",
]  # fmt: skip


def test_hostile_texts_steer_no_terminal_and_fit_it(project: Make) -> None:
    rows = [
        {"id": f"{text[:200]}{number}", "instruction": text + str(number), "output": text, "task": text[:300],
         "value": number}
        for number, text in enumerate(HOSTILE)
    ]  # fmt: skip
    spec = """
selectlang: 1
name: hostile
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool, id: id, group: task}}
stages:
  value:  {score: from_field, from: pool, field: value}
  tasks:  {cluster: by_field, from: pool, field: task}
  words:  {embed: tfidf, from: pool, dimension: 3}
  chosen: {budget: per_cluster, from: {clusters: tasks, scores: value}, size: 4, draw: top}
  other:  {budget: random, from: pool, balanced_by: task, size: 3}
outputs: {chosen: chosen, other: other}
"""
    p = project({"s.yaml": spec, "pool.jsonl": rows})
    p.run("selectlang run s.yaml --out out").ok()
    run = opened(p)
    for row in run.data("pool").ids():
        found = why(run, row)
        assert json.dumps(found)
        for command in (f"why out '{row}'", "dropped out", "dropped out --output other"):
            said = p.run(f"selectlang {command}").ok().out
            for line in said.splitlines():
                assert cell_len(line) <= 80, line
                assert line.isprintable(), line


@pytest.mark.parametrize("columns", [80, 60])
def test_no_line_is_wrapped_in_a_terminal(columns: int, looped: Any, pool: Make) -> None:
    """Tables have wider gaps there than in a pipe."""
    rows = [
        {**row, "id": f"{row['id']}-{'x' * 20}", "instruction": row["instruction"] * 9} for row in pool(24)
    ]
    looped.write({"pool.jsonl": rows})
    for rounds, folder in ((3, "out"), (2, "other")):
        looped.run(f"selectlang run s.yaml --set rounds={rounds} --out {folder}").ok()
    for command in ("why out r1-", "dropped out", "diff out other"):
        lines = in_terminal(looped, command, columns)
        assert max(map(cell_len, lines)) <= columns, lines
        texts = [line for line in lines if line.strip(" \u2500")]
        if columns == 80 or command == "dropped out":
            piped = looped.run(f"selectlang {command}").ok().out.splitlines()
            assert len(texts) == len([line for line in piped if line])


def test_the_specs_of_a_pack_are_wrapped_in_a_terminal_and_one_line_in_a_pipe(project: Make) -> None:
    lines = in_terminal(project({}), "plugins", 70)
    assert max(map(cell_len, lines)) <= 70
    at = next(at for at, line in enumerate(lines) if line.startswith("spec pack selectlang: "))
    assert " ".join(lines[at:]) in project({}).run("selectlang plugins").ok().out.replace("\n", " ")


def in_terminal(p: Any, command: str, columns: int) -> list[str]:
    """The lines that a command prints in a terminal of so many columns, without their colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    said = b""
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "selectlang", *command.split()],
        cwd=p.folder, env={**environment, **p.environment, "TERM": "xterm"}, stdout=theirs, stdin=theirs,
    )  # fmt: skip
    os.close(theirs)
    with contextlib.suppress(OSError):  # which is how a terminal ends
        while part := os.read(ours, 1 << 16):
            said += part
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", said.decode()).splitlines()


def test_every_line_fits_a_terminal(looped: Any, foreign: Any, small: Any) -> None:
    for p, rows in ((looped, ("r1", "r9")), (foreign, ("r1", "r5")), (small, ("row-1", "row-5"))):
        for row in rows:
            out = p.run(f"selectlang why out {row}").ok().out
            assert max(map(cell_len, out.splitlines())) <= 80
