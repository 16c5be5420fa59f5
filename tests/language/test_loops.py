"""Loops, the types they carry, and the specs of the two iterative papers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.errors import SpecError
from selectlang.language.check import check
from selectlang.language.program import Rounds
from selectlang.plugins import Registry

HERE = Path(__file__).parent


def loop(carry: str, *stages: str, head: str = "loop: 3", out: str = "it") -> str:
    lines = "\n".join(f"      {stage}" for stage in stages)
    return f"stages:\n  it:\n    {head}\n    carry: {carry}\n    stages:\n{lines}\noutputs: {{out: {out}}}\n"


BATCH = "batch: {budget: random, from: {rows: pool, skip: chosen}, size: 10}"


@pytest.mark.parametrize("name", ["loops", "words", "iterselecttune"])
def test_a_good_spec_checks(name: str, registry: Registry) -> None:
    assert check(str(HERE / "ok" / f"{name}.yaml"), registry).steps


def test_iterselecttune_checks_as_the_design_writes_it(registry: Registry) -> None:
    found = check(str(HERE / "ok" / "iterselecttune.yaml"), registry)
    training, selecting = (step for step in found.steps if isinstance(step, Rounds))
    assert {name: str(c.type) for name, c in training.carry.items()} == {
        "verdicts": "Labels[pool]",
        "model": "Model",
    }
    assert str(selecting.carry["chosen"].type) == "Selection[pool]"
    judged = next(step for step in training.steps if step.name == "judged")
    assert [str(refs[0].type) for refs in judged.wires.values()] == ["Selection[pool]", "Replies[pool]"]
    assert (training.until[0].metric.port, training.until[0].bound) == ("accuracy", 0.95)
    assert str(found.outputs["chosen"].type) == "Selection[pool]"


def test_diversify_and_conquer_checks_as_the_design_writes_it(registry: Registry) -> None:
    found = check(str(HERE / "ok" / "diversify-and-conquer.yaml"), registry)
    rounds = next(step for step in found.steps if isinstance(step, Rounds))
    assert {name: str(c.type) for name, c in rounds.carry.items()} == {
        "chosen": "Selection[pool]",
        "weights": "Weights[pool]",
    }
    replies = next(step for step in rounds.steps if step.name == "replies")
    assert str(replies.wires["model"][0].type) == "Model"


@pytest.mark.parametrize(
    "carry, stages, types",
    [
        ("{chosen: {next: batch}}", [BATCH], {"chosen": "Selection[pool]"}),
        (
            "{chosen: {next: grown}}",
            [BATCH, "grown: {merge: union, from: [chosen, batch]}"],
            {"chosen": "Selection[pool]"},
        ),
        (
            "{chosen: {start: pool, next: grown}}",
            ["batch: {budget: random, from: chosen, size: 5}", "grown: {merge: union, from: [chosen, pool]}"],
            {"chosen": "Rows[pool]"},
        ),
        (  # each takes its type from the other
            "{chosen: {next: b}, seen: {next: a}}",
            [BATCH, "a: {merge: union, from: [chosen, batch]}", "b: {merge: union, from: [seen]}"],
            {"chosen": "Selection[pool]", "seen": "Selection[pool]"},
        ),
        (
            "{labels: {next: judged}, chosen: {next: hard}}",
            [
                "replies: {generate: llm, from: pool, model: openai/gpt-4o}",
                "judged: {judge: pairwise, from: [pool, replies], model: m}",
                "hard: {merge: union, from: [judged.hard, chosen, labels]}",
            ],
            {"labels": "Labels[pool]", "chosen": "Selection[pool]"},
        ),
        (  # what it speaks about is known only through the other
            "{chosen: {next: b}, near: {next: s}}",
            ["b: {budget: top, from: near, size: 3}", "s: {score: length, from: pool}"],
            {"chosen": "Selection[pool]", "near": "Scores[pool]"},
        ),
        (
            "{near: {next: s}}",
            ["b: {budget: top, from: near, size: 3}", "s: {score: length, from: pool}"],
            {"near": "Scores[pool]"},
        ),
    ],
)
def test_a_carry_takes_its_type_from_start_or_next(
    carry: str, stages: list[str], types: dict[str, str], program: Callable[..., Any]
) -> None:
    step = program(loop(carry, *stages, out=f"it.{next(iter(types))}")).steps[-1]
    assert {name: str(carried.type) for name, carried in step.carry.items()} == types


@pytest.mark.parametrize(
    "text, codes",
    [
        (loop("{chosen: {start: pool, next: s}}", "s: {score: length, from: chosen}"), ["SL305"]),
        (loop("{chosen: {start: pool, next: batch}}", BATCH), ["SL305"]),
        (loop("{chosen: {next: chosen}}", BATCH), ["SL307"]),
        (loop("{chosen: {next: more}}", "more: {merge: union, from: [chosen]}"), ["SL307"]),
        (loop("{chosen: {next: batch, start: gone}}", BATCH), ["SL208"]),
        (loop("{chosen: {next: gone}}", BATCH), ["SL208"]),
        (loop("{chosen: {next: batch}}", BATCH, head="loop: 0"), ["SL210"]),
        (loop("{chosen: {next: batch}}", BATCH, head="loop: many"), ["SL203"]),
        (loop("{chosen: {next: batch}}", BATCH, out="batch"), ["SL208"]),
        (loop("{chosen: {next: batch}}", BATCH, out="it.batch"), ["SL209"]),
        (loop("{chosen: {next: batch}}", BATCH, "other: {score: length, from: it}"), ["SL304"]),
        (loop("{it: {next: batch}}", BATCH.replace("chosen", "it")), ["SL211"]),
        (loop("{batch: {next: batch}}", BATCH.replace("chosen", "batch")), ["SL211"]),
        (loop("{pool: {next: batch}}", BATCH.replace("chosen", "pool")), ["SL211"]),
        (loop("{chosen: {next: batch}}", BATCH, head="loop: 2\n    over: 3"), ["SL201"]),
        (loop("{chosen: {next: batch}}", BATCH.replace("10", "10, over: $pool")), ["SL203"]),
        (loop("{m: {next: t}}", "t: {train: sft, from: pool, base: a}"), []),
        (
            loop(
                "{m: {next: t}}",
                "s: {score: classifier, from: {rows: pool, model: m}}",
                "t: {train: sft, from: pool, base: a}",
            ),
            [],
        ),
        (
            loop("{v: {next: e}}", "e: {embed: tfidf, from: pool}", "k: {cluster: kmeans, from: v, k: 3}"),
            ["SL309"],
        ),
    ],
)
def test_what_a_loop_may_not_do(text: str, codes: list[str], program: Callable[..., Any]) -> None:
    if not codes:
        program(text)
        return
    with pytest.raises(SpecError) as raised:
        program(text)
    assert [fault.code for fault in raised.value.faults] == codes


def test_a_carry_that_starts_from_an_empty_carry_is_empty_too(program: Callable[..., Any]) -> None:
    text = """\
stages:
  it:
    loop: 2
    carry: {v: {next: inner}}
    stages:
      inner:
        loop: 2
        carry: {w: {start: v, next: e}}
        stages:
          k: {cluster: kmeans, from: w, k: 3}
          e: {embed: tfidf, from: pool}
outputs: {v: it}
"""
    with pytest.raises(SpecError) as raised:
        program(text)
    assert [fault.code for fault in raised.value.faults] == ["SL309"]


PARAM = "selectlang: 1\nname: x\nparams: {pool: {type: path}, n: {type: int}}\ndata: {pool: {path: $pool}}\n"


@pytest.mark.parametrize("rounds, over", [("5", "$n"), ("$n", "$n"), ("$n", "3")])
def test_rounds_and_parts_may_be_params_without_a_value(
    rounds: str, over: str, program: Callable[..., Any]
) -> None:
    batch = BATCH.replace("10", f"10, over: {over}")
    text = PARAM + loop("{chosen: {next: batch}}", batch, head=f"loop: {rounds}")
    assert program(text).missing == ["n", "pool"]
    if rounds == over:
        assert program(text, {"n": 4, "pool": "x"}).steps[0].rounds == 4
        return
    with pytest.raises(SpecError) as raised:
        program(text, {"n": 4, "pool": "x"})
    assert [fault.code for fault in raised.value.faults] == ["SL210"]


def test_the_order_of_names_does_not_matter(program: Callable[..., Any]) -> None:
    inner = loop("{chosen: {next: batch}}", BATCH, "later: {score: length, from: batch}")
    before = inner.replace("stages:\n  it:", "stages:\n  later: {score: length, from: pool}\n  it:")
    after = inner.replace("outputs", "  later: {score: length, from: it}\noutputs")
    for text in (before, after):
        with pytest.raises(SpecError) as raised:
            program(text)
        assert [fault.code for fault in raised.value.faults] == ["SL211"]


def test_what_no_output_needs_is_not_run(program: Callable[..., Any]) -> None:
    text = loop("{chosen: {next: batch}}", BATCH, "unused: {score: length, from: batch}")
    step = program(text.replace("outputs", "  idle: {score: length, from: it}\noutputs")).steps
    assert [part.name for part in step] == ["it"]
    assert [part.name for part in step[0].steps] == ["batch"]


def test_a_long_chain_and_a_wide_spec(program: Callable[..., Any]) -> None:
    chain = "".join(
        f"  s{i}: {{merge: union, from: [{f's{i - 1}' if i else 'pool'}]}}\n" for i in range(3000)
    )
    found = program(f"stages:\n{chain}outputs: {{out: s2999}}\n")
    assert [step.name for step in found.steps] == [f"s{i}" for i in range(3000)]
    backwards = "".join(
        f"  s{i}: {{merge: union, from: [{f's{i + 1}' if i < 2999 else 'pool'}]}}\n" for i in range(3000)
    )
    assert program(f"stages:\n{backwards}outputs: {{out: s0}}\n").steps[0].name == "s2999"
    with pytest.raises(SpecError) as raised:
        program(f"stages:\n{chain.replace('from: [pool]', 'from: [s2999]')}outputs: {{out: s2999}}\n")
    assert [fault.code for fault in raised.value.faults] == ["SL304"]
    assert len(raised.value.faults[0].message) < 200
