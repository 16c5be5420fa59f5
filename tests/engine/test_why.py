"""Why a row is in a selection, after merges of what rounds and budgets chose; and notes, each said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: why
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  noise: {score: random, from: pool}
  first: {budget: random, from: pool, size: 4}
  drawing:
    loop: 3
    carry: {chosen: {START next: grown}}
    stages:
      batch: {budget: top, from: {scores: noise, skip: chosen}, size: SIZE}
      grown: {merge: union, from: [chosen, batch]}
  last: {budget: bottom, from: {scores: noise, skip: drawing.chosen}, size: 2}
  all: {merge: union, from: [drawing.chosen, last]}
outputs: {chosen: drawing.chosen, all: all, last: last}
"""
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out"


def reasons(done: Any, name: str) -> list[tuple[Any, ...]]:
    return [(row["why"]["budget"], row["why"].get("round")) for row in done.why(name)]


def test_a_row_says_which_budget_chose_it_and_in_which_round(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC.replace("SIZE", "5").replace("START", ""), "pool.jsonl": pool(40)})
    expected = [("top", number) for number in (1, 2, 3) for _ in range(5)]
    for _ in range(2):  # the second time from the store
        done = p.run(RUN).ok()
        assert reasons(done, "chosen") == expected
        assert reasons(done, "all") == [*expected, ("bottom", -1), ("bottom", -1)]
        assert done.why("last")[0]["why"] == {"stage": "last", "method": "budget bottom"}
        assert done.why()[0]["why"] == {
            "stage": "drawing/grown#3", "method": "merge union", "budget": "top", "round": 1,
        }  # fmt: skip


def test_a_start_says_which_budget_chose_it(project: Make, pool: Make) -> None:
    spec = SPEC.replace("SIZE", "5").replace("START", "start: first,")
    done = project({"s.yaml": spec, "pool.jsonl": pool(40)}).run(RUN).ok()
    assert Counter(reasons(done, "chosen")) == {
        ("random", -1): 4, ("top", 1): 5, ("top", 2): 5, ("top", 3): 5,
    }  # fmt: skip


def test_a_longer_loop_and_a_renamed_stage_tell_no_lies(project: Make, pool: Make) -> None:
    """The merges of the first rounds come from the store, and what they say still holds."""
    spec = SPEC.replace("SIZE", "5").replace("START", "").replace("top, from", "top, seed: 3, from")
    p = project({"s.yaml": spec, "pool.jsonl": pool(40)})
    p.run(RUN).ok()
    p.write({"s.yaml": spec.replace("loop: 3", "loop: 4").replace("batch", "picked")})
    done = p.run(RUN).ok()
    assert done.states["drawing/grown#2"] == "cached"
    assert reasons(done, "chosen") == [("top", number) for number in (1, 2, 3, 4) for _ in range(5)]


def test_loops_in_loops_count_both(project: Make, pool: Make) -> None:
    spec = """
selectlang: 1
name: nested
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  outer:
    loop: 2
    carry: {all: {next: inner.some}}
    stages:
      inner:
        loop: 2
        carry: {some: {start: all, next: grown}}
        stages:
          batch: {budget: random, from: {rows: pool, skip: some}, size: 1}
          grown: {merge: union, from: [some, batch]}
outputs: {chosen: outer.all}
"""
    done = project({"s.yaml": spec, "pool.jsonl": pool(20)}).run(RUN).ok()
    assert reasons(done, "chosen") == [("random", number) for number in ("1.1", "1.2", "2.1", "2.2")]


def test_a_merge_does_not_repeat_the_notes_of_its_inputs(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC.replace("SIZE", "30 tokens").replace("START", ""), "pool.jsonl": pool(40)})
    for _ in range(2):
        done = p.run(RUN).ok()
        said = [line for line in done.err.splitlines() if "30 tokens" in line]
        assert [line.split(": ")[1] for line in said] == [f"drawing/batch#{number}" for number in (1, 2, 3)]
        for number in (1, 2, 3):
            (note,) = done.stage(f"drawing/batch#{number}")["notes"]
            assert note.startswith("asked for 30 tokens, ")
            assert note.endswith(" tokens")
            assert done.stage(f"drawing/grown#{number}")["notes"] == []
