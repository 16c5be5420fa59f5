"""Commands run as processes of their own, with what they took.

A process counts as its own what the one that began it had in memory: begin it before anything large is there.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Taken(NamedTuple):
    """Seconds from start to end, and the most memory that a process of it had at a time, in MiB."""

    seconds: float
    memory: float


def apart(command: Sequence[object], env: Mapping[str, object], log: Path) -> Taken:
    """Run a command, with more in its environment; what it prints goes to `log`."""
    started = time.perf_counter()
    with open(log, "wb") as out:
        process = subprocess.Popen(
            list(map(str, command)),
            env={**os.environ, **{name: str(value) for name, value in env.items()}},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"{' '.join(map(str, command))} failed with status {process.returncode}\n{said}")
    return Taken(seconds, used.ru_maxrss / 1024)
