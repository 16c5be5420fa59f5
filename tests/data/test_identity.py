"""Ids: given or made from content, unique, and the same wherever a row stands."""

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.data import chunks, collect, identity
from selectlang.data.dataset import Dataset
from selectlang.data.identity import Seen, digest, flat
from selectlang.data.ingest import collect_records
from selectlang.data.source import DataSpec
from selectlang.draws import id_hash

A, B, C = ({"prompt": name, "completion": name.lower()} for name in "ABC")

turns = st.lists(st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), st.text()), max_size=6)


def test_an_id_follows_from_the_conversation_alone():
    data = Dataset.from_records([A, B, C])
    again = Dataset.from_records([{**C, "note": 1}, A, B])
    assert data.ids() == [again.ids()[1], again.ids()[2], again.ids()[0]]
    assert all(len(identifier) == 16 and int(identifier, 16) >= 0 for identifier in data.ids())
    assert data.hashes().tolist() == [id_hash(identifier) for identifier in data.ids()]
    assert data.hashes().dtype == np.uint64


def test_an_id_is_the_same_in_every_version():
    assert Dataset.from_records([{"prompt": "What is 2+2?", "completion": "4"}]).ids() == ["3c29a264263d2a2d"]


@given(turns, turns)
@example([("user", "a"), ("user", "b")], [("user", "auser:1:b")])
@example([("user", "1:a"), ("user", "")], [("user", "1:auser:0:")])
def test_only_the_same_conversation_has_the_same_digest(a, b):
    assert (digest(a) == digest(b)) == (a == b)


@given(turns)
def test_flat_columns_and_the_rest_are_the_conversation(conversation):
    system, instruction, response, rest = flat(conversation)
    parts = [("system", system), ("user", instruction), ("assistant", response)]
    assert [part for part in parts if part[1] is not None] + (rest or []) == conversation


def collected(records):
    """What is known of rows that are read and not opened."""
    sinks = (pa.BufferOutputStream(), pa.BufferOutputStream(), pa.BufferOutputStream())
    return collect_records(DataSpec(("records",)), records, sinks)


def test_exact_duplicates_are_numbered_in_order(monkeypatch):
    for size in (1, 2, 4096):
        monkeypatch.setattr(collect, "ROWS", size)
        ids = Dataset.from_records([A, B, A, A, B]).ids()
        a, b = ids[:2]
        assert ids == [a, b, f"{a}-2", f"{a}-3", f"{b}-2"]


def test_rows_are_read_again_only_where_some_are_alike(monkeypatch):
    """To open what was written touches every batch of it, which would count as memory."""

    def opened(sink):
        raise AssertionError("what was written is opened")

    monkeypatch.setattr(identity.Chunks, "open", opened)
    with pytest.raises(AssertionError, match="is opened"):
        collected([A, B, A])
    assert collected([A, B, C]).rows == 3


ROWS = st.lists(
    st.fixed_dictionaries(
        {"prompt": st.sampled_from("AB"), "completion": st.just("")},
        optional={
            "source": st.integers(0, 2) | st.none() | st.floats(),
            "tags": st.lists(st.text(max_size=1)),
        },
    ),
    min_size=1,
    max_size=12,
)


def pairs(data):
    return sorted(zip(data.ids(), data.field("source"), map(str, data.field("tags")), strict=True), key=repr)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, data=st.data(), name=st.sampled_from(["a.jsonl", "a.json"]))
def test_the_order_of_a_file_does_not_decide_which_copy_has_which_id(rows, data, name, read, write):
    rows = [{"source": None, "tags": [], **row} for row in rows]  # so that both are fields of the file
    shuffled = [dict(reversed(row.items())) for row in data.draw(st.permutations(rows))]
    found = read(write(name, rows))
    assert len(set(found.ids())) == len(rows)
    with pytest.MonkeyPatch.context() as patch:
        for module, batch in (collect, "ROWS"), (chunks, "BLOCK"), (identity, "BLOCK"):
            patch.setattr(module, batch, 3)
        assert pairs(read(write(name, shuffled))) == pairs(found)
        assert pairs(read(write("b.jsonl", shuffled))) == pairs(found)


def test_the_order_of_a_table_does_not_decide_which_copy_has_which_id(tmp_path, read):
    rows = [{**A, "source": i, "when": datetime.date(2024, 1, i % 3 + 1), "raw": b"\xff"} for i in range(7)]
    found = []
    for order in rows, rows[::-1]:
        pq.write_table(pa.Table.from_pylist(order), tmp_path / "a.parquet")
        data = read(tmp_path / "a.parquet")
        found.append(dict(zip(data.ids(), data.field("source"), strict=True)))
    assert found[0] == found[1]
    assert len(found[0]) == 7


def test_copies_in_several_files_are_told_apart_by_the_file(read, write):
    first, second = write("a.jsonl", [A, B]), write("b.jsonl", [B, A])
    found = [read(*paths) for paths in ((first, second), (second, first))]
    named = [set(zip(data.ids(), data.field("_file"), strict=True)) for data in found]
    assert named[0] == named[1]


def test_copies_that_are_nested_too_deep_to_be_compared(read, write):
    deep = "[" * 1000 + "]" * 1000
    path = write("a.jsonl", "".join(f'{{"prompt": "a", "n": {n}, "x": {deep}}}\n' for n in range(2)))
    ids = read(path).ids()
    assert ids[1] == f"{ids[0]}-2"


def test_given_ids(read, write):
    path = write("a.jsonl", [{**A, "key": "x"}, {**B, "key": 7}, {**C, "key": {"no": 1}}])
    with pytest.raises(sl.DataError, match=r"a\.jsonl:3: 'key' is an object, expected text"):
        read(path, id="key")
    data = read(path, id="key", bad_rows="skip")
    assert data.ids() == ["x", "7"]
    assert data.hashes().tolist() == [id_hash("x"), id_hash("7")]
    with pytest.raises(sl.DataError, match=r"a\.jsonl: id: the rows have no field 'kee'; did you mean 'key'"):
        read(path, id="kee")
    assert read(path).ids() != ["x", "7"], "a field named id, or like it, is used only when the spec says so"


@pytest.mark.parametrize("size", [1, 4096])
def test_a_given_id_twice_names_both_places(size, read, write, monkeypatch):
    monkeypatch.setattr(collect, "ROWS", size)
    a = write("a.jsonl", [{**A, "key": "x"}, {**B, "key": "y"}])
    b = write("b.json", [{**A, "key": "z"}, {**C, "key": "y"}])
    with pytest.raises(sl.DataError) as error:
        read(a, b, id="key")
    assert f"{b}, element 2: the id 'y' is also that of {a}:2; expected each id once" in str(error.value)
    data = read(a, b, id="key", bad_rows="skip")
    assert (data.ids(), data.info.skipped, data.info.rows) == (["x", "y", "z"], 1, 3)
    assert data.field("key") == ["x", "y", "z"]


def test_groups_and_files(read, write):
    a = write("task-a.jsonl", [{**A, "task": 1}, {**B, "task": "two"}])
    b = write("task-b.v2.jsonl.gz", [{**C, "task": "two"}])
    data = read(a, b, group="task")
    assert data.groups() == ["1", "two", "two"]
    assert data.groups(np.array([2, 0])) == ["two", "1"]
    assert data.field("_file") == ["task-a", "task-a", "task-b.v2"]
    assert read(a, b, group="_file").groups() == ["task-a", "task-a", "task-b.v2"]
    with pytest.raises(sl.DataError, match=r"these rows have no groups; .*group: task"):
        read(a).groups()
    assert read(b).field("_file") == [""], "the name of a single file tells no rows apart"
    assert read(b, group="_file").groups() == ["task-b.v2"]


@given(st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=12))
def test_seen_names_the_first_place_of_each_key(batches):
    seen, first, place = Seen(), {}, 0
    for batch in batches:
        expected = []
        for key in batch:
            expected.append(first.get(key, -1))
            first.setdefault(key, place)
            place += 1
        start = place - len(batch)
        found = seen.add(np.array(batch, np.uint64), np.arange(start, place, dtype=np.int64))
        assert found.tolist() == expected
