"""Processes that are killed or interrupted, and several at once on one store."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: t
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  slow:   {score: slow, from: pool}
  noise:  {score: random, from: pool}
  both:   {merge: rank_mean, from: [slow, noise]}
  chosen: {budget: top, from: both, size: 20}
outputs: {chosen: chosen, slow: slow}
"""
PLUGIN = """
import json, os, time
import selectlang as sl

@sl.score
class slow:
    "Lengths, slowly."
    shard_rows = 10
    batch_rows = 5
    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Scores[sl.P]:
        with open(os.environ["CALLS"], "a") as file:
            file.write(json.dumps(rows.ids()) + "\\n")
        time.sleep(float(os.environ.get("PAUSE", "0")))
        return [float(len(text)) for text in rows.texts()]

@sl.hookimpl
def register_methods(register):
    register(slow)
"""
RUN = "selectlang run s.yaml --set pool=pool.jsonl --plugins plugins --out "
SHARDS = 12


@pytest.fixture
def slow(project: Make, pool: Make) -> Any:
    """A project with a class of twelve shards that writes down each of its calls, and pauses in each."""
    p = project({"s.yaml": SPEC, "plugins/slow.py": PLUGIN, "pool.jsonl": pool(10 * SHARDS)})
    p.environment["CALLS"] = str(p.folder / "calls")
    return p


def calls(p: Any) -> list[list[str]]:
    path = p.folder / "calls"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.005)


def shards(p: Any) -> int:
    metas = [json.loads(path.read_bytes()) for path in p.store.glob("entries/*/*/meta.json")]
    return sum(meta["entry"]["meta"]["method"] == "shard of slow" for meta in metas)


def undisturbed(p: Any) -> bytes:
    p.environment["SELECTLANG_STORE"] = str(p.folder / "other")
    whole: bytes = p.run(RUN + "undisturbed").ok().bytes()
    p.environment["SELECTLANG_STORE"] = str(p.store)
    (p.folder / "calls").unlink()
    return whole


def test_killed_again_and_again(slow: Any) -> None:
    """Shards that are kept are not computed again, and the bytes are those of an undisturbed run."""
    whole = undisturbed(slow)
    rng = random.Random(1)
    for number in (1, 3, 4, 7):
        before = shards(slow)
        process = slow.start(RUN + "out", PAUSE="0.05")
        wait_for(lambda number=number: shards(slow) >= number, process)
        time.sleep(rng.uniform(0, 0.08))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert shards(slow) >= max(before, number)
    kept, made = shards(slow), len(calls(slow))
    assert kept < SHARDS
    done = slow.finish(slow.start(RUN + "out")).ok()
    assert done.bytes() == whole
    rest = calls(slow)[made:]
    assert len(rest) == 2 * (SHARDS - kept)
    assert {name for call in rest for name in call} == {f"r{i}" for i in range(10 * kept, 10 * SHARDS)}
    assert shards(slow) == 0
    assert list(slow.store.glob("tmp/*")) == []
    assert slow.run("selectlang store verify").code == 0


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_killed_at_any_time(slow: Any, part: float) -> None:
    """Also while it starts, reads data, writes the run folder: the next run gives the same bytes."""
    whole = undisturbed(slow)
    started = time.monotonic()
    process = slow.start(RUN + "warm")
    process.communicate()
    lasted = time.monotonic() - started
    for path in slow.store.glob("entries/*/*"):
        subprocess.run(["rm", "-r", path], check=True)
    process = slow.start(RUN + "out")
    time.sleep(lasted * part)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = slow.run(RUN + "out").ok()
    assert done.bytes() == whole
    assert slow.run("selectlang store verify").code == 0


def test_two_runs_at_once(slow: Any) -> None:
    """Both succeed with the same bytes, and no shard is computed twice: one waits for the other."""
    whole = undisturbed(slow)
    processes = [slow.start(f"{RUN}out{number}", PAUSE="0.02") for number in range(3)]
    outcomes = [slow.finish(process).ok() for process in processes]
    assert [outcome.bytes() for outcome in outcomes] == [whole] * 3
    assert sorted(name for call in calls(slow) for name in call) == sorted(
        f"r{i}" for i in range(10 * SHARDS)
    )
    assert sum("slow: another run is making this; waiting for it" in outcome.err for outcome in outcomes) >= 1
    assert sorted(outcome.states["slow"] for outcome in outcomes) == ["cached", "cached", "ran"]


def test_a_run_takes_over_from_one_that_is_killed(slow: Any) -> None:
    whole = undisturbed(slow)
    first = slow.start(RUN + "first", PAUSE="0.2")
    wait_for(lambda: shards(slow) >= 2, first)
    second = slow.start(RUN + "second")
    assert second.stderr is not None
    assert second.stderr.readline() == "slow: another run is making this; waiting for it\n"
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert slow.finish(second).ok().bytes() == whole
    assert len(calls(slow)) <= 2 * SHARDS + 2  # the shards of the first were taken over


def test_an_interrupt_is_one_kind_line(slow: Any) -> None:
    whole = undisturbed(slow)
    process = slow.start(RUN + "out", PAUSE="0.2")
    wait_for(lambda: shards(slow) >= 1, process)
    os.killpg(process.pid, signal.SIGINT)
    done = slow.finish(process)
    assert (done.code, done.out) == (130, "")
    assert done.err.splitlines()[-1:] == [
        "interrupted; what was finished is kept, and the same command goes on from there"
    ]
    kept = shards(slow)
    made = len(calls(slow))
    assert kept >= 1
    again = slow.run(RUN + "out").ok()
    assert f"slow: going on, {10 * kept} of {10 * SHARDS} rows are kept\n" in again.err
    assert again.bytes() == whole
    assert len(calls(slow)) - made == 2 * (SHARDS - kept)


TERMINAL = """
import os, pty, sys
done = []
def read(descriptor):
    data = os.read(descriptor, 4096)
    done.append(data)
    return data
sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.executable, "-m", "selectlang", *sys.argv[1:]], read)))
"""


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_gets_a_live_display(slow: Any, colour: bool) -> None:
    """And with NO_COLOR no colour: only the codes that move the cursor."""
    environment = {
        **os.environ,
        **slow.environment,
        "PAUSE": "0.01",
        "TERM": "xterm-256color",
        "COLUMNS": "90",
    }
    environment.pop("NO_COLOR", None)
    if not colour:
        environment["NO_COLOR"] = "1"
    words = (RUN + "out").split()[1:]
    done = subprocess.run(
        [sys.executable, "-c", TERMINAL, *words],
        cwd=slow.folder,
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    text = done.stdout.decode()
    assert done.returncode == 0, text
    assert "slow: score slow" in text
    assert "slow: done in" in text
    assert "\x1b[?25h" in text  # the cursor is shown again
    colours = {code for code in text.split("\x1b[") if code[:2] in {"31", "32", "33", "34", "35", "36", "38"}}
    assert bool(colours) is colour
    assert (Path(slow.folder) / "out" / "chosen.jsonl").is_file()
