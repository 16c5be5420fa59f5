"""Tables: Parquet files and data sets of the Hugging Face hub, read in batches with one schema."""

from __future__ import annotations

import errno
import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.data.formats import Records
from selectlang.data.source import DataSpec, some, zipped
from selectlang.errors import DataError
from selectlang.hub import hub_parts

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
    try:
        name, config, revision = hub_parts(spec.path[0])
    except ValueError as error:
        raise DataError(str(error)) from None
    packaged = getattr(getattr(datasets, "packaged_modules", None), "_PACKAGED_DATASETS_MODULES", ())
    if Path(name).exists() or name in packaged:  # which the library would read, and not the hub
        what = "a format of the library" if name in packaged else "a file or folder here"
        raise DataError(
            f"'hf:{spec.hub}' would be read from this machine, for '{name}' is {what}; expected a data set "
            "of the hub. Files are named without hf:"
        )
    split = spec.split or "train"
    try:
        return datasets.load_dataset(name, config, split=split, revision=revision)
    except Exception as error:  # the library raises errors of many kinds, its own and those of the network
        raise DataError(f"'hf:{spec.hub}' (split {split}) cannot be read: {error}") from error


def unpacked(path: Path, folder: Path) -> Path:
    """A Parquet file itself, or its decompressed copy in `folder`: Parquet is read from its end."""
    if not zipped(path):
        return path
    copy = folder / f"{len(list(folder.iterdir()))}.parquet"
    try:
        with gzip.open(path, "rb") as packed, open(copy, "wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DataError(
            f"{path}: there is no room in {folder.parent} to decompress it; set TMPDIR to another folder"
        ) from error
    return copy


def schema_of(paths: list[tuple[Path, Path]]) -> pa.Schema:
    """The schema that holds all of some Parquet files, each given by its name for people and its place."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole: pa.Schema | None = None
    for name, path in paths:
        try:
            schema = pq.read_schema(path)
            names = schema.names
        except (pa.ArrowException, UnicodeDecodeError, OSError) as error:  # OSError: its footer is broken
            raise DataError(f"{name}: not a Parquet file: {error}") from None
        twice = sorted({column for column in names if names.count(column) > 1})
        if twice:
            raise DataError(f"{name}: a column name stands twice: {some(twice)}")
        try:
            whole = pa.unify_schemas(
                [*([whole] if whole else []), plain(schema)], promote_options="permissive"
            )
        except pa.ArrowException as error:
            raise DataError(f"{name}: its columns do not fit those of the files before it: {error}") from None
    assert whole is not None
    return whole


def plain(schema: pa.Schema) -> pa.Schema:
    """A schema without metadata, and of the types out of which Arrow can take rows, at any depth.

    Dictionaries, whose values may change from batch to batch, give way to their values, and views of
    text to text.
    """
    import pyarrow as pa

    return pa.schema([pa.field(column.name, _plain(column.type)) for column in schema])


def _plain(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return _plain(kind.value_type)
    if types.is_string_view(kind):
        return pa.large_string()
    if types.is_binary_view(kind):
        return pa.large_binary()
    if types.is_struct(kind):
        return pa.struct([pa.field(part.name, _plain(part.type)) for part in kind])
    if types.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
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
        # So few rows at a time take longer to be handed to threads than to be decoded.
        for batch in file.iter_batches(batch_size=BATCH, use_threads=False):
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


def columns(needed: list[str], there: list[str]) -> list[str] | None:
    """The columns that hold the fields needed; all of them where one is lacking, for the message about it."""
    found = []
    for name in needed:
        name = name if name in there else name.split(".")[0]
        if name in there:
            found.append(name)
        elif name != "_file":
            return None
    return list(dict.fromkeys(found))


def records(batch: pa.RecordBatch, names: list[str] | None = None) -> Records:
    """The rows of a batch; times too fine for Python become text."""
    names = batch.schema.names if names is None else names
    return Records({name: values(batch.column(name)) for name in names}, batch.num_rows)


def values(column: Any) -> list[Any]:
    """The values of an Arrow array as Python objects."""
    import pyarrow as pa

    if getattr(column.type, "unit", None) == "ns":  # these would be objects of pandas where it is installed
        column = _coarse(column)
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return [_python(value) for value in column]
    except ValueError:
        return list(column.cast(pa.string()).to_pylist())


def _coarse(column: Any) -> Any:
    """Times in nanoseconds as times in microseconds where that loses nothing, else as text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind):
        coarse = pa.timestamp("us", kind.tz)
    else:
        coarse = pa.duration("us") if pa.types.is_duration(kind) else pa.time64("us")
    try:
        return column.cast(coarse)
    except pa.ArrowInvalid:
        return column.cast(pa.string())


def _python(value: Any) -> Any:
    """An Arrow value as a Python object, in which a text that is not UTF-8 is left as its bytes."""
    import pyarrow as pa

    try:
        return value.as_py()
    except UnicodeDecodeError:
        if hasattr(value, "as_buffer"):
            return value.as_buffer().to_pybytes()
        if isinstance(value, pa.StructScalar):
            return {name: _python(value[name]) for name in value}
        parts = [_python(part) for part in value.values]
        return [tuple(part.values()) for part in parts] if isinstance(value, pa.MapScalar) else parts
