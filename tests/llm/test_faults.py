"""What a long run meets: a server full of faults, and the end of the process at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from selectlang.llm.door import Door
from selectlang.llm.request import Asked, Request

from .conftest import MODEL, ask
from .run_asks import MODEL as ASKED
from .server import FAULTS, Server


def score(text: str) -> int:
    found = json.loads(text)["score"]
    if not isinstance(found, int) or not 1 <= found <= 10:
        raise ValueError(f"{found} is not from 1 to 10")
    return found


def test_five_thousand_calls_of_which_a_fifth_meet_a_fault(door: Callable[..., Door]) -> None:
    """Every row is labelled or reported, none twice, and no answer is paid for twice."""
    texts = [f"question {i}" for i in range(5000)]

    def right(prompt: str) -> str:
        return json.dumps({"score": 1 + int(prompt.split()[1]) % 10})

    faults = {**dict.fromkeys(FAULTS, 0.195 / (len(FAULTS) - 1)), "hang": 0.005}  # which costs its timeout
    with Server(faults=faults, answer=right, seed=3) as server:
        stage = door(server.url, concurrency=64, timeout=4, retries=3).stage("judge")
        found = ask(stage, texts, score, again=1, max_failed=0.05)

        tally = stage.tallies[MODEL]
        failed = [i for i, value in enumerate(found) if value is None]
        assert all(value == 1 + i % 10 for i, value in enumerate(found) if value is not None)
        assert tally.done == tally.total == len(found) == 5000
        assert 0 < len(failed) == tally.failed.total() < 250
        assert sum(server.faulty.values()) > 900
        assert set(server.faulty) == set(FAULTS)
        assert tally.retried.keys() == {"rate_limit", "server_error", "timeout", "connection", "bad_answer"}

        # An answer is asked for again only when it cannot be read, once, and all that came are kept.
        assert tally.calls == sum(server.answered.values())
        unread = {request.prompt for request in server.requests if request.answered and request.fault}
        assert {text for text, count in server.answered.items() if count > 1} <= unread
        assert max(server.answered.values()) == 2

        # The next run asks for nothing but what got no answer.
        silent = {texts[i] for i in failed} - set(server.answered)
        server.faults, before = {}, len(server.requests)
        again = ask(door(server.url, concurrency=64).stage("judge"), texts, score, again=1, max_failed=0.05)
        assert {request.prompt for request in server.requests[before:]} >= silent
        assert len(server.requests) - before <= len(failed)
        assert [a == b for a, b in zip(found, again, strict=True) if a is not None] == [True] * (
            5000 - len(failed)
        )


@pytest.fixture(scope="module")
def forks() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(Path(__file__).with_name("run_asks.py"))]
    environment = {**os.environ, "OPENAI_API_KEY": "none-needed"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def start(forks: subprocess.Popen[str], **wanted: Any) -> int:
    assert forks.stdin is not None
    forks.stdin.write(json.dumps(wanted) + "\n")
    forks.stdin.flush()
    pids = [int(event(forks, "started")) for _ in range(wanted.get("processes", 1))]
    return pids[0]


def event(forks: subprocess.Popen[str], name: str) -> str:
    assert forks.stdout is not None
    found, value = forks.stdout.readline().split()
    assert found == name
    return value


def kept(folder: Path) -> set[str]:
    """The keys in a call store that nobody has open."""
    if not (folder / "calls.db").exists():
        return set()
    with closing(sqlite3.connect(folder / "calls.db")) as connection:
        return {key for (key,) in connection.execute("SELECT key FROM calls")}


def test_no_answer_is_lost_by_kill_9(forks: subprocess.Popen[str], tmp_path: Path) -> None:
    """Killed at five random points, it asks for no answer again that had arrived."""
    count, concurrency, draw = 600, 16, random.Random(5)
    asked = Asked.of(ASKED, 9, 0.0, 1.0, None, None)
    keys = {f"question {i}": Request.of(asked, i, [("user", f"question {i}")]).key for i in range(count)}
    wanted = {"folder": str(tmp_path), "count": count, "concurrency": concurrency, "retries": 6}
    with Server(faults={"500": 0.1}, latency=0.02) as server:
        stored: set[str] = set()
        for kills in range(1, 6):
            before = len(server.requests)
            pid = start(forks, url=server.url, **wanted)
            goal = sum(server.answered.values()) + draw.randint(1, 110)
            while sum(server.answered.values()) < goal:
                time.sleep(0.001)
            os.kill(pid, signal.SIGKILL)
            assert event(forks, "ended") == str(-signal.SIGKILL)
            asked_now = {keys[request.prompt] for request in server.requests[before:]}
            assert not asked_now & stored
            stored = kept(tmp_path)
            # A kill loses no more than was on the wire, or being written.
            assert sum(server.answered.values()) - len(stored) <= kills * concurrency
        before = len(server.requests)
        start(forks, url=server.url, **wanted)
        assert event(forks, "ended") == "0"
        assert not {keys[request.prompt] for request in server.requests[before:]} & stored
        assert kept(tmp_path) == set(keys.values())
        assert sum(server.answered.values()) - count <= 5 * concurrency


def test_two_processes_at_once_ask_each_call_once(forks: subprocess.Popen[str], tmp_path: Path) -> None:
    with Server(latency=0.02) as server:
        start(forks, folder=str(tmp_path), url=server.url, count=300, concurrency=8, processes=2)
        assert [event(forks, "ended") for _ in range(2)] == ["0", "0"]
        assert len(server.answered) == 300
        assert set(server.answered.values()) == {1}
