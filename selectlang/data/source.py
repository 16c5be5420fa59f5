"""Where rows come from: the files of a data set, their formats, and their fingerprint."""

from __future__ import annotations

import glob
import gzip
import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, cast

from selectlang.errors import DataError

READING = 1  # raised whenever the same files would be read as other rows
ENDINGS = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
FORMATS = tuple(dict.fromkeys(ENDINGS.values()))
RECENT = 2.0  # seconds: a file changed this lately could change again within one tick of its clock


@dataclass(frozen=True)
class DataSpec:
    """One entry of `data:`, with its params put in.

    `path` holds files, globs, or one `hf:name[:config][@revision]`. `columns` maps what a row is made
    of (system, instruction, input, response, messages) to the fields that hold it. `header` names the
    columns of a CSV or TSV file whose first line holds no names.
    """

    path: tuple[str, ...]
    format: str | None = None
    id: str | None = None
    group: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    header: tuple[str, ...] | None = None
    bad_rows: str = "error"
    split: str | None = None

    @property
    def hub(self) -> str | None:
        """The name after `hf:`, for a data set of the Hugging Face hub."""
        return self.path[0][3:] if len(self.path) == 1 and self.path[0].startswith("hf:") else None


def files(spec: DataSpec) -> list[Path]:
    """The files of a data set: in the order given, each glob in natural order, none twice.

    A DataError names the nearest file where there is none. A data set of the hub has no files.
    """
    if spec.hub is not None:
        return []
    found: dict[Path, Path] = {}
    for pattern in spec.path:
        for path in _expand(pattern):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _expand(pattern: str) -> list[Path]:
    path = Path(pattern)
    if pattern.startswith("hf:"):
        raise DataError(f"'{pattern}' stands beside other paths; a data set of the hub is a data set alone")
    if path.is_dir():
        raise DataError(f"'{pattern}' is a folder; name its files, as in '{path / '*.jsonl'}'")
    if path.exists():
        return [path]
    if glob.has_magic(pattern):
        matches = [Path(match) for match in glob.glob(pattern, recursive=True)]
        matches = sorted((match for match in matches if match.is_file()), key=_natural)
        if matches:
            return matches
    what = "no file matches" if glob.has_magic(pattern) else "there is no file"
    raise DataError(f"{what} '{pattern}'{_near(path)}")


def _natural(path: Path) -> list[str | int]:
    """A key that puts part_2 before part_10."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", str(path)))]


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return "" if glob.has_magic(str(folder)) else f"; there is no folder '{folder}' either"
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    close = get_close_matches(path.name, names, 1, 0.5)
    if close:
        return f"; the nearest is '{folder / close[0]}'"
    return f"; '{folder}' holds " + (some(names) if names else "no files")


def some(names: list[str], most: int = 12) -> str:
    """Names in a sentence, the first `most` of them, none very long."""
    shown = ", ".join(repr(name if len(name) <= 40 else name[:39] + "…") for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of a message about a name that does not exist: the nearest one, and all."""
    names = list(names)
    close = get_close_matches(name, names, 1, 0.6)
    return (f"; did you mean '{close[0]}'?" if close else ";") + f" there are {some(names)}"


def stem(path: Path) -> str:
    """The name of a file without the endings that say its format: what the field `_file` holds."""
    name = path.name.removesuffix(".gz")
    ending = Path(name).suffix
    return name.removesuffix(ending) if ending.lower() in ENDINGS else name


def format_of(path: Path, spec: DataSpec) -> str:
    """The format of a file: as the spec says, or by its ending."""
    given = spec.format or ENDINGS.get(Path(path.name.removesuffix(".gz")).suffix.lower())
    if given in FORMATS:
        return given
    if given is not None:
        raise DataError(f"there is no format '{given}'; the formats are {', '.join(FORMATS)}")
    raise DataError(
        f"the format of '{path}' cannot be told from its name; say it with format: {' | '.join(FORMATS)}"
        f" (known endings: {' '.join(ENDINGS)}, each also with .gz)"
    )


def zipped(path: Path) -> bool:
    """Whether a file is compressed by gzip: its first bytes say so, whatever its name."""
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


def open_bytes(path: Path) -> BinaryIO:
    """A file to read from, decompressed on the way if need be."""
    return cast(BinaryIO, gzip.open(path, "rb")) if zipped(path) else open(path, "rb")


def fingerprint(spec: DataSpec, cache: Path) -> str:
    """A SHA-256 over the content of a data set and the settings that decide how it is read.

    Paths play no part, but the stems of the files do, since rows show them as `_file`. The hash of a
    file is kept in `cache`, by its real path, size and time of change.
    """
    if spec.hub is not None:
        from selectlang.data.tables import load_hub

        parts: list[object] = [spec.hub, load_hub(spec)._fingerprint]
    else:
        try:
            parts = [[stem(path), format_of(path, spec), _hash(path, cache)] for path in files(spec)]
        except OSError as error:
            raise DataError(f"'{error.filename}' cannot be read: {error.strerror}") from error
    settings = [READING, spec.id, spec.group, dict(spec.columns), spec.header, spec.bad_rows, spec.split]
    return hashlib.sha256(json.dumps([settings, parts], sort_keys=True).encode()).hexdigest()


def _hash(path: Path, cache: Path) -> str:
    facts = path.stat()
    key = (str(path.resolve()), facts.st_size, facts.st_mtime_ns)
    settled = time.time() - facts.st_mtime > RECENT
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(cache / "files.sqlite", timeout=30, isolation_level=None)) as known:
            known.execute(
                "CREATE TABLE IF NOT EXISTS files (path, size, time, sha256, PRIMARY KEY (path, size, time))"
            )
            row = known.execute(
                "SELECT sha256 FROM files WHERE (path, size, time) = (?, ?, ?)", key
            ).fetchone()
            if row is not None and settled:
                return str(row[0])
            found = _sha256(path)
            if settled:
                known.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", (*key, found))
            return found
    except sqlite3.Error:  # a cache that cannot be used costs time, never the run
        return _sha256(path)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
