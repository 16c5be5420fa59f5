"""Fingerprints: what makes two data sets the same, so that neither is read twice."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from selectlang.data.source import DataSpec, files, format_of, stems
from selectlang.digests import file_digest
from selectlang.errors import DataError

READING = 2  # raised whenever the same files would be read as other rows
RECENT = 2.0  # seconds: a file changed this lately could change again within one tick of its clock


def fingerprint(spec: DataSpec, cache: Path) -> str:
    """A SHA-256 over the content of a data set and the settings that decide how it is read.

    Paths play no part, but the names that rows show as `_file` do. The hash of a file is kept in `cache`
    until the file changes.
    """
    if spec.hub is not None:
        from selectlang.data.tables import load_hub

        parts: list[object] = [spec.hub, load_hub(spec)._fingerprint]
    else:
        try:
            paths = files(spec)
            names = zip(stems(spec, paths), paths, strict=True)
            parts = [[name, format_of(path, spec), _hash(path, cache)] for name, path in names]
        except OSError as error:
            raise DataError(f"'{error.filename}' cannot be read: {error.strerror}") from error
    settings = [READING, spec.id, spec.group, dict(spec.columns), spec.header, spec.bad_rows, spec.split]
    return hashlib.sha256(json.dumps([settings, parts], sort_keys=True).encode()).hexdigest()


def _hash(path: Path, cache: Path) -> str:
    """The SHA-256 of a file, out of `cache` where the file is as it was.

    Size and time of modification can be given to another content; inode and time of change cannot.
    """
    facts = path.stat()
    name = os.fsencode(path.resolve())
    state = f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}"
    settled = time.time() - max(facts.st_mtime, facts.st_ctime) > RECENT
    found = None
    try:
        with suppress(OSError):
            cache.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(cache / "files.sqlite", timeout=30, isolation_level=None)) as known:
            known.execute("CREATE TABLE IF NOT EXISTS hashes (path PRIMARY KEY, state, sha256)")
            query = "SELECT sha256 FROM hashes WHERE (path, state) = (?, ?)"
            row = known.execute(query, (name, state)).fetchone()
            if row is not None and settled:
                return str(row[0])
            found = file_digest(path)
            if settled:
                known.execute("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", (name, state, found))
    except sqlite3.Error:  # a cache that cannot be used costs time, never the run
        pass
    return found or file_digest(path)
