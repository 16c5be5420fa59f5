"""Parquet and the hub: types that text does not have, several files, and their errors."""

import datetime
import decimal
import gzip
import sys
import types
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.data import tables
from selectlang.data.dataset import Dataset
from selectlang.data.fingerprint import fingerprint
from selectlang.data.output import write_rows
from selectlang.data.source import DataSpec

CHAT = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]


def table(**more):
    return pa.table({"prompt": ["a", "b", "c"], "completion": ["x", "", "z"], **more})


def written(path, *parts, **options):
    pq.write_table(parts[0], path, **options)
    return path


def test_nested_conversations(tmp_path, read):
    chats = [CHAT, CHAT[:1], [*CHAT, {"role": "user", "content": "why?"}]]
    data = read(written(tmp_path / "a.parquet", pa.table({"messages": chats})))
    assert data.turns() == [[(turn["role"], turn["content"]) for turn in chat] for chat in chats]
    assert data.ids() == Dataset.from_records([{"messages": chat} for chat in chats]).ids()


def test_types_that_text_does_not_have(tmp_path, read):
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5)
    columns = {
        "when": pa.array([moment, None, moment], pa.timestamp("us")),
        "fine": pa.array([1, 2_000, None], pa.timestamp("ns")),
        "coarse": pa.array([3_000, None, 5_000], pa.timestamp("ns")),
        "lasted": pa.array([1, None, 5_000], pa.duration("ns")),
        "price": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("2.00")]),
        "kind": pa.array(["p", "q", "p"]).dictionary_encode(),
        "kinds": pa.array([["p"], [], None], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
        "big": pa.array(["x", "y", None], pa.large_string()),
        "raw": pa.array([b"\xff", b"", None], pa.binary()),
        "tags": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int64())),
        "n": pa.array([1.0, float("nan"), None]),
    }
    path = tmp_path / "a.parquet"
    pq.write_table(table(**columns), path, row_group_size=2)
    data = read(path, group="kind")
    assert data.groups() == ["p", "q", "p"]
    assert data.field("when") == [moment, None, moment]
    assert data.field("fine", np.array([0]))[0].startswith("1970-01-01 00:00:00.000000001")
    assert [type(moment) for moment in data.field("coarse")] == [
        datetime.datetime,
        type(None),
        datetime.datetime,
    ]
    assert data.field("lasted")[0] == "1"
    assert data.field("price")[0] == decimal.Decimal("1.50")
    assert data.field("kinds") == [["p"], [], None]
    assert data.field("raw") == [b"\xff", b"", None]
    assert data.field("n") == [1.0, None, None]
    (part,) = data.source(np.array([2, 0]))
    assert part.schema.field("when").type == pa.timestamp("us")
    assert part.column("big").to_pylist() == [None, "x"]


def test_dictionaries_that_differ_between_files(tmp_path, read):
    for name, values in ("a", ["x", "y", "x"]), ("b", ["z", "x", "z"]):
        written(tmp_path / f"{name}.parquet", table(kind=pa.array(values).dictionary_encode()))
    assert read(tmp_path / "*.parquet").field("kind") == ["x", "y", "x", "z", "x", "z"]


def test_files_of_several_schemas(tmp_path, read):
    a = written(tmp_path / "a.parquet", table(n=pa.array([1, 2, 3], pa.int32())))
    b = written(tmp_path / "b.parquet", table(n=pa.array([4, 5, 6], pa.int64()), extra=["e", "f", "g"]))
    data = read(a, b)
    assert data.field("n") == [1, 2, 3, 4, 5, 6]
    assert data.field("extra") == [None, None, None, "e", "f", "g"]
    c = written(tmp_path / "c.parquet", table(n=["text", "", ""]))
    with pytest.raises(sl.DataError, match=r"c\.parquet: its columns do not fit those of the files before"):
        read(a, c)


def test_files_of_several_shapes(tmp_path, read):
    """A file is of the shape of its own columns, though the table of all files has those of the others."""
    rows = {
        "a": {"instruction": ["a"], "output": ["x"], "task": ["s"]},
        "b": {"question": ["b"], "answer": [5], "task": ["t"]},
        "c": {"messages": [[{"role": "user", "content": "c"}]], "task": ["u"]},
    }
    paths = [written(tmp_path / f"{name}.parquet", pa.table(columns)) for name, columns in rows.items()]
    data = read(*paths, group="task")
    assert [turns[0] for turns in data.turns()] == [("user", "a"), ("user", "b"), ("user", "c")]
    assert data.turns()[1][1] == ("assistant", "5")
    assert (data.groups(), data.is_table) == (["s", "t", "u"], True)
    bare = written(tmp_path / "bare.parquet", pa.table({"question": ["d"], "answer": [5]}))
    with pytest.raises(sl.DataError, match=r"bare\.parquet: group: the rows have no field 'task'"):
        read(paths[0], bare, group="task")


def invalid(*values):
    """An array of text, each of whose values is the bytes given."""
    ends = np.cumsum([0, *map(len, values)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def test_text_that_is_not_utf8(tmp_path, read):
    broken = invalid(b"a", b"\xff", b"\xc3\xa9")
    path = written(tmp_path / "a.parquet", pa.table({"prompt": broken, "n": [1, 2, 3]}))
    with pytest.raises(sl.DataError, match=r"a\.parquet, row 2: 'prompt' holds bytes that are not UTF-8"):
        read(path)
    data = read(path, bad_rows="skip")
    assert [turns[0][1] for turns in data.turns()] == ["a", "é"]
    assert data.field("n") == [1, 3]


def test_text_that_is_not_utf8_in_a_conversation(tmp_path, read):
    turns = pa.StructArray.from_arrays(
        [invalid(b"user", b"user"), invalid(b"\xff", b"b")], ["role", "content"]
    )
    chats = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), turns)
    path = written(tmp_path / "a.parquet", pa.table({"messages": chats}))
    with pytest.raises(sl.DataError, match=r"row 1: the content of turn 1 of 'messages' holds bytes"):
        read(path)
    assert read(path, bad_rows="skip").turns() == [[("user", "b")]]


def test_text_that_is_not_utf8_in_a_field_that_is_not_needed(tmp_path, read):
    odd = invalid(b"a", b"\xff", b"c")
    tags = pa.MapArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), odd, pa.array([1, 2, 3]))
    path = written(tmp_path / "a.parquet", table(odd=odd, tags=tags))
    data = read(path)
    assert data.field("odd") == ["a", b"\xff", "c"]
    assert data.field("tags") == [[("a", 1)], [(b"\xff", 2)], [("c", 3)]]
    assert write_rows(data, np.array([1]), np.array([1.0]), {}, tmp_path / "out").exists()


TEXTS = ["a", "b", None]
KINDS = [
    (pa.string_view(), TEXTS),
    (pa.large_string(), TEXTS),
    (pa.dictionary(pa.int8(), pa.large_string()), TEXTS),
    (pa.binary_view(), [b"a", b"\xff", None]),
    (pa.list_(pa.string_view()), [["a", None], [], None]),
    (pa.list_view(pa.string()), [["a", None], [], None]),
    (pa.large_list(pa.string_view()), [["a", None], [], None]),
    (pa.large_list_view(pa.string_view()), [["a", None], [], None]),
    (pa.list_(pa.string_view(), 1), [["a"], [None], None]),
    (pa.struct([("x", pa.list_(pa.string_view()))]), [{"x": ["a"]}, {"x": None}, None]),
    (pa.map_(pa.string(), pa.string_view()), [[("k", "v")], [], None]),
    (pa.map_(pa.string(), pa.dictionary(pa.int8(), pa.string())), [[("k", "v")], [], None]),
    (pa.null(), [None, None, None]),
    (pa.float16(), [1.0, None, 0.5]),
    (pa.duration("ns"), [1, None, 2_000]),
    (pa.time64("ns"), [1, None, 2_000]),
]


@pytest.mark.parametrize("kind, column", KINDS, ids=str)
def test_columns_of_any_type(kind, column, tmp_path, read):
    values = pa.array(column, kind)
    data = read(written(tmp_path / "a.parquet", table(x=values), row_group_size=2))
    expected = tables.values(values)
    assert data.field("x") == expected
    assert data.field("x", np.array([2, 0, 2])) == [expected[i] for i in (2, 0, 2)]
    path = write_rows(data, np.array([1, 0]), np.array([1.0, 0.5]), {}, tmp_path / "out")
    assert tables.values(pq.read_table(path)["x"]) == [expected[1], expected[0]]


def test_requests_that_are_views_of_text(tmp_path, read):
    columns = {name: pa.array(["a", "b"], pa.string_view()) for name in ("prompt", "completion", "task")}
    data = read(written(tmp_path / "a.parquet", pa.table(columns)), group="task", id="task")
    assert data.turns()[1] == [("user", "b"), ("assistant", "b")]
    assert data.groups() == data.ids() == ["a", "b"]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_conversations_of_any_kind_of_text(kind, tmp_path, read):
    turn = pa.struct([("role", kind), ("content", kind)])
    both = pa.array([CHAT, [CHAT[0], {"role": "assistant", "content": None}], []], pa.list_(turn))
    path = written(tmp_path / "a.parquet", pa.table({"messages": both, "system": pa.array(TEXTS, kind)}))
    with pytest.raises(sl.DataError, match=r"row 2: the content of turn 2 of 'messages' is null"):
        read(path)
    data = read(path, bad_rows="skip")
    assert data.turns() == [[("system", "a"), *((turn["role"], turn["content"]) for turn in CHAT)]]
    assert "row 3: 'messages' is empty; expected at least one turn" in data.info.skipped_first[1]


def test_a_table_of_rows_without_columns(tmp_path, read):
    path = written(tmp_path / "a.parquet", pa.table({"x": [1, 2]}).select([]))
    with pytest.raises(sl.DataError, match=r"a\.parquet"):
        read(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spots=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_file_is_read_or_refused(spots, tmp_path, read):
    content = bytearray(written(tmp_path / "a.parquet", table(n=[1, 2, 3]), compression="none").read_bytes())
    for at, value in spots:
        content[at % len(content)] = value
    (tmp_path / "b.parquet").write_bytes(content)
    with suppress(sl.DataError):
        data = read(tmp_path / "b.parquet", bad_rows="skip")
        data.turns(), [data.field(name) for name in data.info.fields]


def test_no_room_to_decompress(tmp_path):
    (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(b"PAR1" * 100_000))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "1.parquet").symlink_to("/dev/full")
    with pytest.raises(sl.DataError, match=r"a\.parquet\.gz: there is no room in .* set TMPDIR"):
        tables.unpacked(tmp_path / "a.parquet.gz", folder)


def test_bad_rows_name_their_row(tmp_path, read):
    path = written(
        tmp_path / "a.parquet", pa.table({"prompt": ["a", None, "c"], "completion": ["x", "y", None]})
    )
    with pytest.raises(sl.DataError, match=r"a\.parquet, row 2: 'prompt' is null, expected text"):
        read(path)
    data = read(path, bad_rows="skip")
    assert (len(data), data.info.skipped, data.field("completion")) == (1, 2, ["x"])


def test_many_batches(tmp_path, read, monkeypatch):
    monkeypatch.setattr(tables, "BATCH", 7)
    rows = [{"prompt": f"p{i}", "completion": f"c{i}", "n": i, "id": str(i % 40)} for i in range(50)]
    path = written(tmp_path / "a.parquet", pa.Table.from_pylist(rows), row_group_size=20)
    assert read(path).field("n") == list(range(50))
    data = read(path, id="id", bad_rows="skip")
    assert (data.field("n"), data.info.skipped) == (list(range(40)), 10)
    assert "row 41: the id '0' is also that of" in data.info.skipped_first[0]
    assert data.info.skipped_first[0].endswith("row 1; expected each id once")


def test_fields_are_those_of_the_schema(tmp_path, read):
    path = written(tmp_path / "a.parquet", table(task=["t", "t", "u"]))
    assert read(path).info.fields == ["prompt", "completion", "task"]
    with pytest.raises(sl.DataError, match="did you mean 'task'"):
        read(path, group="taks")
    with pytest.raises(sl.DataError, match="did you mean 'task'"):
        read(path).field("taks")


def test_files_that_are_no_parquet(tmp_path, read):
    (tmp_path / "a.parquet").write_bytes(b"hello, this is text")
    (tmp_path / "b.parquet.gz").write_bytes(gzip.compress(b"hello, this is text"))
    for name in ("a.parquet", "b.parquet.gz"):
        with pytest.raises(sl.DataError, match=f"{name}: not a Parquet file"):
            read(tmp_path / name)


def test_a_column_name_that_stands_twice(tmp_path, read):
    twice = pa.Table.from_arrays([pa.array(["a"])] * 2, names=["prompt", "prompt"])
    with pytest.raises(sl.DataError, match="a column name stands twice: 'prompt'"):
        read(written(tmp_path / "a.parquet", twice))


def test_tables_beside_text_become_text(tmp_path, read, write):
    a = written(tmp_path / "a.parquet", table(when=[datetime.date(2024, 1, 2)] * 3))
    data = read(a, write("b.jsonl", [{"prompt": "d", "completion": "w"}]))
    assert data.turns()[3] == [("user", "d"), ("assistant", "w")]
    assert data.field("when") == ["2024-01-02"] * 3 + [None]
    assert (data.info.format, data.is_table) == ("parquet, jsonl", False)


class Hub:
    """Stands in for a `datasets.Dataset`."""

    _fingerprint = "abc"

    def __init__(self, rows):
        self.rows = rows
        self.features = types.SimpleNamespace(arrow_schema=rows.schema)

    def with_format(self, kind):
        assert kind == "arrow"
        return self

    def iter(self, batch_size):
        for start in range(0, len(self.rows), batch_size):
            yield self.rows.slice(start, batch_size)


def test_data_sets_of_the_hub(tmp_path, read, monkeypatch):
    asked = []

    def load_dataset(name, config, *, split, revision):
        asked.append((name, config, split, revision))
        if name == "no/such":
            raise FileNotFoundError("no such data set")
        return Hub(table(kind=pa.array(["p", "q", "p"]).dictionary_encode()))

    fake = types.ModuleType("datasets")
    monkeypatch.setattr(fake, "load_dataset", load_dataset, raising=False)
    monkeypatch.setitem(sys.modules, "datasets", fake)
    monkeypatch.setattr(tables, "BATCH", 2)
    data = read("hf:some/data:main@v1", split="test")
    assert data.turns()[2] == [("user", "c"), ("assistant", "z")]
    assert (data.info.format, data.is_table, data.field("kind")) == ("hf", True, ["p", "q", "p"])
    assert read("hf:some/data").ids() == data.ids()
    assert asked == [("some/data", "main", "test", "v1"), ("some/data", None, "train", None)]
    prints = {fingerprint(DataSpec((path,)), tmp_path) for path in ("hf:some/data", "hf:some/other")}
    assert len(prints) == 2
    with pytest.raises(sl.DataError, match=r"'hf:no/such' \(split train\) cannot be read: no such data set"):
        read("hf:no/such")
    with pytest.raises(sl.DataError, match="a data set of the hub is a data set alone"):
        read("hf:some/data", "hf:some/other")


@pytest.mark.parametrize(
    "name",
    [
        "", "/etc", "./rows", "../rows", "~/rows", "a/../b", "a//b", "a/b/c", "a/.b", "s3://a/b", "a b",
        "@main", "a:", "a@",
    ],
)  # fmt: skip
def test_what_is_no_name_of_the_hub(read, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "datasets", types.ModuleType("datasets"))
    with pytest.raises(sl.DataError, match="names no data set of the hub; expected hf:name or hf:owner/name"):
        read(f"hf:{name}")


def test_nothing_of_this_machine_is_read_as_of_the_hub(tmp_path, read, monkeypatch):
    """The library reads a folder of the name, or all files here where the name is that of a format."""
    fake = types.ModuleType("datasets")
    fake.packaged_modules = types.SimpleNamespace(_PACKAGED_DATASETS_MODULES={"parquet": ()})
    monkeypatch.setitem(sys.modules, "datasets", fake)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some" / "data").mkdir(parents=True)
    with pytest.raises(sl.DataError, match="'some/data' is a file or folder here"):
        read("hf:some/data:main@v1")
    with pytest.raises(sl.DataError, match="'parquet' is a format of the library"):
        read("hf:parquet")


def test_the_hub_without_its_library(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(sl.DataError, match=r'pip install "selectlang\[hf\]"'):
        read("hf:some/data")


def test_columns_that_are_not_needed_are_not_made_into_objects(tmp_path, read, monkeypatch):
    path = written(tmp_path / "a.parquet", table(task=["t", "t", "u"], long=["x", "y", "z"]))
    asked, whole = [], tables.records
    monkeypatch.setattr(
        tables, "records", lambda batch, names=None: asked.append(names) or whole(batch, names)
    )
    read(path, group="task")
    assert asked == [["prompt", "completion", "task", "long"], ["prompt", "completion", "task"]]
