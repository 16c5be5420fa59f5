"""A data set as it is read: memory-mapped, each row reachable by its position."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.data.formats import loads
from selectlang.data.info import DataInfo
from selectlang.data.source import DataSpec, nearest
from selectlang.data.tables import values
from selectlang.data.turns import is_missing, lookup
from selectlang.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from selectlang.render import Turn

BLOCK = 4096  # rows that are fetched together


class Dataset:
    """The rows of one data set. Positions count from 0, in the order of the files.

    `key` is its key in the store, `info` what is known of it. The methods take an int64 array of
    positions, in any order and with repeats, or None for all rows.
    """

    def __init__(self, key: str, info: DataInfo, rows: pa.Table, source: pa.Table) -> None:
        self.key = key
        self.info = info
        self._rows = _Table(rows)
        self._source = _Table(source)

    @classmethod
    def open(cls, folder: Path, key: str) -> Dataset:
        """A data set that `ingest` has written; nothing is read yet."""
        import pyarrow as pa

        from selectlang.data.ingest import INFO, ROWS, SOURCE

        info = DataInfo(**json.loads((folder / INFO).read_text(encoding="utf-8")))
        rows, source = (pa.ipc.open_file(pa.memory_map(str(folder / name))) for name in (ROWS, SOURCE))
        return cls(key, info, rows.read_all(), source.read_all())

    @classmethod
    def from_records(cls, records: Iterable[dict[str, Any]], **spec: Any) -> Dataset:
        """Rows in memory, read as a file of them is. `spec` holds fields of DataSpec, such as columns."""
        import pyarrow as pa

        from selectlang.data.ingest import collect_records

        settings = DataSpec(**{"path": ("records",), **spec})
        sinks = (pa.BufferOutputStream(), pa.BufferOutputStream())
        info = collect_records(settings, records, sinks)
        rows, source = (sink.getvalue() for sink in sinks)
        digest = hashlib.sha256(repr(settings).encode() + source.to_pybytes()).hexdigest()
        return cls(digest, info, pa.ipc.open_file(rows).read_all(), pa.ipc.open_file(source).read_all())

    def __len__(self) -> int:
        return self.info.rows

    def ids(self, positions: NDArray[np.int64] | None = None) -> list[str]:
        """The id of each row."""
        return self._rows.column("id", positions)

    @cached_property
    def _hashes(self) -> NDArray[np.uint64]:
        return self._rows.numbers("hash")

    def hashes(self, positions: NDArray[np.int64] | None = None) -> NDArray[np.uint64]:
        """`draws.id_hash` of each id, shape (number of rows,)."""
        return self._hashes if positions is None else self._hashes[positions]

    @cached_property
    def _lengths(self) -> NDArray[np.int64]:
        return self._rows.numbers("length")

    def lengths(self, positions: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Characters of each conversation, shape (number of rows,)."""
        return self._lengths if positions is None else self._lengths[positions]

    def turns(self, positions: NDArray[np.int64] | None = None) -> list[list[Turn]]:
        """The conversation of each row, as (role, content) pairs."""
        found: list[list[Turn]] = []
        for block in self._rows.blocks(["system", "instruction", "response", "rest"], positions):
            for system, instruction, response, rest in zip(*block, strict=True):
                turns: list[Turn] = []
                if system is not None:
                    turns.append(("system", system))
                if instruction is not None:
                    turns.append(("user", instruction))
                if response is not None:
                    turns.append(("assistant", response))
                if rest is not None:
                    turns += [(turn["role"], turn["content"]) for turn in rest]
                found.append(turns)
        return found

    def groups(self, positions: NDArray[np.int64] | None = None) -> list[str]:
        """The group of each row; a DataError when the data set states none."""
        if not self.info.grouped:
            raise DataError("these rows have no groups; name the field that holds them, as in group: task")
        return self._rows.column("group", positions)

    def field(self, name: str, positions: NDArray[np.int64] | None = None) -> list[Any]:
        """A field of the input for each row, None where a row lacks it; `_file` is the stem of its file.

        Paths reach into a field, as in `other.similarity`. A DataError names the nearest field when no
        row has it.
        """
        if name == "_file":
            return [self.info.stems[index] for index in self._rows.column("file", positions)]
        outer = name if name in self.info.fields else name.split(".")[0]
        if outer not in self.info.fields:
            raise DataError(f"no row has a field '{name}'{nearest(name, [*self.info.fields, '_file'])}")
        if self.is_table:
            found = self._source.column(outer, positions)
            return [_at({outer: value}, name) for value in found]
        return [_at(loads(line), name) for line in self._source.column("row", positions)]

    @property
    def is_table(self) -> bool:
        """Whether the rows come from Parquet files or the hub, and go back to a table."""
        return self.info.format in ("parquet", "hf")

    def source(self, positions: NDArray[np.int64]) -> Iterator[pa.Table]:
        """The rows as they were found, in blocks: the columns of a table, or `row`, their lines of JSON."""
        for start in range(0, max(len(positions), 1), BLOCK):  # none at all make one empty block
            yield self._source.take(positions[start : start + BLOCK])


def _at(record: dict[str, Any], name: str) -> Any:
    try:
        value = lookup(record, name)
    except KeyError:
        return None
    return None if is_missing(value) else value


class _Table:
    """A table in chunks, out of which rows are taken without joining the chunks."""

    def __init__(self, table: pa.Table) -> None:
        import numpy as np

        self._table = table
        self._batches = table.to_batches()
        self._ends = np.cumsum([batch.num_rows for batch in self._batches])

    def take(self, positions: NDArray[np.int64], columns: list[str] | None = None) -> pa.Table:
        """Some rows, in the order of `positions`."""
        import numpy as np
        import pyarrow as pa

        table = self._table if columns is None else self._table.select(columns)
        numbers = np.searchsorted(self._ends, positions, "right")
        order = np.argsort(numbers, kind="stable")
        parts = []
        for number in np.unique(numbers).tolist():
            batch = self._batches[number] if columns is None else self._batches[number].select(columns)
            inside = positions[numbers == number] - (self._ends[number] - batch.num_rows)
            parts.append(batch.take(pa.array(inside)))
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return pa.Table.from_batches(parts, schema=table.schema).combine_chunks().take(pa.array(back))

    def blocks(self, columns: list[str], positions: NDArray[np.int64] | None) -> Iterator[list[list[Any]]]:
        """The values of some columns, block by block."""
        if positions is None:
            for batch in self._batches:
                yield [values(batch.column(name)) for name in columns]
            return
        for start in range(0, len(positions), BLOCK):
            taken = self.take(positions[start : start + BLOCK], columns)
            yield [values(taken.column(name)) for name in columns]

    def column(self, name: str, positions: NDArray[np.int64] | None) -> list[Any]:
        """The values of a column."""
        return [value for (block,) in self.blocks([name], positions) for value in block]

    def numbers(self, name: str) -> NDArray[Any]:
        """A column of numbers as an array."""
        found: NDArray[Any] = self._table.column(name).to_numpy()
        return found
