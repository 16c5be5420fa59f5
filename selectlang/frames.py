"""Rows in memory as files: what Python gives to a param of type path.

A file is named by a hash of what it holds, in the store: the same rows are the same file, which is read once,
and the record of a run names a file that is there to be run again.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from selectlang.digests import file_digest
from selectlang.errors import DataError, UsageError
from selectlang.store.entry import explained

if TYPE_CHECKING:
    import pyarrow as pa

    from selectlang.store.store import Store

TABLES = Path("cache", "tables")  # in the store
TAKES = "a path, a list of paths, a list of dicts, a pyarrow Table, a pandas DataFrame or a datasets.Dataset"


def as_path(value: Any, store: Store, name: str) -> str | list[Any]:
    """The path of what a param is given, or the paths; rows in memory are written to a file of the store.

    `name` is that of the param, for the errors: a UsageError for what holds no rows, a DataError for rows
    that cannot be written.
    """
    if isinstance(value, str | os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        if value and all(isinstance(each, Mapping) for each in value):
            return _kept(store, ".jsonl", lambda file: _write_lines(file, value, name))
        return [as_path(each, store, name) for each in value]
    table = _arrow(value, name)
    if table is None:
        kind = type(value)
        raise UsageError(f"param {name!r} takes {TAKES}; found {kind.__module__}.{kind.__qualname__}")
    return _kept(store, ".parquet", lambda file: _write_table(file, table))


def forget(store: Store, older_than: timedelta, dry_run: bool = False) -> list[int]:
    """Delete the files of tables that were not given for `older_than`; returns their sizes in bytes."""
    found, limit = [], time.time() - older_than.total_seconds()
    for path in sorted((store.folder / TABLES).glob("*")):
        with suppress(FileNotFoundError):
            about = path.stat()
            if about.st_mtime <= limit:
                if not dry_run:
                    path.unlink()
                found.append(about.st_size)
    return found


def _arrow(value: Any, name: str) -> pa.Table | None:
    """A table of any library as Arrow; None for what is no table."""
    import pyarrow as pa

    library = type(value).__module__.partition(".")[0]
    try:
        if library == "pandas" and hasattr(value, "columns"):
            index = any(level is not None for level in value.index.names)  # one without a name is a count
            return pa.Table.from_pandas(value, preserve_index=index)
        if library == "datasets" and hasattr(value, "with_format"):
            if isinstance(value, dict):
                raise UsageError(f"param {name!r} takes one split; name it, as in data['train']")
            return pa.Table.from_batches(
                [batch for part in value.with_format("arrow").iter(1024) for batch in part.to_batches()]
            )
        if isinstance(value, pa.RecordBatch):
            return pa.Table.from_batches([value])
        if hasattr(value, "__arrow_c_stream__"):
            return pa.table(value)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"param {name!r}: the table cannot be written as Parquet: {error}") from error
    return None


def _write_table(file: IO[bytes], table: pa.Table) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table.replace_schema_metadata(None), file)  # which names the version of a library


def _write_lines(file: IO[bytes], rows: Sequence[Mapping[str, Any]], name: str) -> None:
    for number, row in enumerate(rows, 1):
        try:
            line = json.dumps(row, ensure_ascii=False, allow_nan=False, default=_plain)
        except (TypeError, ValueError, RecursionError) as error:
            raise DataError(f"param {name!r}: row {number} is no JSON: {error}") from error
        file.write(line.encode(errors="backslashreplace") + b"\n")


def _plain(value: Any) -> Any:
    """A number of numpy as one of Python."""
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__qualname__} is no text, number, list or mapping")


def _kept(store: Store, ending: str, write: Callable[[IO[bytes]], None]) -> str:
    """Write a file into the store, whole or not at all; its path."""
    folder = store.scratch / TABLES
    half = folder / f".{secrets.token_hex(8)}"
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with open(half, "xb") as file:
                write(file)
            path: Path = folder / f"{file_digest(half)}{ending}"
            if path.exists():
                os.utime(path)  # the time of its last use
            else:
                os.replace(half, path)
        finally:
            half.unlink(missing_ok=True)
    return str(path)
