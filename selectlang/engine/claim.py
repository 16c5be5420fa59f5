"""Claims: of several runs that need the same result, one makes it and the others wait for it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def claimed(folder: Path, key: str, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the claim on a key; `waiting` is called when another process holds it.

    A claim is a lock on one byte of a file, whose number follows from the key: the kernel gives it back
    however a process ends. Only one claim is held by a process at a time. On a file system without locks
    nothing is held, and two runs may make one result twice.
    """
    at = int(key[:15], 16)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "claims", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        yield
        return
    try:
        _lock(descriptor, at, waiting)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, at: int, waiting: Callable[[], None]) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
    except BlockingIOError:
        waiting()
        fcntl.lockf(descriptor, fcntl.LOCK_EX, 1, at)
    except OSError:
        return
