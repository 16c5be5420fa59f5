"""Claims on calls: of several processes, or threads, that want the same answer, one asks for it."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path


class Claims:
    """The claims of this process on the calls of a store; `path` is the file of their locks.

    As claims of stages are, one is a lock on one byte of the file, which ends with the process. On a file
    system without locks all is granted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        self._descriptor: int | None = None
        self._held: set[str] = set()

    def take(self, key: str) -> bool:
        """Take a key, so that nobody else asks for it at the same time; False when somebody does."""
        with self._guard:
            if key in self._held:
                return False
            try:
                if self._descriptor is None:
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _byte(key))
            except (BlockingIOError, PermissionError):
                return False
            except OSError:
                pass
            self._held.add(key)
            return True

    def give_back(self, key: str) -> None:
        """End the claim on a key."""
        with self._guard:
            self._held.discard(key)
            if self._descriptor is not None:
                with suppress(OSError):
                    fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _byte(key))

    def close(self) -> None:
        """Give all back."""
        with self._guard:
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor = None
            self._held.clear()


def _byte(key: str) -> int:
    """The byte that stands for a key."""
    return int(key[:15], 16)
