"""Output: chosen rows, in the shape of the input."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.data.dataset import Dataset
from selectlang.data.formats import dumps, loads

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Why = Mapping[str, NDArray[Any]]

KEY = "selectlang"
SPAN = 1 << 16  # rows that are made ready together


def write_rows(
    data: Dataset,
    positions: NDArray[np.int64],
    scores: NDArray[np.floating[Any]],
    why: Why,
    path_stem: Path,
) -> Path:
    """Write rows as they were found, each with one more field `selectlang`; the path that was written.

    Rows of text formats become JSON Lines (`.jsonl`), rows of tables Parquet (`.parquet`). The field holds
    the row's id, its rank from 1 on, its entry of `scores`, and its entry under each name of `why`; a
    missing or infinite number becomes null. A field of this name that a row already has is replaced. The
    file appears whole or not at all.
    """
    import numpy as np

    positions = np.asarray(positions, np.int64)
    for name, values in [("scores", scores), *why.items()]:
        if len(values) != len(positions):
            raise ValueError(f"{name!r} has {len(values)} entries for {len(positions)} rows")
    path = path_stem.with_name(path_stem.name + (".parquet" if data.is_table else ".jsonl"))
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(half, "wb") as file:
            if data.is_table:
                _write_table(file, data, positions, scores, why)
            else:
                file.writelines(_lines(data, positions, scores, why))
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
    return path


def _lines(
    data: Dataset, positions: NDArray[np.int64], scores: NDArray[np.floating[Any]], why: Why
) -> Iterator[bytes]:
    for start in range(0, len(positions), SPAN):
        part = slice(start, start + SPAN)
        ids, numbers = data.ids(positions[part]), _plain(scores[part])
        columns = [_plain(values[part]) for values in why.values()]
        for at, line in enumerate(data.lines(positions[part])):
            reasons = {name: column[at] for name, column in zip(why, columns, strict=True)}
            added = {"id": ids[at], "rank": start + at + 1, "score": numbers[at], "why": reasons}
            yield _with(line, dumps(added))


def _plain(values: NDArray[Any]) -> list[Any]:
    """The values of an array for JSON, which knows neither NaN nor infinities."""
    found: list[Any] = values.tolist()
    return [one if math.isfinite(one) else None for one in found] if values.dtype.kind == "f" else found


def _with(line: bytes, added: bytes) -> bytes:
    """A line of JSON, unchanged but for the field that is added at its end, and a line break."""
    if b'"%s"' % KEY.encode() in line:
        row = loads(line)
        if KEY in row:
            del row[KEY]
            # Half of a surrogate pair cannot be encoded; its backslash form is its JSON form too.
            line = json.dumps(row, ensure_ascii=False).encode(errors="backslashreplace")
    return b'%s, "%s": %s}\n' % (line[:-1].rstrip(), KEY.encode(), added)


def _write_table(
    file: Any, data: Dataset, positions: NDArray[np.int64], scores: NDArray[np.floating[Any]], why: Why
) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {name: _type(values) for name, values in why.items()}
    score = _type(scores)
    writer: pq.ParquetWriter | None = None
    start = 0
    for table in data.source(positions):
        part = slice(start, start + table.num_rows)
        reasons = [pa.array(_plain(values[part]), kinds[name]) for name, values in why.items()]
        none = pa.array(["{}"] * table.num_rows, pa.string())  # Parquet knows no object without fields
        fields = {
            "id": pa.array(data.ids(positions[part]), pa.string()),
            "rank": pa.array(np.arange(part.start, part.stop) + 1),
            "score": pa.array(_plain(scores[part]), score),
            "why": pa.StructArray.from_arrays(reasons, names=list(why)) if why else none,
        }
        if KEY in table.schema.names:
            table = table.drop_columns([KEY])
        table = table.append_column(
            KEY, pa.StructArray.from_arrays(list(fields.values()), names=list(fields))
        )
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
        start = part.stop
    if writer is not None:
        writer.close()


def _type(values: NDArray[Any]) -> pa.DataType:
    """The type of a column of such values; of numbers that are all missing, that of nothing at all."""
    import numpy as np
    import pyarrow as pa

    if values.dtype.kind == "f":
        return pa.float64() if np.isfinite(values).any() else pa.null()
    if values.dtype.kind in "bU":
        return pa.bool_() if values.dtype.kind == "b" else pa.string()
    return pa.uint64() if values.max(initial=0) >= 2**63 else pa.int64()
