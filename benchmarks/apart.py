"""Commands run as processes of their own, with what they took.

A process counts as its own what the one that began it had in memory: begin it before anything large is there.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

EVERY = 0.02  # seconds from one look at memory to the next
FAMILY = 25  # looks from one for new processes to the next


class Taken(NamedTuple):
    """Seconds from start to end, and MiB at most: of one process, pages of mapped files included, as the
    kernel counts them; and of it and all below it at once, without what is of a file, as sampled."""

    seconds: float
    memory: float
    anonymous: float


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
        with Memory(process.pid) as memory:
            _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"{' '.join(map(str, command))} failed with status {process.returncode}\n{said}")
    return Taken(seconds, used.ru_maxrss / 1024, memory.most / 2**20)


class Memory(threading.Thread):
    """Watches what a process and those below it have in memory that is of no file, in bytes.

    `at_start` is what they had before, `most` the most that was seen.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.ended = pid, threading.Event()
        self.most = self.at_start = sum(map(anonymous, family(pid)))

    def run(self) -> None:
        looks, pids = 0, [self.pid]
        while not self.ended.wait(EVERY):
            looks += 1
            if looks % FAMILY == 0:
                pids = family(self.pid)
            self.most = max(self.most, sum(map(anonymous, pids)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join()


def anonymous(pid: int) -> int:
    """Bytes of a process in memory that are of no file; 0 for one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def family(pid: int) -> list[int]:
    """A process and all below it."""
    below: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
        except OSError:  # it has ended
            continue
        below.setdefault(int(parent), []).append(int(path.parent.name))
    found = [pid]
    for one in found:
        found += below.get(one, [])
    return found
