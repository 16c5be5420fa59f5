"""A data set as it is read: memory-mapped, each row reachable by its position."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.data.chunks import Chunks
from selectlang.data.formats import loads
from selectlang.data.info import DataInfo
from selectlang.data.source import SECTION, DataSpec, nearest
from selectlang.data.turns import is_missing, lookup
from selectlang.draws import id_hash
from selectlang.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from selectlang.render import Turn


class Dataset:
    """The rows of one data set. Positions count from 0, in the order of the files.

    `key` is its key in the store, `info` what is known of it. The methods take an int64 array of
    positions, in any order and with repeats, or None for all rows.
    """

    def __init__(self, key: str, info: DataInfo, ids: Chunks, rows: Chunks, source: Chunks) -> None:
        self.key = key
        self.info = info
        self._ids = ids
        self._rows = rows
        self._source = source

    @classmethod
    def open(cls, folder: Path, key: str) -> Dataset:
        """A data set that `ingest` has written; nothing is read yet."""
        from selectlang.data.ingest import ARROW, INFO

        info = DataInfo(**json.loads((folder / INFO).read_text(encoding="utf-8")))
        return cls(key, info, *(Chunks.open(str(folder / name)) for name in ARROW))

    @classmethod
    def from_records(cls, records: Iterable[dict[str, Any]], **spec: Any) -> Dataset:
        """Rows in memory, read as a file of them is. `spec` holds fields of DataSpec, such as columns."""
        import pyarrow as pa

        from selectlang.data.ingest import collect_records

        settings = DataSpec(**{"path": ("records",), **spec})
        sinks = (pa.BufferOutputStream(), pa.BufferOutputStream(), pa.BufferOutputStream())
        info = collect_records(settings, records, sinks)
        digest = hashlib.sha256(repr(settings).encode() + sinks[2].getvalue().to_pybytes()).hexdigest()
        return cls(digest, info, *map(Chunks.open, sinks))

    def __len__(self) -> int:
        return self.info.rows

    def ids(self, positions: NDArray[np.int64] | None = None) -> list[str]:
        """The id of each row."""
        if positions is None:
            return self._ids.column("id", None)
        return [identifier.decode() for identifier in self._ids.texts("id", positions)]

    def place(self, identifier: str) -> int | None:
        """The position of the row with this id, if there is one."""
        import numpy as np

        try:
            near = np.flatnonzero(self._hashes == id_hash(identifier))
        except UnicodeEncodeError:  # no id holds half of a surrogate pair
            return None
        ids = zip(near.tolist(), self.ids(near), strict=True)
        return next((at for at, known in ids if known == identifier), None)

    def beginning(self, text: str, most: int) -> list[str]:
        """The ids that begin with a text, in the order of the rows; no more than `most` of them."""
        import numpy as np
        import pyarrow.compute as pc

        try:
            text.encode()
        except UnicodeEncodeError:
            return []
        begins = pc.starts_with(self._ids.whole("id"), text)
        return self.ids(np.flatnonzero(begins.to_numpy())[:most])

    @cached_property
    def _hashes(self) -> NDArray[np.uint64]:
        return self._ids.numbers("hash")

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
            named = f"name the field that holds them, as in group: task, {SECTION}"
            raise DataError(f"these rows have no groups; {named}")
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

    def lines(self, positions: NDArray[np.int64]) -> Iterator[bytes]:
        """The rows as lines of JSON, where they do not come from a table."""
        return self._source.texts("row", positions)

    def source(self, positions: NDArray[np.int64]) -> Iterator[pa.Table]:
        """The rows of a table as they were found, in blocks."""
        return self._source.tables(positions)


def _at(record: dict[str, Any], name: str) -> Any:
    try:
        value = lookup(record, name)
    except KeyError:
        return None
    return None if is_missing(value) else value
