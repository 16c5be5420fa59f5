"""Output that nobody reads, that is closed, or on a full disk: no traceback, and a code that says so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: longest
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  lengths: {score: length, from: pool, text: response}
  chosen:  {budget: top, from: lengths, size: 5}
outputs: {chosen: chosen}
"""
PLAN = "plan s.yaml --set pool=pool.jsonl"
RUN = "run s.yaml --set pool=pool.jsonl --out out"
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")


Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shell(project: Make, pool: Make) -> Shell:
    """`shell("plan s.yaml >&-")`: exit code, stdout and stderr. Descriptor 9 is a pipe that nobody reads."""
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(29)})

    def run(line: str, unbuffered: str = "") -> tuple[int, str, str]:
        environment = {**os.environ, **p.environment, "PYTHONUNBUFFERED": unbuffered}
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            ["bash", "-c", f"exec 9>&{write}; {sys.executable} -m selectlang {line}"], pass_fds=[write],
            cwd=p.folder, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        os.close(write)
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize("command", [PLAN, "show kmq", "check kmq", "plan none.yaml 2>&9", "plan 2>&9"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_nobody_reads(shell: Shell, command: str, unbuffered: str) -> None:
    code, out, err = shell(f"{command} >&9", unbuffered)
    assert (out, err) == ("", "")
    assert code == 141 or (code, command) == (2, "plan 2>&9")  # argparse takes no notice where it can


def test_nobody_reads_what_a_run_says(shell: Shell) -> None:
    assert shell(f"{RUN} >&9 2>&9") == (141, "", "")
    code, out, err = shell(RUN)
    assert (code, "chosen: 5 rows in out/chosen.jsonl" in out, "Traceback" in err) == (0, True, False)


def test_closed_streams(shell: Shell) -> None:
    """What would go there goes nowhere: errors are no output then, nor is output written to the store."""
    assert shell(f"{PLAN} >&-") == (0, "", "")
    assert shell(f"{RUN} >&- 2>&- <&-") == (0, "", "")
    assert shell("plan none.yaml 2>&-") == (1, "", "")
    assert shell("plan none.yaml >&- 2>&-") == (1, "", "")
    assert shell("store verify")[:2] == (0, "0 damaged\n")


@FULL
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk(shell: Shell, unbuffered: str) -> None:
    expected = (1, "", "cannot write the output: No space left on device\n")
    assert shell("show kmq >/dev/full", unbuffered) == expected


@FULL
def test_errors_on_a_full_disk(shell: Shell) -> None:
    assert shell("plan none.yaml 2>/dev/full") == (1, "", "")
