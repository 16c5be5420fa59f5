"""The run folder: one file for each output, report.html, and record.json, which says that they are whole.

While a run goes on, the folder holds `.writing/`:

    lock    held by the run, with its process id
    new/    the outputs as they are written, and record.json when all are there
    old/    what they take the place of

Only then are files renamed, so that a killed run leaves the old outputs, or what the next run needs to put
the new ones in place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from selectlang.engine.guard import harmless, listed, unlisted
from selectlang.engine.outputs import output
from selectlang.engine.record import sealed
from selectlang.engine.reread import RECORD
from selectlang.errors import DataError, UsageError
from selectlang.language.program import Program
from selectlang.store.entry import remove
from selectlang.store.lock import Held, owned

WRITING = ".writing"
LOCK = "lock"


@contextmanager
def held(out: Path | None, program: Program, started: datetime) -> Iterator[Path]:
    """The folder of a run, this run's alone until the block ends; `out` None makes one under `runs/`.

    A UsageError, before anything is done, where another run is writing, or the run would replace what is
    not an output of the run before. A folder that was made for a run which fails is deleted.
    """
    with ExitStack() as stack:
        try:
            folder, made = _new(_default(program.name, started)) if out is None else _given(out)
            stack.callback(_take_back, [folder / WRITING, *made])
            stack.enter_context(owned(folder / WRITING / LOCK))
            stack.callback(_clean, folder / WRITING)
            _swap(folder)  # a killed run may have come this far
            _clean(folder / WRITING)
            harmless(folder, program, listed(folder / RECORD))
        except Held as holder:
            who = f"process {holder}" if str(holder) else "another process"
            raise UsageError(
                f"--out {out}: {who} is running into this folder; wait for it to end, or name another folder"
            ) from None
        except OSError as error:
            raise UsageError(f"--out {error.filename or out}: cannot be used: {error.strerror}") from error
        yield folder


def write(
    folder: Path,
    values: dict[str, Any],
    origins: dict[str, dict[str, str]],
    recorded: Callable[[dict[str, dict[str, Any]], Path], dict[str, Any]],
) -> dict[str, Any]:
    """Write the outputs, and the record that `recorded` makes of what is to be said of each; returns it.

    `recorded` is given the folder of the outputs too, to write the report into.

    A DataError names the folder when the disk is full or may not be written.
    """
    new = folder / WRITING / "new"
    try:
        new.mkdir()
        outputs = {name: output(new / name, value, origins[name]) for name, value in values.items()}
        found = sealed(recorded(outputs, new))
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        half = new / f".{RECORD}"
        with open(half, "wb") as file:
            # A name of a file may be no UTF-8; the backslash form of its bytes is their JSON form too.
            file.write(text.encode(errors="backslashreplace"))
            os.fsync(file.fileno())
        os.replace(half, new / RECORD)
        _swap(folder)
    except OSError as error:
        raise DataError(
            f"cannot write to the run folder {folder}: {error.strerror or error}; make room or give "
            "permission there, or name another with --out: the results are kept in the store"
        ) from error
    return found


def _swap(folder: Path) -> None:
    """Put new outputs in the place of the old, if all are written; goes on where a killed run stopped.

    The old record goes first and the new one comes last: while they differ there is none.
    """
    new, old, record = folder / WRITING / "new", folder / WRITING / "old", folder / RECORD
    fresh = listed(new / RECORD)
    if fresh is None:
        return
    before = listed(record if os.path.lexists(record) else old / RECORD)
    waiting = [name for name in fresh if os.path.lexists(new / name)]
    unlisted(folder, waiting, before)
    old.mkdir(exist_ok=True)
    if os.path.lexists(record):
        os.replace(record, old / RECORD)
    for name in waiting:
        if (new / name).is_dir():  # which takes the place of no folder that has files in it
            _aside(folder / name, old)
        os.replace(new / name, folder / name)
    for name in before or ():
        if name not in fresh:
            _aside(folder / name, old)
    os.replace(new / RECORD, record)


def _aside(path: Path, old: Path) -> None:
    if os.path.lexists(path):
        os.replace(path, old / path.name)


def _clean(writing: Path) -> None:
    """Delete what this run or a killed one has left of its writing; not the lock, which is held."""
    with suppress(OSError):
        for path in writing.iterdir():
            if path.name != LOCK:
                remove(path)


def _take_back(folders: list[Path]) -> None:
    """Delete the folders in which nothing is."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _given(out: Path) -> tuple[Path, list[Path]]:
    """A folder that a person names, and which of it and those around it were made, innermost first."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: this is a file; name a folder")
    writing = out / WRITING
    if writing.is_symlink() or writing.is_file():
        raise UsageError(
            f"--out {out}: it holds {WRITING}, which is no folder; delete it, or name a new folder"
        )
    if out.is_dir() and any(out.iterdir()) and not writing.exists() and listed(out / RECORD) is None:
        raise UsageError(f"--out {out}: the folder holds other things than a run; name a new one")
    return out, _made(out, exist_ok=True)


def _new(folder: Path) -> tuple[Path, list[Path]]:
    """A folder that was not there, though another run may begin in the same second."""
    for number in range(1, 1000):
        found = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        with suppress(FileExistsError):
            return found, _made(found, exist_ok=False)
    raise UsageError(f"{folder} and its like are there; name another folder with --out")


def _made(folder: Path, exist_ok: bool) -> list[Path]:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=exist_ok)
    return missing


def _default(name: str, started: datetime) -> Path:
    plain = "".join(char if char.isalnum() or char in "-_" else "-" for char in name)[:64] or "run"
    return Path("runs") / f"{plain}-{started:%Y%m%d-%H%M%S}"
