"""Identity: what makes a row that row. A given id, or else a hash of its conversation."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from selectlang.data.chunks import BLOCK, Chunks
from selectlang.data.formats import loads
from selectlang.data.tables import records
from selectlang.draws import id_hash, id_hashes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from selectlang.render import Turn


def digest(turns: Sequence[Turn]) -> bytes:
    """Eight bytes that follow from the roles and contents of a conversation alone.

    Lengths stand before contents, so that no two conversations are written alike. A UnicodeEncodeError
    is raised for half of a surrogate pair.
    """
    written = "".join([f"{role}:{len(content)}:{content}" for role, content in turns])
    return hashlib.blake2b(written.encode(), digest_size=8).digest()


def flat(turns: list[Turn]) -> tuple[str | None, str | None, str | None, list[Turn] | None]:
    """A conversation as its system turn, request and response where it begins with them, and the rest."""
    parts: list[str | None] = []
    at = 0
    for role in ("system", "user", "assistant"):
        if at < len(turns) and turns[at][0] == role:
            parts.append(turns[at][1])
            at += 1
        else:
            parts.append(None)
    return parts[0], parts[1], parts[2], turns[at:] or None


def copies(
    keys: NDArray[np.uint64], whole: Callable[[NDArray[np.int64]], NDArray[np.uint64]]
) -> NDArray[np.int64]:
    """Which copy of its conversation each row is, from 1 on, shape (len(keys),).

    `keys` are the digests of the conversations. Copies count in the order of `whole`, a hash of all that
    a row holds, which is asked about rows with copies alone: so a number follows from the rows and not
    from their order. Rows that are equal in all they hold count in the order of their positions.
    """
    import numpy as np

    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(counts[inverse] > 1)
    rows = rows[np.lexsort((whole(rows), keys[rows]))]
    alike = keys[rows]
    found = np.ones(len(keys), np.int64)
    found[rows] = np.arange(1, len(rows) + 1) - np.searchsorted(alike, alike)
    return found


def row_hashes(
    sinks: tuple[Any, Any], is_table: bool, stems: list[str], positions: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """A hash of all that each row holds and of the name of its file, shape (len(positions),).

    `sinks` are where the rows were written to, and the rows as they were found.
    """
    import numpy as np

    if not len(positions):  # to open a file touches each of its batches
        return np.empty(0, np.uint64)
    rows, source = map(Chunks.open, sinks)

    def hashes() -> Iterator[int]:
        blocks = zip(rows.blocks(["file"], positions), source.tables(positions), strict=True)
        for (files,), table in blocks:
            for file, row in zip(files, records(table), strict=True):
                yield _row_hash(stems[file], row if is_table else loads(row["row"]))

    return np.fromiter(hashes(), np.uint64, len(positions))


def _row_hash(stem: str, row: Any) -> int:
    try:
        return id_hash(json.dumps([stem, row], sort_keys=True, default=repr))
    except RecursionError:  # nested too deep to be told from other such rows
        return 0


class Ids:
    """Writes the ids of the rows of a data set, and a hash of each, to an Arrow file."""

    def __init__(self, sink: Any) -> None:
        import pyarrow as pa

        self._file = pa.ipc.new_file(sink, pa.schema([("id", pa.string()), ("hash", pa.uint64())]))
        self._seen = Seen()

    def add(self, ids: list[str], places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take ids that rows give; for each, the place where it was seen before, or -1 and it is written."""
        import numpy as np

        hashes = id_hashes(ids)
        first = self._seen.add(hashes, places)
        self._write([ids[i] for i in np.flatnonzero(first < 0).tolist()], hashes[first < 0])
        return first

    def make(self, digests: bytearray, whole: Callable[[NDArray[np.int64]], NDArray[np.uint64]]) -> None:
        """Make the ids of all rows from their digests: copies have -2, -3 and so on at the end."""
        import numpy as np

        numbers = copies(np.frombuffer(digests, ">u8").astype(np.uint64), whole)
        for start in range(0, len(numbers), BLOCK):
            ids = digests[8 * start : 8 * (start + BLOCK)].hex(" ", 8).split()
            for i in np.flatnonzero(numbers[start : start + BLOCK] > 1).tolist():
                ids[i] += f"-{numbers[start + i]}"
            self._write(ids, id_hashes(ids))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _write(self, ids: list[str], hashes: NDArray[np.uint64]) -> None:
        import pyarrow as pa

        self._file.write(pa.RecordBatch.from_arrays([pa.array(ids, pa.string()), hashes], ["id", "hash"]))


class Seen:
    """The keys of the rows so far, with the place of each: 16 bytes a row, in sorted runs that are merged."""

    def __init__(self) -> None:
        self._runs: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []

    def add(self, keys: NDArray[np.uint64], places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take in the keys of some rows; for each, the place where it was first seen before, or -1."""
        import numpy as np

        first = np.full(len(keys), -1, np.int64)
        for known, where in self._runs:
            at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            hit = known[at] == keys
            first[hit] = where[at[hit]]
        _, index, inverse = np.unique(keys, return_index=True, return_inverse=True)
        earliest = index[inverse]
        again = (first < 0) & (earliest != np.arange(len(keys)))
        first[again] = places[earliest[again]]
        fresh = index[first[index] < 0]
        if len(fresh):
            self._runs.append((keys[fresh], places[fresh]))
            self._merge()
        return first

    def _merge(self) -> None:
        import numpy as np

        while len(self._runs) > 1 and 2 * len(self._runs[-1][0]) > len(self._runs[-2][0]):
            (keys, places), (more, others) = self._runs[-2:]
            keys, places = np.concatenate([keys, more]), np.concatenate([places, others])
            order = np.argsort(keys, kind="stable")
            self._runs[-2:] = [(keys[order], places[order])]
