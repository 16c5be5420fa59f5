"""Collecting rows: each is read, checked, given an id, and written to Arrow files in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from selectlang.data.blocks import field_texts, read_block
from selectlang.data.formats import Bad, Block, Records
from selectlang.data.identity import Ids, row_hashes
from selectlang.data.info import DataInfo
from selectlang.data.shapes import KNOWN, Shape
from selectlang.data.source import SECTION, DataSpec, nearest, some
from selectlang.data.turns import BadRow, without_surrogates
from selectlang.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

Sinks = tuple[Any, Any, Any]
ROWS, CHARACTERS = 4096, 1 << 24  # a batch is written when it has reached either
FIRST = 5  # bad rows that are described when they are skipped
ADVICE = f"Correct the row, or leave such rows out with bad_rows: skip, {SECTION}"


class Collector:
    """Takes rows block by block and writes them to three Arrow files.

    `sinks` are where to: of ids (id, hash), of what methods see (group, conversation, length, file), and
    of the rows as they were found (their line of JSON, or the columns of a table when `schema` is given).
    A conversation of at most a system turn, a request and a response is kept in three flat columns, and
    what goes on after that in `rest`.
    """

    def __init__(
        self, spec: DataSpec, sinks: Sinks, schema: pa.Schema | None, progress: Callable[[int], None]
    ) -> None:
        import pyarrow as pa

        self.spec, self.progress, self.info = spec, progress, DataInfo(grouped=spec.group is not None)
        turn = pa.struct([("role", pa.string()), ("content", pa.string())])
        texts = ["group", "system", "instruction", "response"]
        self._schema = pa.schema(
            [(name, pa.string()) for name in texts]
            + [("rest", pa.list_(turn)), ("length", pa.int64()), ("file", pa.int32())]
        )
        self._sinks, self._is_table = sinks, schema is not None
        self._ids = Ids(sinks[0])
        self._rows = pa.ipc.new_file(sinks[1], self._schema)
        self._source = pa.ipc.new_file(sinks[2], schema or pa.schema([("row", pa.string())]))
        self._digests = bytearray()  # of all rows, eight bytes each
        self._shape: Shape | None = None
        self._fields: dict[str, None] = {}
        self._places: list[Callable[[int], str]] = []
        self._optional: set[str] = set()
        self._clear()

    def _clear(self) -> None:
        self._numbers: list[int] = []
        self._columns: list[list[Any]] = [[] for _ in self._schema.names[:6]]  # from group to length
        self._given: list[str] = []
        self._texts: list[bytes | None] = []
        self._characters = 0

    def begin(self, stem: str, place: Callable[[int], str]) -> None:
        """Go on to another file; `place` says in words where its row of some number stands."""
        self.flush()
        self.info.stems.append(stem)
        self._places.append(place)

    def shaped(self, shape: Shape) -> None:
        """The shape of the rows that follow."""
        self._shape = shape
        self._optional.update(shape.optional)
        if shape.words not in self.info.shape.split("; "):
            self.info.shape += ("; " if self.info.shape else "") + shape.words
        if shape.note and shape.note not in self.info.notes:
            self.info.notes.append(shape.note)

    @property
    def total(self) -> int:
        """Rows met so far, bad ones among them."""
        return self.info.rows + len(self._numbers) + self.info.skipped

    def has_fields(self, names: list[str]) -> None:
        """Fields that rows have."""
        self._fields.update(dict.fromkeys(names))

    def take(self, block: Block) -> None:
        """Take some rows. A block is divided where a batch ends within it, and down to each bad row."""
        left = [block]
        while left:
            block = left.pop()
            if at := self._divide(block):
                left += (block.part(at, len(block.records)), block.part(0, at))

    def _divide(self, block: Block) -> int:
        """Where to divide a block; 0 where there is no need, and it is taken."""
        count, room = len(block.records), ROWS - len(self._numbers)
        is_text = block.lines is not None
        if count == 0 or (is_text and count > room):
            return room if count else 0
        try:
            columns, digests, given = self._read(block.records)
        except BadRow as error:
            if count == 1:
                self.reject(block.numbers[0], str(error))
            return count // 2
        characters = self._characters + sum(columns[-1])
        if is_text and count > 1 and characters >= CHARACTERS:
            return count // 2
        for column, more in zip(self._columns, columns, strict=True):
            column += more
        self._numbers += block.numbers
        self._texts += block.lines or ()
        self._characters = characters
        if given is None:
            self._digests += digests
        else:
            self._given += given
        if is_text and (count == room or characters >= CHARACTERS):
            self.flush()
        return 0

    def _read(self, records: Sequence[Any]) -> tuple[list[Sequence[Any]], bytes, list[str] | None]:
        """The columns group to length of some rows, the digest of each, and the ids they give, if any."""
        if isinstance(records, Records):  # all rows of a table have the same fields
            kinds = {tuple(records.columns): None}
        else:
            kinds = dict.fromkeys([tuple(record) if type(record) is dict else () for record in records])
        if () in kinds or self._shape is None:
            raise BadRow(self._no_row(records[0]))
        if not self._is_table:
            self._fields.update(dict.fromkeys(chain.from_iterable(kinds)))
        columns, digests = read_block(self._shape, records)
        given = None if self.spec.id is None else self._named(self.spec.id, records)
        group = [None] * len(records) if self.spec.group is None else self._named(self.spec.group, records)
        return [group, *columns], digests, given

    def _no_row(self, record: Any) -> str:
        if type(record) is not dict:
            return record if isinstance(record, Bad) else f"not an object of fields, but {str(record)!r:.60}"
        expected = f"; expected {some(list(self._shape.fields))}" if self._shape else f". {KNOWN}"
        return f"the row has no fields{expected}"

    def _named(self, name: str, records: Sequence[dict[str, Any]]) -> list[str]:
        if name == "_file":
            return [without_surrogates(self.info.stems[-1])] * len(records)
        return field_texts(name, records)

    def reject(self, number: int, what: str) -> None:
        """A bad row: an error, or one more that is skipped."""
        message = f"{self._places[-1](number)}: {what}"
        if self.spec.bad_rows != "skip":
            raise DataError(f"{message}. {ADVICE}")
        self.info.skipped += 1
        if len(self.info.skipped_first) < FIRST:
            self.info.skipped_first.append(message)

    def flush(self, batch: pa.RecordBatch | None = None, start: int = 0) -> None:
        """Write the rows taken so far; those of a table stand in `batch`, which begins at row `start`."""
        import numpy as np
        import pyarrow as pa

        if not self._numbers:
            return
        numbers = np.array(self._numbers, np.int64)
        if self.spec.id is None:
            kept = np.arange(len(numbers))
        else:
            first = self._ids.add(self._given, (len(self.info.stems) - 1 << 40) + numbers)
            for i in np.flatnonzero(first >= 0).tolist():
                place = self._places[int(first[i]) >> 40](int(first[i]) & (1 << 40) - 1)
                what = f"the id {self._given[i]!r} is also that of {place}; expected each id once"
                self.reject(self._numbers[i], what)
            kept = np.flatnonzero(first < 0)
        columns, lines = self._columns, self._texts
        if len(kept) < len(numbers):
            columns = [[column[i] for i in kept.tolist()] for column in columns]
            lines = [lines[i] for i in kept.tolist()] if lines else lines
        types = self._schema.types[:6]
        arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
        arrays.append(pa.array(np.full(len(kept), len(self.info.stems) - 1, np.int32)))
        self._rows.write(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        if batch is None:
            batch = pa.RecordBatch.from_arrays([pa.array(lines, pa.string())], ["row"])
        else:
            batch = batch.take(pa.array(numbers[kept] - start))
        self._source.write(batch)
        self.info.rows += len(kept)
        self._clear()
        self.progress(len(kept))

    def finish(self) -> DataInfo:
        """Write what is left, and say what was found; a DataError when no row was."""
        self.flush()
        self._rows.close()
        self._source.close()
        self.info.fields = list(self._fields)
        if not self.info.rows:
            why = "the data is empty"
            if self.info.skipped:
                why = f"all {self.info.skipped} are bad, as {self.info.skipped_first[0]}"
            raise DataError(f"{', '.join(self.spec.path)}: no rows: {why}")
        for name in self._optional:
            if name.split(".")[0] not in self._fields and name not in self._fields:
                raise DataError(f"columns: no row has a field '{name}'{nearest(name, self._fields)}")
        if self.spec.id is None:
            whole = partial(row_hashes, self._sinks[1:], self._is_table, self.info.stems)
            self._ids.make(self._digests, whole)
        self._ids.close()
        return self.info
