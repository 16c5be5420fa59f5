"""Stages that wait for models elsewhere run beside those that compute.

What is under way at once is shown by events: a stage goes on only when the other has come as far as it
should. Errors, interrupts and caps end both.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from selectlang.engine.claim import claimed
from selectlang.engine.standing import Standing
from selectlang.llm.claims import Claims
from selectlang.progress import PlainProgress
from tests.llm.server import Server

ROWS = 40
SPEC = """
selectlang: 1
name: both
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool}}
stages:
  grades: {judge: rubric, from: pool, model: openai/gpt-4o-mini, max_failed: 0.1}
  slow:   {score: slow, from: pool}
  better: {merge: blend, from: [grades.scores, slow]}
  chosen: {budget: top, from: better, size: 7}
outputs: {chosen: chosen}
"""
PLUGIN = """
import meeting
import selectlang as sl

@sl.score
class slow:
    "Lengths, and what a test does in between."
    shard_rows = 10
    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Scores[sl.P]:
        meeting.between(len(rows))
        return [float(len(text)) for text in rows.texts()]

@sl.hookimpl
def register_methods(register):
    register(slow)
"""
PATIENCE = 30.0


def grade(prompt: str) -> str:
    number = int(re.findall(r"answer (\d+)", prompt)[0])
    return json.dumps({"explanation": "", "grade": number * 7 % 10 + 1})


def reply_or_grade(prompt: str) -> str:
    question = re.fullmatch(r"question (\d+)", prompt)
    return f"answer {question[1]}" if question else grade(prompt)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    for name in ("OPENAI_API_BASE", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with Server(answer=grade) as found:
        yield found


class Both:
    """A project with a stage that asks and one that computes, which calls `between` in each shard."""

    def __init__(self, project: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server, self.project = server, project
        self.shards = 0
        self.between: Callable[[], Any] = lambda: None
        module = ModuleType("meeting")
        module.between = self.shard  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "meeting", module)

    def shard(self, rows: int) -> None:
        assert rows == 10
        self.shards += 1
        self.between()

    def run(self, store: str = "store", options: str = "") -> Any:
        self.project.environment["SELECTLANG_STORE"] = str(self.project.folder / store)
        return self.project.run(
            f"selectlang run s.yaml --plugins plugins --api-base {self.server.url} --retries 0 --out out "
            f"--concurrency 2 {options}"
        )

    def asked(self) -> Counter[str]:
        return Counter(request.prompt for request in self.server.requests)


@pytest.fixture
def both(project: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> Both:
    rows = [{"instruction": f"question {i}", "output": f"answer {i}"} for i in range(ROWS)]
    return Both(project({"s.yaml": SPEC, "plugins/slow.py": PLUGIN, "pool.jsonl": rows}), server, monkeypatch)


def wait_for(condition: Callable[[], Any]) -> None:
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < limit, "the other stage did not come so far"
        time.sleep(0.005)


def test_each_goes_on_while_the_other_waits_and_the_order_changes_nothing(both: Both, server: Server) -> None:
    both.between = lambda: wait_for(lambda: server.answered.total() == ROWS)
    models_first = both.run("one").ok()
    assert both.shards == 4
    done = threading.Event()
    both.between = lambda: both.shards == 8 and done.set()

    def late(prompt: str) -> str:
        assert done.wait(PATIENCE), "what computes did not go on while a model was asked"
        return grade(prompt)

    server.answer = late
    models_last = both.run("two").ok()
    assert models_first.bytes() == models_last.bytes()
    assert models_first.keys == models_last.keys
    assert len(server.requests) == 2 * ROWS


def test_a_stage_that_asks_ends_the_one_that_computes_at_its_shard(both: Both, server: Server) -> None:
    server.status = 401
    both.between = lambda: wait_for(lambda: "grades: failed; the run ends when" in sys.stderr.getvalue())  # type: ignore[attr-defined]
    failed = both.run()
    assert failed.code == 1
    assert failed.err.splitlines()[-1].startswith("grades: model openai/gpt-4o-mini cannot be asked")
    assert both.shards == 1
    server.status, both.between = None, lambda: None
    both.run().ok()
    assert both.shards == 4  # that shard was kept


def test_a_stage_that_computes_ends_the_one_that_asks_and_what_is_paid_is_kept(
    both: Both, server: Server
) -> None:
    def fail() -> None:
        wait_for(lambda: len(server.requests) >= 2)
        raise ArithmeticError("no such length")

    both.between, server.latency = fail, 0.1
    failed = both.run()
    assert failed.code == 3
    assert "slow: score slow of" in failed.err
    assert "no such length" in failed.err
    assert 2 <= len(server.requests) < ROWS
    both.between, server.latency = lambda: None, 0
    both.run().ok()
    assert set(both.asked().values()) == {1}
    assert len(server.requests) == ROWS


SECOND = "  others: {judge: rubric, from: pool, model: openai/gpt-4o, max_failed: 0.1}\n"
TWO_JUDGES = SPEC.replace("  better", SECOND + "  better").replace(", slow]}", ", slow, others.scores]}")


@pytest.mark.parametrize("capped", [True, False])
def test_under_a_cap_stages_ask_one_after_another(both: Both, server: Server, capped: bool) -> None:
    both.project.write({"s.yaml": TWO_JUDGES})
    server.latency = 0.05
    both.run(options="--concurrency 4" + f" --max-calls {2 * ROWS}" * capped).ok()
    models = [request.body["model"] for request in server.requests]
    changes = sum(one != other for one, other in pairwise(models))
    assert (changes == 1) is capped


@pytest.mark.parametrize("calls", [13, 30, 55])
def test_a_cap_holds_for_stages_that_ask_at_once(both: Both, server: Server, calls: int) -> None:
    both.project.write({"s.yaml": TWO_JUDGES})
    stopped = both.run(options=f"--max-calls {calls}")
    assert stopped.code == 1
    assert f"stopped before max_calls {calls} was passed" in stopped.err
    assert server.answered.total() == calls
    assert both.run(options=f"--max-calls {calls}").code == 1
    assert server.answered.total() == calls
    both.run(options=f"--max-calls {2 * ROWS}").ok()
    assert server.answered.total() == 2 * ROWS


CHAIN = """
selectlang: 1
name: chain
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool}}
stages:
  replies:  {generate: llm, from: pool, model: openai/first}
  grades:   {judge: rubric, from: replies, model: openai/second}
  others:   {judge: rubric, from: pool, model: openai/third}
  slow:     {score: slow, from: pool}
  better:   {merge: blend, from: [grades.scores, others.scores, slow]}
  chosen:   {budget: top, from: better, size: 7}
outputs: {chosen: chosen}
"""


def asked_in_turn(server: Server) -> list[str]:
    """The models in the order of their requests, those that came together as one."""
    return [model for model, _ in groupby(request.body["model"] for request in server.requests)]


@pytest.mark.parametrize("options", ["", f"--max-calls {3 * ROWS}"])
def test_what_asks_starts_when_what_it_is_made_from_is_there_whatever_computes(
    both: Both, server: Server, options: str
) -> None:
    both.project.write({"s.yaml": CHAIN})
    server.answer = reply_or_grade
    both.between = lambda: wait_for(lambda: server.answered.total() == 3 * ROWS)
    both.run(options=options).ok()
    if options:
        assert asked_in_turn(server) == ["first", "second", "third"]


def test_under_a_cap_what_cannot_ask_yet_keeps_its_turn(both: Both, server: Server) -> None:
    """The second stage waits for one that computes, and the third for the second."""
    spec = CHAIN.replace("slow, from: pool", "slow, from: replies")
    spec = spec.replace("rubric, from: replies", "rubric, from: picked")
    picked = "  picked:   {budget: top, from: slow, size: 30}\n"
    both.project.write({"s.yaml": spec.replace("  grades:", picked + "  grades:")})
    server.answer = reply_or_grade
    both.run(options=f"--max-calls {3 * ROWS - 10}").ok()
    assert asked_in_turn(server) == ["first", "second", "third"]


LOST = """
selectlang: 1
name: lost
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool}}
stages:
  lengths:  {score: length, from: pool}
  picked:   {budget: top, from: lengths, size: 40}
  replies:  {generate: llm, from: picked, model: openai/first}
  fresh:    {generate: llm, from: pool, model: openai/second}
  verdicts: {judge: pairwise, from: {rows: fresh, against: replies}, model: openai/third}
  slow:     {score: slow, from: pool}
outputs: {verdicts: verdicts, slow: slow}
"""
WATCH = """
import meeting
import selectlang as sl

@sl.hookimpl
def stage_started(path):
    meeting.started(path)
"""


@pytest.mark.parametrize("options", ["", "--max-calls 999"])
@pytest.mark.parametrize("lost", [["replies"], ["replies", "picked"]])
def test_what_is_lost_while_others_run_is_made_again(
    both: Both, server: Server, lost: list[str], options: str
) -> None:
    """What asks is made again beside what computes; what computes is, in the thread that calls."""
    both.project.write({"s.yaml": LOST.replace("verdicts: verdicts, slow: slow", "replies: replies")})
    server.answer = lambda prompt: "7 5" if "[Your task]" in prompt else f"answer to {prompt}"
    keys = both.run().ok().keys
    started, here, gone = list[tuple[str, bool]](), threading.current_thread(), threading.Event()
    meeting = sys.modules["meeting"]
    meeting.started = lambda path: started.append((path, threading.current_thread() is here))  # type: ignore[attr-defined]
    both.project.write({"s.yaml": LOST, "plugins/watch.py": WATCH})

    def lose() -> None:
        for path in lost if not gone.is_set() else []:
            shutil.rmtree(both.project.store / "entries" / keys[path][:2] / keys[path])
        gone.set()
        wait_for(lambda: not asking & {thread.name for thread in threading.enumerate()})
        beside.append(len(started))

    answer, asking, beside = server.answer, {"fresh", "replies", "verdicts"}, list[int]()
    server.answer = lambda prompt: answer(prompt) if gone.wait(PATIENCE) else ""
    both.between = lose
    both.run(options=options).ok()
    remade = [("picked", True)] * ("picked" in lost) + [("replies", False)]
    assert sorted(started[:2]) == [("fresh", False), ("slow", True)]
    assert started[2:] == [*remade, ("verdicts", False)]
    assert set(beside) == {2 if "picked" in lost else 4}
    assert len(server.requests) == 3 * ROWS  # what was lost was not paid for again


def test_one_that_asks_may_end_while_one_that_computes_does(
    both: Both, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result of `slow` is in the store, but the thread that calls has yet to go on."""
    kept, finish = threading.Event(), PlainProgress.finish

    def late(show: PlainProgress, path: str, seconds: float) -> None:
        if path == "slow":
            kept.set()
            wait_for(lambda: "replies" not in {thread.name for thread in threading.enumerate()})
        finish(show, path, seconds)

    monkeypatch.setattr(PlainProgress, "finish", late)
    both.project.write({"s.yaml": CHAIN})
    server.answer = lambda prompt: reply_or_grade(prompt) if kept.wait(PATIENCE) else ""
    both.run().ok()


def test_a_fault_between_two_stages_that_ask_ends_the_run(
    both: Both, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has(standing: Standing, key: str) -> bool:
        if threading.current_thread().name == "replies":
            raise RuntimeError("can't start new thread")
        return found(standing, key)

    found = Standing.has
    monkeypatch.setattr(Standing, "has", has)
    both.project.write({"s.yaml": CHAIN})
    server.answer = reply_or_grade
    both.between = lambda: wait_for(lambda: "replies" not in {each.name for each in threading.enumerate()})
    failed = both.run()
    assert failed.code != 0
    assert "can't start new thread" in failed.err
    assert "replies: failed" not in failed.err
    assert both.shards == 1


def test_an_interrupt_ends_both(both: Both, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    p = both.project
    p.write({"meeting.py": "import time\ndef between(rows):\n    time.sleep(0.2)\n"})

    def script(prompt: str) -> list[str | None]:
        if len(server.requests) > 4:
            hanging.set()
            return ["hang"] * 99
        return []

    server.script = script
    process = p.start(
        f"selectlang run s.yaml --plugins plugins --api-base {server.url} --out out --concurrency 2",
        PYTHONPATH=os.pathsep.join([str(p.folder), *sys.path]),
    )
    assert hanging.wait(PATIENCE)
    os.killpg(process.pid, signal.SIGINT)
    done = p.finish(process)
    assert (done.code, done.out) == (130, "")
    assert done.err.splitlines()[-1].startswith("interrupted; what was finished is kept")
    answered = server.answered.total()
    assert answered >= 3
    server.script = lambda prompt: []
    both.run().ok()
    assert server.answered.total() == ROWS


def test_a_model_in_this_process_is_no_network(project: Any) -> None:
    from selectlang.engine.handles import ResultHandle
    from selectlang.engine.lanes import waits
    from selectlang.engine.task import Task
    from selectlang.plugins import load

    methods = load().methods

    def task(kind: str, name: str, settings: dict[str, Any], **inputs: Any) -> Task:
        return Task("s", methods[kind, name], settings, inputs, None, "k", False)

    assert waits(task("judge", "rubric", {"model": "openai/gpt-4o"}))
    assert waits(task("generate", "llm", {"model": "fake/echo"}))
    assert not waits(task("judge", "rubric", {"model": "local//models/judge"}))
    assert not waits(task("generate", "llm", {"model": None}, model=[ResultHandle("k", "")]))
    assert not waits(task("score", "length", {}))


def test_a_claim_keeps_out_another_thread(tmp_path: Path) -> None:
    claims, key, order = Claims(tmp_path / "claims"), "a" * 64, list[str]()
    waits, going = threading.Event(), threading.Event()

    def second() -> None:
        with claimed(claims, key, waits.set, lambda: None):
            order.append("second")

    thread = threading.Thread(target=second)
    with claimed(claims, key, going.set, lambda: None):
        thread.start()
        assert waits.wait(PATIENCE)
        with claimed(claims, "b" * 64, going.set, lambda: None):
            order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not going.is_set()
    claims.close()


def test_who_waits_for_a_claim_stops_when_it_should(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims")

    def check() -> None:
        raise KeyboardInterrupt

    assert claims.take("a" * 64)
    with pytest.raises(KeyboardInterrupt), claimed(claims, "a" * 64, lambda: None, check):
        pass
    assert not claims.take("a" * 64)  # it is still held by who had it
    claims.close()
