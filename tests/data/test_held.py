"""What is held in memory and read at all: a part of the rows at a time, and of their columns those needed."""

import tracemalloc
from collections.abc import Callable
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import selectlang as sl
from selectlang.data import blocks, chunks, collect, formats, ingest, json_files, output, tables
from selectlang.data.chunks import Chunks
from selectlang.data.dataset import Dataset
from selectlang.data.output import write_rows
from selectlang.engine.shards import by_length

COUNT, LONG = 4000, 4000  # rows, and characters of each: 16 MB
MOST = 6_000_000  # bytes; pyarrow takes 4 MB for any file


@pytest.fixture(scope="module")
def pool():
    rng = Random(0)
    texts = [rng.randbytes(LONG // 2).hex() for _ in range(COUNT)]
    return pa.table({"prompt": texts, "n": [str(i) for i in range(COUNT)]})


@pytest.fixture
def small_parts(monkeypatch):
    """Rows are read and written in parts of 64 KiB or so."""
    for module, name in (
        (blocks, "ROWS"), (chunks, "BLOCK"), (collect, "ROWS"), (ingest, "SAMPLE"), (output, "SPAN"),
        (tables, "BATCH"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 16)
    monkeypatch.setattr(formats, "PIECE", 1 << 16)
    monkeypatch.setattr(json_files, "CHUNK", 1 << 16)


POOLS: list[pa.MemoryPool] = []  # what was allocated in one may outlive its test


def held(act: Callable[[], object]) -> int:
    """The most bytes that Python and Arrow have at a time for something."""
    before, arrow = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    POOLS.append(arrow)
    pa.set_memory_pool(arrow)
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1] + arrow.max_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)


def put(pool: pa.Table, name: str, folder) -> str:
    path = folder / name
    if path.suffix == ".parquet":
        pq.write_table(pool, path, use_dictionary=False, data_page_size=1 << 16)
    elif path.suffix == ".csv":
        lines = [f"{row['prompt']},{row['n']}\n" for row in pool.to_pylist()]
        path.write_text("prompt,n\n" + "".join(lines), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_bytes(formats.dumps(pool.to_pylist()))
    else:
        path.write_bytes(b"".join(formats.dumps(row) + b"\n" for row in pool.to_pylist()))
    return str(path)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet"])
def test_rows_are_read_and_chosen_without_being_held(name, pool, read, small_parts, tmp_path):
    path = put(pool, name, tmp_path)
    read(path)  # imports what it needs
    assert held(lambda: read(path)) < MOST
    data, order = read(path), np.random.default_rng(0).permutation(COUNT)
    written = []
    assert (
        held(lambda: written.append(write_rows(data, order, order * 0.5, {"n": order}, tmp_path / "o")))
        < MOST
    )
    assert written[0].stat().st_size > COUNT * LONG / 2
    if name == "a.parquet":
        assert pq.read_metadata(written[0]).num_row_groups == -(-COUNT // 16)


def test_a_file_of_a_table_is_decoded_once(pool, read, tmp_path, monkeypatch):
    decoded, decode = [], pq.ParquetFile.iter_batches
    monkeypatch.setattr(
        pq.ParquetFile, "iter_batches", lambda self, *a, **k: decoded.append(self) or decode(self, *a, **k)
    )
    paths = [put(pool.slice(0, 5), "a.parquet", tmp_path), put(pool.slice(5, 5), "b.parquet", tmp_path)]
    assert len(read(*paths)) == 10
    assert len(decoded) == 2


NEEDED = {
    "ids": ({"ids": ["id"]}, lambda rows: rows.ids()),
    "draws": ({"ids": ["hash"]}, lambda rows: rows.draws(1).tolist()),
    "lengths": ({"rows": ["length"]}, lambda rows: rows.lengths().tolist()),
    "by length": ({"rows": ["length"]}, lambda rows: by_length(rows).tolist()),
    "groups": ({"rows": ["group"]}, lambda rows: rows.groups()),
    "file": ({"rows": ["file"]}, lambda rows: rows.field("_file")),
    "field": ({"source": ["n"]}, lambda rows: rows.field("n")),
    "texts": ({"rows": ["system", "instruction", "response", "rest"]}, lambda rows: rows.texts()),
}


@pytest.mark.parametrize("positions", [None, [3, 1, 3]])
@pytest.mark.parametrize("what", NEEDED)
def test_only_the_columns_that_are_needed_are_read(what, positions, pool, read, tmp_path, monkeypatch):
    """A data set that has no others gives the same, and no row is taken whole."""
    columns, ask = NEEDED[what]
    data = read(put(pool.slice(0, 9), "a.parquet", tmp_path), group="n")
    kept = {"ids": data._ids, "rows": data._rows, "source": data._source}
    tables = [each._table.select(columns.get(name, [])) for name, each in kept.items()]
    bare, at = Dataset("key", data.info, *map(Chunks, tables)), positions and np.array(positions)
    expected, take = ask(sl.Rows(data, at)), Chunks.take

    def of_columns(self, positions, columns):
        assert columns is not None
        return take(self, positions, columns)

    monkeypatch.setattr(Chunks, "take", of_columns)
    assert ask(sl.Rows(bare, at)) == expected
