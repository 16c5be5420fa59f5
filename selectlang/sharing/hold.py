"""Holding a program to its lock."""

from __future__ import annotations

from pathlib import Path

from selectlang.engine.ahead import require
from selectlang.errors import LockError
from selectlang.faults import file_name, quoted
from selectlang.language.program import Program
from selectlang.llm.options import Options
from selectlang.sharing.differences import differences, packages
from selectlang.sharing.lock import Lock, load
from selectlang.sharing.pin import Pinning
from selectlang.store.store import Store


def hold(program: Program, path: Path, store: Store) -> list[str]:
    """Hold a program to a lock, whose commits are put into it; returns what people should know.

    A LockError has a line for every difference. Nothing has run by then.
    """
    require(program, Options())
    old = load(path)
    of_this(old, program, path, "--lock FILE")
    now = Pinning(program, old).lock(store)
    if found := differences(old, now):
        lines = "\n".join(f"  {difference.line()}" for difference in found)
        raise LockError(
            f"{file_name(str(path))} does not hold here, and nothing was run:\n{lines}\n"
            "Go back to what is pinned, or pin what is here: selectlang lock SPEC --upgrade"
        )
    return [
        f"{moved.what} was {moved.pinned} when this was locked, and is {moved.found}: last digits may differ"
        for moved in packages(old, now)
    ]


def of_this(old: Lock, program: Program, path: Path, option: str) -> None:
    """A LockError when a lock is that of another spec."""
    if old.spec != program.name:
        raise LockError(
            f"{file_name(str(path))} is the lock of {quoted(old.spec)}, and this spec is "
            f"{quoted(program.name)}; name another file with {option}"
        )
