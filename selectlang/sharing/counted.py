"""Counting the rows of an output: as many as the record says, each with its rank, and so many different."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selectlang.data.formats import LONGEST, loads
from selectlang.faults import quoted

BATCH = 1 << 16  # rows of a table that are read at a time


class Miscounted(Exception):
    """An output whose rows are not those that the record counts; the message says how."""


def count(path: Path, said: dict[str, Any]) -> None:
    """A Miscounted unless a file has the `rows` that are said, `unique` of them different."""
    hashes = array("q")
    for number, (name, rank) in enumerate(_rows(path), 1):
        if not isinstance(name, str):
            raise Miscounted(f"row {number:,} has no id")
        if rank is not None and rank != number:
            raise Miscounted(f"row {number:,} has the rank {quoted(rank)}")
        hashes.append(hash(name))
    if len(hashes) != said.get("rows"):
        raise Miscounted(f"it has {len(hashes):,} rows, the record says {quoted(said.get('rows'))}")
    import numpy as np

    unique = len(np.unique(np.frombuffer(hashes, np.int64))) if hashes else 0
    if unique != said.get("unique"):
        raise Miscounted(f"{unique:,} rows are different, the record says {quoted(said.get('unique'))}")


def _rows(path: Path) -> Iterator[tuple[Any, Any]]:
    """The id of each row, and its rank in a selection; None in a table."""
    return _of_lines(path) if path.suffix == ".jsonl" else _of_table(path)


def _of_lines(path: Path) -> Iterator[tuple[Any, Any]]:
    with open(path, "rb") as file:
        number = 0
        while line := file.readline(LONGEST + 1):
            number += 1
            try:
                own = loads(line if len(line) <= LONGEST else b"")["selectlang"]
                yield own["id"], own["rank"]
            except (ValueError, KeyError, TypeError, RecursionError):
                raise Miscounted(f"row {number:,} is no row of a selection") from None


def _of_table(path: Path) -> Iterator[tuple[Any, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            chosen = "selectlang" in file.schema_arrow.names
            columns = ["selectlang.id", "selectlang.rank"] if chosen else ["id"]
            for batch in file.iter_batches(BATCH, columns=columns):
                if not chosen:
                    yield from ((name, None) for name in batch.column("id").to_pylist())
                    continue
                own = batch.column("selectlang")
                yield from zip(own.field("id").to_pylist(), own.field("rank").to_pylist(), strict=True)
    except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError):
        raise Miscounted("it is no table with the ids of its rows") from None
