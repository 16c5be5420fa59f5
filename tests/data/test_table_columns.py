"""Tables are read column by column, and come out as if they had been read row by row."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.data import tables
from selectlang.data.formats import Records
from selectlang.data.ingest import SAMPLE, ingest
from selectlang.data.source import DataSpec

TEXT = st.sampled_from(["a", "b", "ü", "two words", "", " ", "\n", "\x85"])
COLUMNS = st.sampled_from([
    *[(pa.string(), TEXT)] * 12,
    (pa.string(), TEXT | st.none()), (pa.large_string(), TEXT | st.none()), (pa.string_view(), TEXT),
    (pa.dictionary(pa.int8(), pa.string()), TEXT), (pa.binary(), st.sampled_from([b"a", b"\xff"])),
    (pa.int64(), st.integers(0, 3) | st.none()), (pa.float64(), st.sampled_from([1.5, float("nan")])),
    (pa.null(), st.none()), (pa.struct([("b", pa.string())]), st.just({"b": "c"})),
    (pa.list_(pa.string()), st.just(["d"])),
])  # fmt: skip
ALWAYS, NAMES = {"instruction", "output"}, ("instruction", "input", "output", "system", "task", "key")
SPECS = st.fixed_dictionaries({
    "bad_rows": st.sampled_from(["skip", "skip", "error"]),
    "columns": st.sampled_from([
        {}, {}, {"instruction": "task", "response": "output"}, {"instruction": "task", "system": "system.b"},
    ]),
    "group": st.sampled_from([None, "task", "_file", "system.b"]),
    "id": st.sampled_from([None, None, "key"]),
})  # fmt: skip


@st.composite
def some_tables(draw: st.DrawFn) -> list[pa.Table]:
    """One or two tables of a few rows, most of them of plain text."""
    found = []
    for _ in range(draw(st.integers(1, 2))):
        count = draw(st.integers(1, 9))
        columns = {}
        for name in sorted(draw(st.sets(st.sampled_from(NAMES))) | ALWAYS):
            kind, values = draw(COLUMNS)
            columns[name] = pa.array(draw(st.lists(values, min_size=count, max_size=count)), kind)
        found.append(pa.table(columns))
    return found


def outcome(paths: list[str], spec: dict) -> object:
    """All that ingest writes, or what it says is wrong."""
    with TemporaryDirectory() as folder:
        try:
            ingest(DataSpec(tuple(paths), **spec), Path(folder), lambda rows: None)
        except sl.DataError as error:
            return str(error)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@settings(max_examples=150, deadline=None)
@given(some_tables(), SPECS, st.booleans())
def test_columns_come_out_as_rows_do_to_the_byte(found, spec, beside_text):
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(tables, "BATCH", 4)
        paths = [f"{folder}/{number}.parquet" for number in range(len(found))]
        for path, table in zip(paths, found, strict=True):
            pq.write_table(table, path)
        if beside_text:  # then tables become text
            paths.append(f"{folder}/z.jsonl")
            row = dict.fromkeys(NAMES, "z")
            Path(paths[-1]).write_text(json.dumps(row), encoding="utf-8")
        by_column = outcome(paths, spec)
        made = tables.records
        patch.setattr(tables, "records", lambda batch, names=None: list(made(batch, names)))
        assert by_column == outcome(paths, spec)


@pytest.fixture
def rows_made(monkeypatch):
    """The rows of tables that are made into mappings from here on: a list that grows."""
    made = []
    every, one = Records.__iter__, Records.__getitem__

    def iterate(self):
        for row in every(self):
            made.append(row)
            yield row

    def take(self, at):
        found = one(self, at)
        if isinstance(at, int):
            made.append(found)
        return found

    monkeypatch.setattr(Records, "__iter__", iterate)
    monkeypatch.setattr(Records, "__getitem__", take)
    return made


def texts(count: int) -> dict[str, list[str | None]]:
    parts = {"instruction": 1, "input": 2, "output": 3, "system": 5, "task": 1, "key": 1}
    return {
        name: [f"{name} {i}" if i % part == 0 else "" for i in range(count)] for name, part in parts.items()
    }


def test_plain_texts_are_read_without_a_mapping_for_each_row(tmp_path, read, rows_made):
    count = 3000
    pq.write_table(pa.table(texts(count)), tmp_path / "a.parquet")
    data = read(tmp_path / "a.parquet", group="task", id="key")
    assert len(data) == count
    assert len(rows_made) == SAMPLE  # by which the shape is found
    assert data.turns()[10] == [
        ("system", "system 10"), ("user", "instruction 10\ninput 10"), ("assistant", ""),
    ]  # fmt: skip


def test_a_bad_row_among_plain_texts_is_found_with_few_mappings(tmp_path, read, rows_made):
    columns = texts(3000)
    columns["output"][2000] = None
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(sl.DataError, match="row 2001: 'output' is null"):
        read(tmp_path / "a.parquet")
    rows_made.clear()
    assert len(read(tmp_path / "a.parquet", bad_rows="skip")) == 2999
    assert len(rows_made) < SAMPLE + 2 * tables.BATCH  # a batch is halved until the row is alone
