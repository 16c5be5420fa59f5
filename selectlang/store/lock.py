"""Locks between processes: flock, which the kernel gives back however a process ends."""

from __future__ import annotations

import fcntl
import os
import platform
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Held(Exception):
    """Another process holds the lock; the message says which."""


class RunLock:
    """The lock that runs share, and that a prune takes alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        self._depth = 0
        self._descriptor: int | None = None

    @contextmanager
    def shared(self, first: Callable[[], object]) -> Iterator[None]:
        """Hold the lock together with other runs; `first` is called if at the start nobody holds it.

        Without a lock file that can be opened, or on a file system without locks, nothing is held: then
        no prune can take it either.
        """
        with self._guard:
            if self._depth == 0:
                self._descriptor = _share(self.path, first)
            self._depth += 1
        try:
            yield
        finally:
            with self._guard:
                self._depth -= 1
                if self._depth == 0 and self._descriptor is not None:
                    # Closed, not unlocked: a forked worker that still writes goes on holding it.
                    os.close(self._descriptor)
                    self._descriptor = None


@contextmanager
def alone(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock exclusively; a BlockingIOError when others hold it and `wait` is false."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Hold a lock whose file is there only while it is held, and says who holds it; a Held when others do.

    It is held by this process alone, not by workers it has forked, which may outlive it; a process that
    reads the file while it holds it loses it. On a file system without locks nothing is held.
    """
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except (FileExistsError, FileNotFoundError):
            if _blocked(path.parent):
                raise
            continue  # who held it has just deleted the folder of the file
        try:
            _take(descriptor)
            if not _same(descriptor, path):  # deleted, with the lock, by who held it
                continue
            with suppress(OSError):  # a full disk
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()} on {platform.node()}".encode(), 0)
            try:
                yield
            finally:
                with suppress(OSError):
                    path.unlink()  # while it is held, so that nobody else's is deleted
            return
        finally:
            os.close(descriptor)


def _blocked(folder: Path) -> bool:
    """Whether something else stands where a folder should; asked once, for folders come and go."""
    try:
        return not stat.S_ISDIR(folder.lstat().st_mode)
    except FileNotFoundError:
        return False


def _take(descriptor: int) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise Held(os.pread(descriptor, 200, 0).decode(errors="replace").strip()) from None
    except OSError:
        pass


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _open(path: Path) -> int:
    """A descriptor to lock; read-only where the file belongs to another user (NFS locks need more)."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _share(path: Path, first: Callable[[], object]) -> int | None:
    try:
        descriptor = _open(path)
    except OSError:
        return None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass
        else:
            first()
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, OSError):
            return None
        raise
    return descriptor
