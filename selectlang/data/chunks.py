"""Arrow files, memory-mapped, out of which rows are taken by their positions.

Numbers go to Arrow and come from it by their buffers: its own `array` and `to_numpy` would first import
pandas, where it is installed, which takes a fifth of a short run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from selectlang.data.tables import values

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

BLOCK = 4096  # rows that are fetched together


class Chunks:
    """A table in chunks, out of which rows are taken without joining the chunks."""

    def __init__(self, table: pa.Table) -> None:
        import numpy as np

        self._table = table
        self._batches = table.to_batches()
        self._ends = np.cumsum([batch.num_rows for batch in self._batches])

    @classmethod
    def open(cls, sink: Any) -> Chunks:
        """What was written to a sink: the path of a file, or a buffer in memory."""
        import pyarrow as pa

        source = pa.memory_map(sink) if isinstance(sink, str) else sink.getvalue()
        return cls(pa.ipc.open_file(source).read_all())

    def take(self, positions: NDArray[np.int64], columns: list[str] | None = None) -> pa.Table:
        """Some rows, in the order of `positions`."""
        import numpy as np
        import pyarrow as pa

        table = self._table if columns is None else self._table.select(columns)
        numbers = np.searchsorted(self._ends, positions, "right")
        order = np.argsort(numbers, kind="stable")
        found, firsts = np.unique(numbers[order], return_index=True)
        parts = []
        for number, index in zip(found.tolist(), np.split(positions[order], firsts[1:]), strict=False):
            batch = self._batches[number] if columns is None else self._batches[number].select(columns)
            parts.append(batch.take(_indices(index - (self._ends[number] - batch.num_rows))))
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return pa.Table.from_batches(parts, schema=table.schema).combine_chunks().take(_indices(back))

    def tables(self, positions: NDArray[np.int64], columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Some rows, in blocks; none at all make one empty block."""
        for start in range(0, max(len(positions), 1), BLOCK):
            yield self.take(positions[start : start + BLOCK], columns)

    def blocks(self, columns: list[str], positions: NDArray[np.int64] | None) -> Iterator[list[list[Any]]]:
        """The values of some columns, block by block; of all rows without positions."""
        found = self._batches if positions is None else self.tables(positions, columns)
        for table in found:
            yield [values(table.column(name)) for name in columns]

    def texts(self, name: str, positions: NDArray[np.int64]) -> Iterator[bytes]:
        """A column of text in UTF-8: each text is fetched by itself, so that rows may stand far apart."""
        import numpy as np

        numbers = np.searchsorted(self._ends, positions, "right")
        inside = positions - np.concatenate([[0], self._ends])[numbers]
        opened: dict[int, tuple[memoryview, memoryview]] = {}
        for number, at in zip(numbers.tolist(), inside.tolist(), strict=True):
            if number not in opened:
                column = self._batches[number].column(name)
                _, offsets, content = column.buffers()
                opened[number] = memoryview(offsets).cast("i")[column.offset :], memoryview(content)
            ends, texts = opened[number]
            yield bytes(texts[ends[at] : ends[at + 1]])

    def column(self, name: str, positions: NDArray[np.int64] | None) -> list[Any]:
        """The values of a column."""
        return [value for (block,) in self.blocks([name], positions) for value in block]

    def whole(self, name: str) -> pa.ChunkedArray:
        """A column as Arrow has it."""
        return self._table.column(name)

    def numbers(self, name: str) -> NDArray[Any]:
        """A column of numbers as an array."""
        import numpy as np

        column = self._table.column(name)
        if not column.num_chunks:
            return np.empty(0, column.type.to_pandas_dtype())
        parts = [np.from_dlpack(part) for part in column.chunks]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _indices(positions: NDArray[np.int64]) -> pa.Array:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int64(), len(positions), [None, pa.py_buffer(positions)])
