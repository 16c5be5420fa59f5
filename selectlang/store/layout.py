"""The folder of a store: its format, what stands in it from the start, and where an entry stands."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from selectlang.errors import DataError, UsageError
from selectlang.store.entry import FULL

FORMAT = 1
FOLDERS = ("entries", "tmp", "logs", "cache")
FILES = {"format": f"{FORMAT}\n", ".gitignore": "*\n", "lock": "", "repair": ""}
_KEY = re.compile(r"[0-9a-f]{64}")
_OTHER = "set SELECTLANG_STORE to another folder"


def inspect(folder: Path) -> None:
    """A UsageError unless `folder` is a store of this format, or empty, or not there yet."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:  # Arrow opens no such file
        raise UsageError(f"the path of the store {folder} is no UTF-8; {_OTHER}") from None
    try:
        if not os.path.lexists(folder):
            return
        if not folder.is_dir():
            raise UsageError(f"the store {folder} is no folder; {_OTHER}")
        names = set(os.listdir(folder))
        text = (folder / "format").read_text(encoding="utf-8", errors="replace") if "format" in names else ""
    except OSError as error:
        raise UsageError(f"cannot read the store {folder}: {error.strerror}; {_OTHER}") from None
    # A process that was killed while it made the store may leave the file out, or empty.
    foreign = sorted(names - {*FOLDERS, *FILES})
    if not text.strip() and foreign:
        raise UsageError(f"{folder} is no store: it holds {foreign[0]!r} and has no file 'format'; {_OTHER}")
    if text.strip() and not (text.strip().isdecimal() and len(text) < 10):
        raise UsageError(f"{folder / 'format'} is not the format of a store; expected {FORMAT}; {_OTHER}")
    if text.strip() and int(text) > FORMAT:
        raise UsageError(
            f"the store {folder} has format {int(text)}, made by a newer selectlang; this one reads up to "
            f"format {FORMAT}: upgrade selectlang; or {_OTHER}"
        )
    if links := [name for name in FOLDERS if (folder / name).is_symlink()]:
        raise UsageError(
            f"{folder / links[0]} is a link: a store keeps its folders itself; link the whole store"
        )


def make(folder: Path) -> None:
    """Make what a store needs and is not there yet; several processes may do so at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in FILES.items():
            if not (folder / name).exists() or (text and not (folder / name).stat().st_size):
                (folder / name).write_text(text, encoding="utf-8")
        for name in FOLDERS:
            if not (folder / name).is_dir():
                (folder / name).mkdir(exist_ok=True)
    except OSError as error:
        if (folder / "entries").is_dir():
            return  # a store that is read-only and lacks, say, its empty folders can still be read
        kind = DataError if error.errno in FULL else UsageError
        raise kind(f"cannot make the store {folder}: {error.strerror}; {_OTHER}") from None


def slot(folder: Path, key: str) -> Path:
    """Where the entry of a key stands or would stand; a UsageError when it is no key."""
    if not _KEY.fullmatch(key):
        raise UsageError(f"{key!r} is no key of the store: expected 64 characters of 0 to 9 and a to f")
    prefix = folder / "entries" / key[:2]
    if prefix.is_symlink():
        raise DataError(f"{prefix} is a link: a store writes only inside its own folder; delete the link")
    return prefix / key


def keys(folder: Path) -> Iterator[str]:
    """The key of every entry, in order."""
    try:
        for prefix in sorted((folder / "entries").iterdir()):
            if prefix.is_dir() and not prefix.is_symlink():
                names = sorted(os.listdir(prefix))
                yield from (name for name in names if _KEY.fullmatch(name) and name[:2] == prefix.name)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataError(f"cannot read {error.filename} of the store: {error.strerror}") from None
