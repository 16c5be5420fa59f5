"""Output: chosen rows, in the shape of the input."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.data.dataset import Dataset
from selectlang.data.formats import dumps, loads

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

KEY = "selectlang"


def write_rows(
    data: Dataset,
    positions: NDArray[np.int64],
    extra: Mapping[str, Sequence[Any] | NDArray[Any]],
    path_stem: Path,
) -> Path:
    """Write rows as they were found, each with one more field `selectlang`; the path that was written.

    Rows of text formats become JSON Lines (`.jsonl`), rows of tables Parquet (`.parquet`). `extra` has,
    under each name such as id, rank, score or why, one entry for each position; a missing number becomes
    null. A field `selectlang` that a row already has is replaced. The file appears whole or not at all.
    """
    import numpy as np

    positions = np.asarray(positions, np.int64)
    columns = {name: _plain(values) for name, values in extra.items()}
    if not columns:
        raise ValueError("extra is empty; give at least the ids")
    for name, values in columns.items():
        if len(values) != len(positions):
            raise ValueError(f"extra {name!r} has {len(values)} entries for {len(positions)} rows")
    path = path_stem.with_name(path_stem.name + (".parquet" if data.is_table else ".jsonl"))
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(half, "wb") as file:
            if data.is_table:
                _write_table(file, data, positions, columns)
            else:
                file.writelines(_lines(data, positions, columns))
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
    return path


def _plain(values: Sequence[Any] | NDArray[Any]) -> list[Any]:
    import numpy as np

    found = values.tolist() if isinstance(values, np.ndarray) else list(values)
    return [None if isinstance(value, float) and value != value else value for value in found]


def _lines(data: Dataset, positions: NDArray[np.int64], columns: dict[str, list[Any]]) -> Iterator[bytes]:
    added = (dumps(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True))
    for table in data.source(positions):
        for line in table.column("row").to_pylist():
            yield _with(line, next(added)) + b"\n"


def _with(line: str, added: bytes) -> bytes:
    """A line of JSON, unchanged but for the field that is added at its end."""
    if f'"{KEY}"' in line:
        row = loads(line)
        if KEY in row:
            del row[KEY]
            line = json.dumps(row, ensure_ascii=False)
    # Half of a surrogate pair cannot be encoded; its backslash form is its JSON form too.
    start = line[:-1].rstrip().encode(errors="backslashreplace")
    return b'%s, "%s": %s}' % (start, KEY.encode(), added)


def _write_table(
    file: Any, data: Dataset, positions: NDArray[np.int64], columns: dict[str, list[Any]]
) -> None:
    import pyarrow.parquet as pq

    added = _struct(columns)
    writer: pq.ParquetWriter | None = None
    written = 0
    for table in data.source(positions):
        if KEY in table.schema.names:
            table = table.drop_columns([KEY])
        table = table.append_column(KEY, added.slice(written, table.num_rows))
        written += table.num_rows
        if writer is None:
            writer = pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _struct(columns: dict[str, list[Any]]) -> pa.Array:
    import pyarrow as pa

    arrays = [_array(values) for values in columns.values()]
    return pa.StructArray.from_arrays(arrays, names=list(columns))


def _array(values: list[Any]) -> pa.Array:
    """An Arrow array; text of JSON where the values have no common type, or are objects without fields."""
    import pyarrow as pa

    if not any(isinstance(value, dict) for value in values) or any(values):
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            pass
    return pa.array([None if value is None else dumps(value).decode() for value in values], pa.string())
