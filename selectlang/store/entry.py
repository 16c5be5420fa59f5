"""One entry of the store: a folder of files, and `meta.json`, which says what must be in it.

`meta.json` is `{"sha256": ..., "entry": {"key", "created", "files", "folders", "meta"}}`, where the
checksum is that of `entry` as canonical JSON, so that damage to `meta.json` itself is found too. Its
modification time is when the entry was last used.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from selectlang.digests import file_digest, json_digest
from selectlang.errors import DataError

META = "meta.json"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The errors of a disk, or of what a user or a process may write, that is full."""


@dataclass(frozen=True)
class Entry:
    """What the store knows of an entry: `size` in bytes, times in UTC, `meta` as it was given."""

    key: str
    size: int
    created: datetime
    used: datetime
    meta: dict[str, Any]


class Damage(Exception):
    """An entry that is not as it was written; the message says how."""


@contextmanager
def explained(folder: Path, only: Container[int | None] | None = None) -> Iterator[None]:
    """Turn an OSError into the DataError that says which folder of the store cannot be written.

    `only` leaves alone the errors of other numbers, which may be about other files.
    """
    try:
        yield
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        reason = error.strerror or str(error)  # numpy's has no number when the disk is full
        if error.filename is not None:
            reason += f" ({error.filename})"
        raise DataError(
            f"cannot write to the store, folder {folder}: {reason}; "
            "make room or give permission there, or set SELECTLANG_STORE to another folder"
        ) from error


def seal(folder: Path, key: str, meta: dict[str, Any]) -> None:
    """Write `meta.json` with the size and checksum of every file in `folder`.

    Nothing is forced to the disk: a killed process loses nothing that the system has taken, and what
    a power failure loses is found by its checksum.
    """
    try:
        files, folders = sums(folder)
    except Damage as found:
        raise DataError(
            f"a result cannot be kept in the store: {found}; expected files and folders"
        ) from None
    created = datetime.now(UTC).isoformat()
    entry = {"key": key, "created": created, "files": files, "folders": folders, "meta": meta}
    entry = json.loads(json.dumps(entry))  # the checksum is that of what will be read back
    text = json.dumps({"sha256": json_digest(entry), "entry": entry})
    with open(folder / META, "x", encoding="ascii") as file:
        file.write(text)


def sums(folder: Path) -> tuple[dict[str, list[Any]], list[str]]:
    """The size and checksum of every file in a folder, by its path from there, and the folders in it.

    A Damage where something else is in it, such as a link.
    """
    files, folders = walk(folder)
    return {name: [size, file_digest(folder / name)] for name, size in files.items()}, sorted(folders)


def read(folder: Path, key: str) -> dict[str, Any]:
    """The `entry` part of `meta.json`; a Damage says why it cannot be trusted."""
    if not (folder / META).is_file():
        raise Damage(f"{META} is missing")
    try:
        outer = json.loads((folder / META).read_bytes())
        entry: dict[str, Any] = outer["entry"]
        if outer["sha256"] != json_digest(entry):
            raise Damage(f"{META} does not match its checksum")
        if entry["key"] != key:
            raise Damage(f"it was written under another key, {entry['key']}")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Damage(f"{META} is garbage") from None
    return entry


def describe(folder: Path, key: str) -> Entry:
    """The entry in `folder`; a Damage where its `meta.json` cannot be trusted."""
    entry = read(folder, key)
    size = sum(size for size, _ in entry["files"].values())
    used = datetime.fromtimestamp((folder / META).stat().st_mtime, UTC)
    return Entry(key, size, datetime.fromisoformat(entry["created"]), used, entry["meta"])


def damage(folder: Path, key: str) -> str | None:
    """What is wrong with the entry in `folder`; None when every byte is as it was written.

    A DataError when it may not be read, which is no damage.
    """
    try:
        files, folders = walk(folder)
        entry = read(folder, key)
        files.pop(META)
        _compare("folder", set(entry["folders"]), folders)
        compare(folder, entry["files"], files)
    except Damage as found:
        return str(found)
    except PermissionError as error:
        raise DataError(f"cannot read {error.filename} of the store: {error.strerror}") from None
    except OSError as error:
        return f"it cannot be read: {error}"
    return None


def remove(path: Path) -> None:
    """Delete a folder and what is in it, or a file or link itself; what cannot be deleted stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)  # rmtree deletes links, it does not follow them
    else:
        with suppress(OSError):
            path.unlink()


def compare(folder: Path, expected: dict[str, list[Any]], files: dict[str, int]) -> None:
    """A Damage unless a folder has these files, of these sizes and checksums; `files` has those it has."""
    _compare("file", set(expected), set(files))
    for name, (size, _) in expected.items():
        if files[name] != size:
            raise Damage(f"{name} has {files[name]} bytes, expected {size}")
    for name, (_, sha256) in expected.items():
        if file_digest(folder / name) != sha256:
            raise Damage(f"{name} does not match its checksum")


def _compare(what: str, expected: set[str], found: set[str]) -> None:
    if missing := sorted(expected - found):
        raise Damage(f"{what} {missing[0]} is missing")
    if extra := sorted(found - expected):
        raise Damage(f"{what} {extra[0]} does not belong to it")


def walk(folder: Path) -> tuple[dict[str, int], set[str]]:
    """The sizes of all files and the names of all folders in `folder`, by their paths from it."""
    files: dict[str, int] = {}
    folders: set[str] = set()
    if not stat.S_ISDIR(os.lstat(folder).st_mode):
        raise Damage("it is no folder")
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(folder / below) as found:
            for item in found:
                name = below + item.name
                if item.is_dir(follow_symlinks=False):
                    folders.add(name)
                    waiting.append(name + "/")
                elif item.is_file(follow_symlinks=False):
                    files[name] = item.stat(follow_symlinks=False).st_size
                else:
                    raise Damage(f"{name} is a link or no regular file")
    return files, folders
