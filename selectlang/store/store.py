"""The store: results by the key of what they were made from.

    <store>/format                  the version of this layout
    <store>/entries/ab/abcdef.../   one result, its files and meta.json
    <store>/tmp/                    results being written, and entries being deleted
    <store>/logs/  <store>/cache/   for the engine
    <store>/lock                    shared by runs, exclusive for a prune
    <store>/repair                  exclusive while a damaged entry is taken out

An entry is written in tmp/ and renamed into place, so it is there whole or not at all; it is deleted
the other way round. Every entry is checked against its checksums before it is first used.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from selectlang.digests import json_digest
from selectlang.errors import DataError, UsageError
from selectlang.store.entry import (
    FULL,
    META,
    Damage,
    Entry,
    damage,
    describe,
    explained,
    read,
    remove,
    seal,
)
from selectlang.store.layout import inspect, keys, make, slot
from selectlang.store.lock import RunLock, alone

FOLDER = ".selectlang"
"""Where a store lies unless $SELECTLANG_STORE says otherwise."""
_TAKEN = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}


class Store:
    """Results on disk, safe for several processes at once.

    `folder` is made when first written to. A UsageError where it is a file, belongs to something else,
    or was made by a newer selectlang. `on_corrupt(key, reason)` is called for each damaged entry found.
    Looking into one that is `foreign` changes nothing in it.
    """

    def __init__(self, folder: Path, foreign: bool = False) -> None:
        self.folder = Path(os.path.abspath(folder))
        self.foreign = foreign
        self.on_corrupt: Callable[[str, str], None] = lambda key, reason: None
        self._verified: set[str] = set()
        self._made = False
        self._lock = RunLock(self.folder / "lock")
        inspect(self.folder)

    @classmethod
    def default(cls) -> Store:
        """The store that $SELECTLANG_STORE names, or `.selectlang` in the working directory."""
        folder = os.path.expanduser(os.environ.get("SELECTLANG_STORE") or FOLDER)
        if folder.startswith("~"):
            raise UsageError(f"the store {folder}: no such home; set SELECTLANG_STORE to another folder")
        return cls(Path(folder))

    @property
    def scratch(self) -> Path:
        """The folder of the store, made if need be: `logs/` and `cache/` in it are free to write to."""
        self._make()
        return self.folder

    def has(self, key: str) -> bool:
        """Whether there is an entry, unchecked: `path` may still find it damaged."""
        return (self._slot(key) / META).is_file()

    def path(self, key: str) -> Path | None:
        """The folder of an entry of which every byte is as it was written; None when there is none.

        The entry is checked once in the life of this object. A damaged one is reported and deleted. Hold
        `in_use` for as long as the folder is read.
        """
        place = self._slot(key)
        if key in self._verified and self.has(key):
            return place
        self._verified.discard(key)
        if not os.path.lexists(place):
            return None
        if reason := damage(place, key):
            if not self.foreign:
                self._take_out(key)
            self.on_corrupt(key, reason)
            return None
        self._verified.add(key)
        with suppress(OSError):  # a store may be read-only
            if not self.foreign:
                os.utime(place / META)  # used now, which keeps it from a prune by age
        return place

    def meta(self, key: str) -> dict[str, Any] | None:
        """What `writing` was given about the entry; None when there is no entry or it is damaged."""
        try:
            meta: dict[str, Any] = read(self._slot(key), key)["meta"]
        except (Damage, OSError):
            return None
        return meta

    def content(self, key: str) -> str:
        """A hash of all that an entry holds, whenever it was made; empty when there is none."""
        try:
            return json_digest(read(self._slot(key), key)["files"])
        except (Damage, OSError):
            return ""

    @contextmanager
    def writing(self, key: str, meta: dict[str, Any], replace: bool = False) -> Iterator[Path]:
        """An empty folder that becomes the entry when the block ends, and nothing if it raises.

        `meta` is kept as JSON. If there is an entry, that one stays, unless `replace`. A
        DataError names the folder when the disk is full or may not be written.
        """
        place = self._slot(key)
        with self.in_use():
            folder = self._aside(key)
            try:
                with explained(folder):
                    folder.mkdir()
                with explained(folder, FULL):
                    yield folder
                with explained(place):
                    seal(folder, key, meta)
                    place.parent.mkdir(exist_ok=True)
                    if replace:
                        self.discard(key)
                    self._publish(folder, place, key)
            finally:
                remove(folder)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep entries from being pruned; a run holds it from its start to its end.

        Nobody writes without holding it. So whoever takes it first deletes all of tmp/: it was left by
        processes that were killed.
        """
        self._make()
        with self._lock.shared(first=self._clean):
            yield

    def keys(self) -> Iterator[str]:
        """The key of every entry, in order."""
        return keys(self.folder)

    def entries(self) -> Iterator[Entry]:
        """Every entry whose `meta.json` can be read; `verify` finds the others."""
        for key in self.keys():
            with suppress(Damage, OSError):
                yield describe(self._slot(key), key)

    def verify(self, repair: bool = False) -> list[tuple[str, str]]:
        """Check every byte of every entry: the key and the damage of each damaged one.

        `repair` deletes them, so that the next run makes them again.
        """
        found = []
        for key in self.keys():
            place = self._slot(key)
            if (reason := damage(place, key)) and os.path.lexists(place):
                found.append((key, reason))
                if repair and not self._take_out(key) and os.path.lexists(place) and damage(place, key):
                    raise DataError(f"cannot delete the damaged entry {place}: check its permissions")
        return found

    def prune(self, older_than: timedelta = timedelta(), dry_run: bool = False) -> list[Entry]:
        """Delete the entries that were not used for `older_than`, by default all.

        Returns them; `dry_run` deletes nothing. A UsageError while a run uses the store.
        """
        if dry_run or not self.folder.is_dir():
            return self._unused(older_than)
        self._make()
        with ExitStack() as stack:
            try:
                stack.enter_context(alone(self.folder / "lock", wait=False))
            except BlockingIOError:
                raise UsageError(
                    f"a run is using the store {self.folder}; prune it when the run has ended"
                ) from None
            except OSError as error:
                raise UsageError(
                    f"cannot lock the store {self.folder} for a prune: {error.strerror}"
                ) from None
            self._clean()
            unused = self._unused(older_than)
            for entry in unused:
                with explained(self._slot(entry.key)):
                    self._delete(entry.key)
            return unused

    def discard(self, key: str) -> None:
        """Delete an entry that is needed no more; nothing happens when it is not there."""
        with suppress(OSError):
            self._delete(key)

    def _unused(self, older_than: timedelta) -> list[Entry]:
        limit = datetime.now(UTC) - older_than
        return [entry for entry in self.entries() if entry.used <= limit]

    def _slot(self, key: str) -> Path:
        """Where the entry stands or would stand."""
        return slot(self.folder, key)

    def _aside(self, key: str) -> Path:
        """A new name in tmp/."""
        return self.folder / "tmp" / f"{key[:16]}-{secrets.token_hex(8)}"

    def _publish(self, folder: Path, place: Path, key: str) -> None:
        for _ in range(3):
            try:
                os.rename(folder, place)
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise
                if self.path(key) is not None:
                    return  # another run was first, and a key stands for one result
            else:
                self._verified.add(key)
                return
        raise DataError(f"cannot replace the damaged entry {place}: delete it, or check its permissions")

    def _take_out(self, key: str) -> bool:
        """Delete a damaged entry; whether it was this process that did.

        It is checked again under a lock, lest the whole entry is deleted that another process has put
        in its place meanwhile.
        """
        place = self._slot(key)
        with ExitStack() as stack:
            with suppress(OSError):  # a file system without locks
                stack.enter_context(alone(self.folder / "repair", wait=True))
            if not os.path.lexists(place) or damage(place, key) is None:
                return False
            try:
                self._delete(key)
            except OSError:  # a read-only store: the entry stays, and is still not used
                return False
        return True

    def _delete(self, key: str) -> None:
        self._verified.discard(key)
        aside = self._aside(key)
        os.rename(self._slot(key), aside)
        remove(aside)

    def _clean(self) -> None:
        with suppress(OSError):
            for left in (self.folder / "tmp").iterdir():
                remove(left)

    def _make(self) -> None:
        if not self._made:
            make(self.folder)
            self._made = True
