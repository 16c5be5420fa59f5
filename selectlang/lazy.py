"""Rows of a file that are read as they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from selectlang.errors import DataError
from selectlang.faults import printable, quoted
from selectlang.tables import counted

if TYPE_CHECKING:
    import pyarrow as pa


class LazyRows(Sequence[dict[str, Any]]):
    """The rows of a file: read one by one when they are gone through, and kept once one is asked for."""

    def __init__(self, path: Path, count: int) -> None:
        self.path = path
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self.path.suffix == ".parquet":
            import pyarrow.parquet as pq

            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches():
                    yield from batch.to_pylist()
            return
        with open(self.path, encoding="utf-8") as lines:
            yield from map(json.loads, lines)

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        return list(self)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return self._rows[index]

    def __eq__(self, other: object) -> bool:
        return self._rows == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{counted(len(self), 'row')} of {printable(str(self.path))}"


def as_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as a table with a column for each field that any of them has."""
    import pyarrow as pa

    columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        try:
            columns[name] = pa.array([row.get(name) for row in rows])
        except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
            raise DataError(
                f"field {quoted(name)} makes no column of a table ({error}); rows() gives rows as they are"
            ) from error
    return pa.table(columns)
