"""A data set: any rows, in any order, each as it was read; and nothing held in memory that need not be."""

import json
import resource

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.data import collect
from selectlang.data.dataset import Dataset
from selectlang.data.ingest import ARROW, ingest
from selectlang.data.source import DataSpec
from selectlang.store.store import Store

ROLES = ["system", "user", "assistant", "tool"]
TURN = st.fixed_dictionaries({"role": st.sampled_from(ROLES), "content": st.text(max_size=5)})
CHAT = st.lists(TURN, max_size=4).map(lambda turns: [{"role": "user", "content": "x"}, *turns])


@settings(max_examples=30, deadline=None)
@given(st.lists(CHAT, min_size=1, max_size=8), st.data())
def test_rows_at_any_positions(chats, data):
    positions = data.draw(st.lists(st.integers(0, len(chats) - 1), max_size=12))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collect, "ROWS", 3)  # several batches
        rows = Dataset.from_records([{"messages": chat, "n": n} for n, chat in enumerate(chats)], group="n")
    expected = [[(turn["role"], turn["content"]) for turn in chat] for chat in chats]
    at = np.array(positions, np.int64)
    assert rows.turns() == expected
    assert rows.turns(at) == [expected[i] for i in positions]
    assert rows.field("n", at) == positions
    assert rows.groups(at) == [str(i) for i in positions]
    assert rows.ids(at) == [rows.ids()[i] for i in positions]
    assert rows.hashes(at).tolist() == [rows.hashes().tolist()[i] for i in positions]
    lengths = [sum(len(content) for _, content in turns) for turns in expected]
    assert rows.lengths().tolist() == lengths
    assert rows.lengths(at).tolist() == [lengths[i] for i in positions]


def test_a_row_view_of_a_data_set():
    data = Dataset.from_records([{"instruction": f"q{i}", "output": f"a{i}"} for i in range(5)])
    rows = sl.Rows(data).take(np.array([4, 0, 4]))
    assert rows.texts() == ["q4\n\na4", "q0\n\na0", "q4\n\na4"]
    assert rows.field("output") == ["a4", "a0", "a4"]
    assert len(set(rows.draws(1).tolist())) == 2


def test_fields_that_rows_lack():
    data = Dataset.from_records(
        [
            {"prompt": "a", "other": {"similarity": 0.5}},
            {"prompt": "b", "a.b": 1},
            {"prompt": "c", "other": None},
        ]
    )
    assert data.info.fields == ["prompt", "other", "a.b"]
    assert data.field("other.similarity") == [0.5, None, None]
    assert data.field("a.b") == [None, 1, None]
    with pytest.raises(sl.DataError) as error:
        data.field("othr")
    assert "no row has a field 'othr'; did you mean 'other'? there are 'prompt', 'other'" in str(error.value)


def test_what_is_known_survives_the_folder(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a"}\nno\n')
    folder = tmp_path / "folder"
    folder.mkdir()
    counts = []
    ingest(DataSpec((str(path),), bad_rows="skip"), folder, counts.append)
    data = Dataset.open(folder, "the key")
    assert data.key == "the key"
    assert (len(data), data.info.rows, data.info.skipped, counts) == (1, 1, 1, [1])
    assert data.info.skipped_first == [f"{path}:2: not JSON: Expecting value at character 1"]
    assert data.info.stems == [""]
    assert {entry.name for entry in folder.iterdir()} == {"info.json", *ARROW}


def test_a_disk_that_fills_up_leaves_no_entry(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f'{{"prompt": "{i} {"x" * 1000}"}}\n' for i in range(9000)))
    store, spec, key = Store(tmp_path / "store"), DataSpec((str(path),)), "a" * 64

    def write():
        with store.writing(key, {}) as folder:
            ingest(spec, folder, lambda rows: None)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, limits[1]))  # half of the rows
    try:
        with pytest.raises(sl.DataError, match="cannot write to the store, folder .*File too large"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert store.path(key) is None
    assert not list((tmp_path / "store" / "tmp").iterdir())
    write()
    assert len(Dataset.open(store.path(key), key)) == 9000


def test_records_have_a_key_of_their_content():
    a, b = [{"prompt": "a"}], [{"prompt": "b"}]
    keys = [Dataset.from_records(rows).key for rows in (a, a, b)] + [
        Dataset.from_records(a, group="prompt").key
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_records_are_read_as_a_file_of_them(read, write):
    records = [{"prompt": "a\ud800", "n": 1}, {"prompt": "b", "t": ("x", "y")}]
    path = write("a.json", json.dumps(records))
    assert Dataset.from_records(records).turns() == read(path).turns()
    assert Dataset.from_records(records).field("t") == read(path).field("t") == [None, ["x", "y"]]
    with pytest.raises(sl.DataError, match="records, element 2: no field 'prompt'"):
        Dataset.from_records([{"prompt": "a"}, {"x": 1}])
    with pytest.raises(sl.DataError, match="records: no rows: the data is empty"):
        Dataset.from_records([])


def test_importing_the_package_needs_no_numpy():
    import subprocess
    import sys

    code = (
        "import sys, selectlang.data.output, selectlang.data.ingest;"
        "heavy = {'numpy', 'pyarrow', 'orjson', 'datasets'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
