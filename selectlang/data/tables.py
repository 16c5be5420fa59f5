"""Tables: Parquet files and data sets of the Hugging Face hub, read in batches with one schema."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.data.source import DataSpec, some, zipped
from selectlang.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 1024  # rows of a table in memory at a time: rows can be a megabyte each


def load_hub(spec: DataSpec) -> Any:
    """A `datasets.Dataset` of the hub: `hf:name[:config][@revision]`, by default its split `train`."""
    try:
        import datasets
    except ImportError:
        raise DataError(
            f"'hf:{spec.hub}' is read with the library datasets, which is not installed; "
            'install it with: pip install "selectlang[hf]"'
        ) from None
    name, _, revision = (spec.hub or "").partition("@")
    name, _, config = name.partition(":")
    split = spec.split or "train"
    try:
        return datasets.load_dataset(name, config or None, split=split, revision=revision or None)
    except Exception as error:  # the library raises errors of many kinds, its own and those of the network
        raise DataError(f"'hf:{spec.hub}' (split {split}) cannot be read: {error}") from error


def unpacked(path: Path, folder: Path) -> Path:
    """A Parquet file itself, or its decompressed copy in `folder`: Parquet is read from its end."""
    if not zipped(path):
        return path
    copy = folder / f"{len(list(folder.iterdir()))}.parquet"
    with gzip.open(path, "rb") as packed, open(copy, "wb") as plain:
        shutil.copyfileobj(packed, plain, 1 << 20)
    return copy


def schema_of(paths: list[tuple[Path, Path]]) -> pa.Schema:
    """The schema that holds all of some Parquet files, each given by its name for people and its place."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole: pa.Schema | None = None
    for name, path in paths:
        try:
            schema = pq.read_schema(path)
        except pa.ArrowInvalid as error:
            raise DataError(f"{name}: not a Parquet file: {error}") from None
        twice = [column for column in schema.names if schema.names.count(column) > 1]
        if twice:
            raise DataError(f"{name}: a column name stands twice: {some(sorted(set(twice)))}")
        try:
            whole = pa.unify_schemas(
                [*([whole] if whole else []), plain(schema)], promote_options="permissive"
            )
        except pa.ArrowException as error:
            raise DataError(f"{name}: its columns do not fit those of the files before it: {error}") from None
    assert whole is not None
    return whole


def plain(schema: pa.Schema) -> pa.Schema:
    """A schema without dictionaries, whose values may change from batch to batch, and without metadata."""
    import pyarrow as pa

    return pa.schema([pa.field(column.name, _plain(column.type)) for column in schema])


def _plain(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return _plain(kind.value_type)
    if types.is_struct(kind):
        return pa.struct([pa.field(part.name, _plain(part.type)) for part in kind])
    if types.is_fixed_size_list(kind):
        return pa.list_(_plain(kind.value_type), kind.list_size)
    if types.is_large_list(kind):
        return pa.large_list(_plain(kind.value_type))
    if types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    return kind


def batches(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file in batches of `schema`; columns that it lacks are null."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, memory_map=True) as file:
        for batch in file.iter_batches(batch_size=BATCH):
            yield fit(batch, schema)


def hub_batches(data: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of a data set of the hub, in batches."""
    for table in data.with_format("arrow").iter(batch_size=BATCH):
        for batch in table.combine_chunks().to_batches():
            yield fit(batch, schema)


def fit(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch with the columns and types of `schema`."""
    import pyarrow as pa

    columns = []
    for column in schema:
        index = batch.schema.get_field_index(column.name)
        if index < 0:
            columns.append(pa.nulls(batch.num_rows, column.type))
        else:
            found = batch.column(index)
            columns.append(found if found.type == column.type else found.cast(column.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def to_python(batch: pa.RecordBatch, names: list[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a batch as mappings; times too fine for Python become text."""
    names = batch.schema.names if names is None else names
    columns = [values(batch.column(name)) for name in names]
    if not columns:
        return [{} for _ in range(batch.num_rows)]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def values(column: Any) -> list[Any]:
    """The values of an Arrow array as Python objects."""
    import pyarrow as pa

    try:
        return list(column.to_pylist())
    except ValueError:
        return list(column.cast(pa.string()).to_pylist())
