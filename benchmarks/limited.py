"""A limit on the memory of commands, by a cgroup of Linux: pages of files that they read count, too.

These the kernel drops when the limit is reached. What is of no file it cannot drop: a command that needs
more of it is killed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

ENTER = 'echo $$ > "$0" && exec "$@"'
FILES = {  # of the memory, and of that and swap together, or of swap alone
    "cgroup": ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    "cgroup2": ("memory.max", "memory.swap.max"),
}


@contextmanager
def limited(most: int) -> Iterator[list[str]]:
    """What stands before a command, so that all such commands together take at most so many bytes.

    A SystemExit where this machine lets no such group be made.
    """
    try:
        group = _group(most)
    except OSError as error:
        raise SystemExit(f"no memory cgroup can be made here, which a limit needs: {error}") from None
    try:
        yield ["sh", "-c", ENTER, str(group / "cgroup.procs")]
    finally:
        _remove(group)


def _group(most: int) -> Path:
    version, parent = _parent()
    memory, swap = FILES[version]
    group = Path(mkdtemp(prefix="selectlang-", dir=parent))
    try:
        (group / memory).write_text(str(most), encoding="ascii")
        if (group / swap).exists():  # the machine has swap, and counts it
            (group / swap).write_text(str(most if version == "cgroup" else 0), encoding="ascii")
    except OSError:
        group.rmdir()
        raise
    return group


def _parent() -> tuple[str, Path]:
    """The version of the cgroups that limit memory here, and where a new one goes.

    In version 1 below that of this process, in version 2 beside it: there one that holds processes cannot
    hand its memory on.
    """
    own = {}
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, names, path = line.split(":", 2)
        own |= dict.fromkeys(names.split(","), path)
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, version, options, *_ = line.split()
        if version == "cgroup" and "memory" in options.split(","):
            place = Path(mount + own["memory"])
            return version, place if place.exists() else Path(mount)  # in a container the mount is its own
        if version == "cgroup2":
            place = Path(mount + own[""].rpartition("/")[0])
            controllers = place / "cgroup.subtree_control"
            if controllers.exists() and "memory" in controllers.read_text(encoding="ascii").split():
                return version, place
    raise OSError("none that limits memory is mounted, or handed on to this user")


def _remove(group: Path) -> None:
    """Remove a group once its last process has ended, which may take a moment."""
    for left in reversed(range(50)):
        try:
            group.rmdir()
            break
        except OSError:
            if not left:
                raise
            time.sleep(0.1)
