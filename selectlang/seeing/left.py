"""What was left out, as a table in the terminal, as Arrow, or as a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from selectlang.data.turns import without_surrogates
from selectlang.errors import DataError, UsageError
from selectlang.seeing.dropped import Dropped
from selectlang.seeing.text import cut, numbers, paragraph, table
from selectlang.tables import counted, say

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

BLOCK = 1 << 16  # rows that are made ready together
ENDINGS = (".parquet", ".csv")


def tell(found: Dropped, limit: int) -> None:
    """Print the counts by stage and reason, then the first rows."""
    whole = len(found) + found.held
    end = "left out:" if len(found) else "nothing was left out"
    paragraph(f"{found.output} holds {found.held:,} of the {counted(whole, 'row')} of {found.name}; {end}")
    if not len(found):
        return
    say("")
    counts = [(f"{count:,}", cut(stage, 30), reason) for count, stage, reason in found.counts()[::-1]]
    table(["rows", "stage", "reason"], counts, right=["rows"])
    for note in found.notes:
        paragraph(f"note: {note}")
    first = next(batches(found, limit), None) if limit else None
    if first is None or not first.num_rows:
        return
    more = f"the first {first.num_rows:,}" if first.num_rows < len(found) else "all"
    lines = first["line"].null_count < first.num_rows
    say(f"\n{more}{', those nearest to the line first' if lines else ''}:")
    rows = []
    for row in first.to_pylist():
        score, line = numbers([row["score"], row["line"]])
        known = ("" if row["score"] is None else score, "" if row["line"] is None else line)
        rank = "" if row["rank"] is None else f"{row['rank']:,}"
        reason = row["reason"] if row["group"] is None else f"{cut(row['group'], 16)}: {row['reason']}"
        rows.append((cut(row["id"], 20), cut(row["stage"], 16), rank, *known, reason))
    table(["id", "stage", "rank", "score", "line", "reason"], rows, right=["rank", "score", "line"])


def batches(found: Dropped, size: int = BLOCK) -> Iterator[pa.RecordBatch]:
    """The rows as Arrow: id, stage, reason, group, score, rank, line; null where something is missing."""
    import numpy as np
    import pyarrow as pa

    for start in range(0, max(len(found), 1), size):
        part = slice(start, start + size)
        texts = [
            _named(found.stages, found.stage[part] % len(found.stages)),
            _named(found.reasons, found.reason[part]),
            _named(found.groups, found.group[part]),
        ]
        rank = found.rank[part]
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(found.data.ids(found.at[part]), pa.string()),
                *texts,
                pa.array(found.score[part], pa.float64(), mask=np.isnan(found.score[part])),
                pa.array(rank, pa.int64(), mask=rank == 0),
                pa.array(found.line[part], pa.float64(), mask=np.isnan(found.line[part])),
            ],
            names=["id", "stage", "reason", "group", "score", "rank", "line"],
        )


def _named(names: list[str], codes: NDArray[np.int64]) -> pa.Array:
    """The names of codes, null for -1."""
    import numpy as np
    import pyarrow as pa

    known = pa.array(list(map(without_surrogates, names)), pa.string())
    return known.take(pa.array(np.where(codes < 0, 0, codes), mask=codes < 0))


def arrow(found: Dropped) -> pa.Table:
    """All rows as one table."""
    import pyarrow as pa

    return pa.Table.from_batches(list(batches(found)))


def check(path: Path) -> None:
    """A UsageError, before anything is computed, when rows cannot be written to such a file."""
    if path.suffix not in ENDINGS:
        raise UsageError(f"--out {path}: expected a file that ends in {' or '.join(ENDINGS)}")
    if not path.parent.is_dir():
        raise UsageError(f"--out {path}: there is no folder {path.parent}")
    if path.is_dir():
        raise UsageError(f"--out {path}: this is a folder; name a file")


def write(found: Dropped, path: Path) -> None:
    """Write all rows to a Parquet or CSV file, which appears whole or not at all.

    A DataError names the file when the disk is full or it may not be written.
    """
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(half, "xb") as file:
            _write(found, file, path.suffix)
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
    except OSError as error:
        raise DataError(f"--out {path}: cannot be written: {error.strerror or error}") from error
    finally:
        half.unlink(missing_ok=True)


def _write(found: Dropped, file: object, ending: str) -> None:
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    parts = batches(found)
    first = next(parts)
    maker = csv.CSVWriter if ending == ".csv" else pq.ParquetWriter
    with maker(file, first.schema) as writer:
        writer.write_batch(first)
        for batch in parts:
            writer.write_batch(batch)
