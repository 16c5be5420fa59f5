"""Ingest: the files of a data set become three Arrow files and a description, in a folder of the store."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from selectlang.data import tables
from selectlang.data.blocks import blocks
from selectlang.data.collect import Collector, Sinks
from selectlang.data.delimited import read_csv
from selectlang.data.formats import Block, Note, dumps, loads, read_jsonl
from selectlang.data.info import DataInfo
from selectlang.data.json_files import holds_lines, read_json
from selectlang.data.shapes import check_fields, find
from selectlang.data.source import DataSpec, files, format_of, open_bytes, some, stems
from selectlang.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
Progress = Callable[[int], None]
SAMPLE = 100  # rows whose fields decide the shape of a file
ARROW, INFO = ("ids.arrow", "rows.arrow", "source.arrow"), "info.json"


def ingest(spec: DataSpec, folder: Path, progress: Progress) -> None:
    """Read a data set into an empty folder: its ids, its rows as methods see them and as they were found.

    `progress` is called with the number of rows read since its last call. A DataError names the file
    and the line, what was found and what was expected; an OSError comes from writing to the folder alone.
    Memory holds one batch of rows and, of each row, 8 bytes, or 16 where it gives its id (while they are
    sorted, 48).
    """
    ids, rows, source = (str(folder / name) for name in ARROW)
    read = _files if spec.hub is None else _hub
    try:
        info = read(spec, (ids, rows, source), progress)
        (folder / INFO).write_text(json.dumps(asdict(info)), encoding="utf-8")
    except MemoryError:
        raise DataError(f"{', '.join(spec.path)}: out of memory while it was read") from None


def collect_records(spec: DataSpec, records: Iterable[Any], sinks: Sinks) -> DataInfo:
    """Read rows that are already in memory, as the elements of a JSON array are."""
    lines = map(dumps, records)
    collector = Collector(spec, sinks, None, lambda rows: None)
    collector.begin("records", partial(_place, "records", "json"))
    items = ((number, loads(line), line) for number, line in enumerate(lines, 1))
    _text(collector, blocks(items), "records", "json")
    info = collector.finish()
    info.format = "records"
    return info


def _files(spec: DataSpec, sinks: Sinks, progress: Progress) -> DataInfo:
    paths = files(spec)
    formats = {path: format_of(path, spec) for path in paths}
    empty = [path for path in paths if _is_empty(path)]
    full = [path for path in paths if path not in empty]
    names = dict(zip(paths, stems(spec, paths), strict=True))
    with TemporaryDirectory(prefix="selectlang-") as folder:
        real: dict[Path, Path] = {}
        for path in full:
            if formats[path] == "parquet":
                with _reading(path):
                    real[path] = tables.unpacked(path, Path(folder))
        schema = tables.schema_of(list(real.items())) if real and len(real) == len(full) else None
        collector = Collector(spec, sinks, schema, progress)
        for path in full:
            with _reading(path):
                if formats[path] == "json" and holds_lines(path):
                    formats[path] = "jsonl"
            collector.begin(names[path], partial(_place, str(path), formats[path]))
            before = collector.total
            if path in real:
                own = tables.schema_of([(path, real[path])])
                batches = _guarded(path, tables.batches(real[path], schema or own))
                _table(collector, batches, str(path), schema is not None, own.names)
            else:
                rows = _rows(path, formats[path], spec, collector.info.notes.append)
                _text(collector, rows, str(path), formats[path])
            if collector.total == before:
                empty.append(path)
        info = collector.finish()
    info.format = ", ".join(dict.fromkeys(formats[path] for path in full))
    if spec.header and not {"csv", "tsv"} & {*formats.values()}:
        info.notes.append("header does nothing: no file is CSV or TSV")
    if spec.split:
        info.notes.append("split does nothing: the rows are of files, and of no data set of the hub")
    if empty:
        info.notes.append(f"without rows: {some([str(path) for path in empty], 5)}")
    return info


def _is_empty(path: Path) -> bool:
    with _reading(path), open_bytes(path) as file:
        return not file.read(1)


def _hub(spec: DataSpec, sinks: Sinks, progress: Progress) -> DataInfo:
    data = tables.load_hub(spec)
    schema = tables.plain(data.features.arrow_schema)
    collector = Collector(spec, sinks, schema, progress)
    collector.begin(str(spec.hub), partial(_place, f"hf:{spec.hub}", "hf"))
    _table(collector, tables.hub_batches(data, schema), f"hf:{spec.hub}", True, schema.names)
    info = collector.finish()
    info.format = "hf"
    return info


def _place(name: str, form: str, number: int) -> str:
    """Where a row stands, as people look for it; rows, elements and lines count from 1."""
    if form in ("parquet", "hf"):
        return f"{name}, row {number}"
    return f"{name}, element {number}" if form == "json" else f"{name}:{number}"


def _rows(path: Path, form: str, spec: DataSpec, note: Note) -> Iterator[Block]:
    if form == "jsonl":
        return _guarded(path, read_jsonl(path))
    if form == "json":
        return blocks(_guarded(path, read_json(path, note)))
    return blocks(_guarded(path, read_csv(path, note, spec.header, tabs=form == "tsv")))


def _guarded(path: Path, items: Iterator[T]) -> Iterator[T]:
    with _reading(path):
        yield from items


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """A file that cannot be read to its end is an error for people."""
    import pyarrow as pa

    try:
        yield
    except EOFError:
        raise DataError(f"{path}: the file ends too early; its gzip data is cut off") from None
    except MemoryError:  # also Arrow's
        raise DataError(f"{path}: out of memory while it was read; are its rows very long?") from None
    except (zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: cannot be read: its gzip data is damaged ({error})") from error
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _text(collector: Collector, rows: Iterator[Block], name: str, form: str) -> None:
    head: list[Block] = []
    records = list(islice(_sample(rows, head, collector.spec.bad_rows == "skip"), SAMPLE))
    if records:
        hint = (
            "; if the first line holds no names, give them as header: [...]" if form in ("csv", "tsv") else ""
        )
        collector.shaped(find(records, collector.spec.columns, name, hint))
        check_fields(collector.spec, records, name)
    for block in chain(head, rows):
        collector.take(block)
    collector.flush()


def _sample(rows: Iterator[Block], head: list[Block], skip: bool) -> Iterator[dict[str, Any]]:
    """The first rows of a file up to a bad one, or without those to skip; `head` takes the blocks read."""
    for block in rows:
        head.append(block)
        for record in block.records:
            if isinstance(record, dict) and record:
                yield record
            elif not skip:
                return


def _table(
    collector: Collector, batches: Iterator[pa.RecordBatch], name: str, as_table: bool, own: list[str]
) -> None:
    """Collect a table: as it is, or as lines of JSON where other files of the data set are text.

    `own` are its columns; a batch has those of the other tables too, and its shape is none of theirs.
    """
    spec, start = collector.spec, 1
    names: list[str] | None = None
    for batch in batches:
        if start == 1 and batch.num_rows:
            records = list(tables.records(batch.slice(0, SAMPLE), own))
            shape = find(records, spec.columns, name)
            check_fields(spec, records, name)
            collector.shaped(shape)
            collector.has_fields(batch.schema.names)
            if as_table:
                needed = [*shape.fields, *(field for field in (spec.id, spec.group) if field)]
                names = tables.columns(needed, batch.schema.names)
        found = tables.records(batch, names)
        lines = None if as_table else list(map(dumps, found))
        collector.take(Block(range(start, start + batch.num_rows), found, lines))
        collector.flush(batch if as_table else None, start)
        start += batch.num_rows
