"""IterSelectTune, killed by kill -9 while it judges and while it trains (section 6.1, 11 and 15)."""

from __future__ import annotations

import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from selectlang.demo.pool import make_pool
from tests.llm.server import Server

BATCH, ROUNDS, CONCURRENCY = 14, 2, 4
SPEC = """
selectlang: 1
name: words
extends: selectlang:iterselecttune
stages: {vectors: {embed: tfidf, from: pool, text: instruction}}
"""
KILLED = """
import os, signal, sys
from selectlang.cli import main
from selectlang_plugins.classify import bert

make = bert._optimizer
def killed(*given):
    optimizer, schedule = make(*given)
    step, steps = schedule.step, iter([1, 2])
    def last():
        if next(steps) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        step()
    schedule.step = last
    return optimizer, schedule
bert._optimizer = killed
sys.exit(main(sys.argv[1:]))
"""


def killed_when(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def killed_in_training(p: Any, command: str) -> None:
    """By its own hand, in the second step of the classifier's training."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *shlex.split(command)[1:]],
        cwd=p.folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **p.environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def stored(p: Any) -> int:
    """How many answers are in the call store."""
    with closing(sqlite3.connect(p.store / "calls.db")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM calls").fetchone()
        return int(count)


@pytest.fixture
def one_thread(few_threads: None) -> Iterator[None]:
    """As in the processes that are killed: with more, sums come out in another order."""
    with threadpool_limits(1):
        yield


@pytest.mark.usefixtures("one_thread")
def test_killed_while_it_judges_and_while_it_trains(
    project: Callable[..., Any], toys: dict[str, str], server: Server
) -> None:
    """No answer that had arrived is asked for again, and the end is that of a run that was left alone."""
    server.latency = 0.05
    params = {"pool": "pool.jsonl", "classifier": toys["encoder"], "clusters": 4, "diverse": "60%"}
    params |= {"base_model": "openai/base", "judge": "openai/gpt-4", "batch": BATCH, "rounds": ROUNDS}
    given = " ".join(f"--set {key}={value}" for key, value in {**params, "accuracy": 2, "steps": 2}.items())
    options = f"--api-base {server.url} --concurrency {CONCURRENCY} --out out"
    command = f"selectlang run words.yaml {given} {options}"
    files = {"words.yaml": SPEC, "pool.jsonl": make_pool(80)}

    undisturbed = project(files, "undisturbed").run(command).ok()
    needed = Counter(request.prompt for request in server.requests)
    assert set(needed.values()) == {1}
    assert len(needed) == 2 * BATCH * ROUNDS
    server.requests.clear()

    def arrived() -> int:
        return sum(request.answered for request in server.requests)

    p = project(files, "killed")
    killed_when(lambda: arrived() >= BATCH + 5, p.start(command))
    kept = stored(p)
    assert BATCH <= kept < 2 * BATCH
    assert arrived() - kept <= CONCURRENCY  # no more is lost than was on the wire, or being written
    before = len(server.requests)

    killed_in_training(p, command)
    assert len(server.requests) - before == 2 * BATCH - kept  # the rest of round one
    assert stored(p) == 2 * BATCH
    before = len(server.requests)

    done = p.run(command).ok()
    assert len(server.requests) - before == 2 * BATCH  # round two
    assert {request.prompt for request in server.requests} == needed.keys()
    states = done.states
    assert (states["training/judged#1"], states["training/hardness#1"]) == ("cached", "ran")
    for name in ("chosen", "hard"):
        assert done.bytes(name) == undisturbed.bytes(name)
    for path in (undisturbed.folder / "classifier").iterdir():
        assert (done.folder / "classifier" / path.name).read_bytes() == path.read_bytes()
    assert done.record["asked"].keys() == {"openai/base", "openai/gpt-4"}
    assert p.run("selectlang store verify").code == 0
    assert not list(p.store.glob("cache/work/*"))
