"""Some rows of a data set in memory, fit to be sent to where the data set is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from selectlang.data.chunks import Chunks
from selectlang.data.dataset import Dataset
from selectlang.data.info import DataInfo
from selectlang.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from selectlang.render import Turn


class Part(Dataset):
    """The rows of a data set at `at`, sorted positions; they are asked for by their positions in the whole.

    `tables` are their ids, their rows as methods see them, and as they were found.
    """

    def __init__(self, key: str, info: DataInfo, at: NDArray[np.int64], tables: tuple[pa.Table, ...]) -> None:
        super().__init__(key, info, *map(Chunks, tables))
        self._at, self._tables = at, tables

    @classmethod
    def of(cls, data: Dataset, positions: NDArray[np.int64]) -> Part:
        """Copy rows out of a data set; positions come in any order, and may repeat."""
        import numpy as np
        import pyarrow as pa

        at = np.unique(positions)
        # As short tables: texts of more than 2 GB fit into no single array.
        tables = (pa.concat_tables(chunks.tables(at)) for chunks in (data._ids, data._rows, data._source))
        return cls(data.key, data.info, at, tuple(tables))

    def __reduce__(self) -> tuple[type[Part], tuple[Any, ...]]:
        return Part, (self.key, self.info, self._at, self._tables)

    def _inside(self, positions: NDArray[np.int64] | None) -> Any:
        """Where rows stand in this part."""
        import numpy as np

        if positions is None:
            if len(self._at) < len(self):
                raise DataError(f"{len(self._at)} of the {len(self)} rows of a data set are here, not all")
            return None
        inside = np.searchsorted(self._at, positions)
        if not np.array_equal(self._at[np.minimum(inside, len(self._at) - 1)], positions):
            raise DataError("rows were asked for that a method was not given")
        return inside

    def ids(self, positions: NDArray[np.int64] | None = None) -> list[str]:
        return super().ids(self._inside(positions))

    def hashes(self, positions: NDArray[np.int64] | None = None) -> NDArray[np.uint64]:
        return super().hashes(self._inside(positions))

    def lengths(self, positions: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        return super().lengths(self._inside(positions))

    def turns(self, positions: NDArray[np.int64] | None = None) -> list[list[Turn]]:
        return super().turns(self._inside(positions))

    def groups(self, positions: NDArray[np.int64] | None = None) -> list[str]:
        return super().groups(self._inside(positions))

    def field(self, name: str, positions: NDArray[np.int64] | None = None) -> list[Any]:
        return super().field(name, self._inside(positions))

    def lines(self, positions: NDArray[np.int64]) -> Iterator[bytes]:
        return super().lines(self._inside(positions))

    def source(self, positions: NDArray[np.int64]) -> Iterator[pa.Table]:
        return super().source(self._inside(positions))
