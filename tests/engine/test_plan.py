"""A plan: stages in order, rows in and out, and what is kept already; nothing is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: t
params: {pool: {type: path}, size: {type: amount, default: 7}}
data: {pool: {path: $pool, id: id}}
stages:
  lengths: {score: length, from: pool}
  noise:   {score: random, from: pool}
  few:     {budget: threshold, from: lengths, at_least: 20}
  again:   {score: random, from: few}
  words:   {budget: top, from: noise, size: 50 tokens}
  best:    {budget: top, from: lengths, size: $size}
  share:   {budget: top, from: {scores: noise, within: best}, size: 50%}
  rest:    {budget: random, from: {rows: pool, skip: best}, size: 100}
  all:     {merge: union, from: [best, share, few]}
  both:    {merge: rank_mean, from: [lengths, noise]}
  within:  {budget: top, from: {scores: both, within: few}, size: 10}
outputs: {all: all, within: within, rest: rest, words: words, again: again}
"""
PLAN = "selectlang plan s.yaml --set pool=pool.jsonl"
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out"


def lines(outcome: Any) -> dict[str, tuple[int | None, int | None, bool, str]]:
    found = json.loads(outcome.ok().out)
    return {
        line["path"]: (line["rows_in"], line["rows_out"], line["most"], line["state"])
        for line in found["lines"]
    }


def test_rows_in_and_out_before_and_after(project: Make, pool: Make) -> None:
    """Exact where that follows from sizes, an upper bound where only the run can tell; then what was."""
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(40)})
    assert lines(p.run(PLAN + " --json")) == {
        "lengths": (40, 40, False, "run"),
        "noise": (40, 40, False, "run"),
        "few": (40, 40, True, "run"),
        "again": (40, 40, True, "run"),
        "words": (40, 40, True, "run"),
        "best": (40, 7, False, "run"),
        "share": (40, 4, False, "run"),  # half of the seven of `best`, rounded up
        "rest": (40, 33, False, "run"),  # all but the seven of `best`
        "all": (40, 40, True, "run"),  # 7, 4 and at most 40 come in, of a pool of 40
        "both": (40, 40, False, "run"),
        "within": (40, 10, True, "run"),
    }
    done = p.run(RUN).ok()
    after = lines(p.run(PLAN + " --json"))
    assert {path: state for path, (_, _, _, state) in after.items()} == dict.fromkeys(after, "cached")
    for path, (_, rows_out, most, _) in after.items():
        assert (rows_out, most) == (next(iter(done.stage(path)["rows_out"].values())), False)
    assert after["rest"][1] == 33


def test_a_plan_runs_nothing(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(40)})
    before = p.run(PLAN).ok()
    assert "11 of 11 to run" in before.out
    assert "data pool: 40 rows, " in before.out
    assert [path.name for path in p.store.glob("entries/*/*")] != []  # the data set, which had to be read
    assert len(list(p.store.glob("entries/*/*"))) == 1
    assert not (p.folder / "out").exists()
    assert not (p.folder / "runs").exists()
    assert before.err == ""


def test_states_say_what_a_change_costs(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(40)})
    p.run(RUN).ok()
    changed = p.run(PLAN + " --set size=8")
    assert "4 of 11 to run" in changed.ok().out
    states = {path: line[-1] for path, line in lines(p.run(PLAN + " --set size=8 --json")).items()}
    assert {path for path, state in states.items() if state == "run"} == {"best", "share", "rest", "all"}
    keys = p.run(RUN).ok().keys
    for stage in ("lengths", "noise"):
        for path in (p.store / "entries" / keys[stage][:2] / keys[stage]).iterdir():
            path.unlink() if path.is_file() else [file.unlink() for file in path.iterdir()] and path.rmdir()
        (p.store / "entries" / keys[stage][:2] / keys[stage]).rmdir()
    states = {path: line[-1] for path, line in lines(p.run(PLAN + " --json")).items()}
    assert {path: state for path, state in states.items() if state != "cached"} == {
        "lengths": "not needed", "noise": "not needed",
    }  # fmt: skip
    assert "0 of 11 to run" in p.run(PLAN).ok().out


def test_a_plan_for_people_is_a_table(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(40)})
    text = p.run(PLAN).ok().out.splitlines()
    head = next(line for line in text if line.startswith("stage"))
    assert head.split() == ["stage", "method", "rows", "in", "rows", "out", "state"]
    table = text[text.index(head) + 1 : -1]
    assert table[0].split() == ["lengths", "score:", "length", "40", "40", "run"]
    assert next(line for line in table if line.startswith("few")).split() == [
        "few", "budget:", "threshold", "40", "<=", "40", "run",
    ]  # fmt: skip
    assert "\x1b" not in "".join(text)


def test_stages_stand_after_what_they_need(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(40)})
    order = list(lines(p.run(PLAN + " --json")))
    for before, after in (
        ("lengths", "few"),
        ("few", "again"),
        ("best", "share"),
        ("share", "all"),
        ("few", "all"),
    ):
        assert order.index(before) < order.index(after)
