"""Output: chosen rows as they were found, with one field more, written whole or not at all."""

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from selectlang.data import output
from selectlang.data.dataset import Dataset
from selectlang.data.output import write_rows

ROWS = [{"z": [1, {"a": None}], "prompt": f"ü{i}", "completion": "", "a": 1.0} for i in range(3)]


def extra(positions, data):
    return {
        "id": data.ids(positions),
        "rank": np.arange(1, len(positions) + 1),
        "score": np.array([0.5, np.nan, 0.25, 1.0][: len(positions)], np.float32),
        "why": [{"group": "g", "from": np.float32(0.5)}] * len(positions),
    }


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.jsonl.gz"])
def test_rows_keep_their_fields_and_their_order(name, read, write, tmp_path):
    data = read(write(name, ROWS))
    positions = np.array([2, 0, 2])
    path = write_rows(data, positions, extra(positions, data), tmp_path / "out" / "chosen.v1")
    assert path == tmp_path / "out" / "chosen.v1.jsonl"
    found = lines(path)
    assert [list(row) for row in found] == [["z", "prompt", "completion", "a", "selectlang"]] * 3
    assert [{k: v for k, v in row.items() if k != "selectlang"} for row in found] == [
        ROWS[2],
        ROWS[0],
        ROWS[2],
    ]
    assert found[1]["selectlang"] == {
        "id": data.ids()[0], "rank": 2, "score": None, "why": {"group": "g", "from": 0.5},
    }  # fmt: skip
    assert not list(path.parent.glob(".*")), "no temporary file is left"


def test_a_line_is_not_rewritten(read, write, tmp_path):
    line = '{"prompt":  "\\u00fc\\ud800",\t"n": 1.50e3, "big": 123456789012345678901234567890 }'
    path = write_rows(read(write("a.jsonl", line)), np.array([0]), {"id": ["x"]}, tmp_path / "out")
    assert path.read_text() == line[:-2] + ', "selectlang": {"id":"x"}}\n'


def test_what_was_written_can_be_read_and_chosen_from_again(read, write, tmp_path):
    data = read(write("a.jsonl", ROWS))
    first = write_rows(data, np.array([2, 1]), {"id": ["x", "y"]}, tmp_path / "first")
    again = read(first)
    assert again.ids() == data.ids(np.array([2, 1]))
    second = write_rows(again, np.array([1]), {"id": ["z"]}, tmp_path / "second")
    assert lines(second) == [{**ROWS[1], "selectlang": {"id": "z"}}]
    named = read(write("b.jsonl", [{"prompt": 'the word "selectlang"'}]))
    assert lines(write_rows(named, np.array([0]), {"id": ["z"]}, tmp_path / "b"))[0]["selectlang"] == {
        "id": "z"
    }


def test_a_field_of_ours_that_a_row_has_is_replaced_whatever_it_holds(read, write, tmp_path):
    line = rb'{"prompt": "\u00fc\ud800", "selectlang": null}'
    path = write_rows(read(write("a.jsonl", line)), np.array([0]), {"id": ["x"]}, tmp_path / "out")
    assert path.read_text("utf-8") == '{"prompt": "ü\\ud800", "selectlang": {"id":"x"}}\n'


def test_rows_of_csv_become_lines_of_json(read, write, tmp_path):
    data = read(write("a.csv", 'prompt,completion,n\n"a\nb",c,1\n'))
    path = write_rows(data, np.array([0]), {"id": ["x"]}, tmp_path / "out")
    assert lines(path) == [{"prompt": "a\nb", "completion": "c", "n": "1", "selectlang": {"id": "x"}}]


def test_tables_stay_tables(read, write, tmp_path, monkeypatch):
    rows = pa.table({
        "prompt": ["a", "b", "c"],
        "kind": pa.array(["p", "q", None]).dictionary_encode(),
        "when": pa.array([1, 2, None], pa.timestamp("ms")),
        "chat": [[{"a": 1}], [], None],
    })  # fmt: skip
    pq.write_table(rows, tmp_path / "a.parquet")
    data = read(tmp_path / "a.parquet")
    monkeypatch.setattr("selectlang.data.chunks.BLOCK", 2)
    positions = np.array([2, 0, 2, 1])
    path = write_rows(data, positions, extra(positions, data), tmp_path / "out")
    assert path == tmp_path / "out.parquet"
    found = pq.read_table(path)
    plain = rows.set_column(1, "kind", rows["kind"].cast(pa.string()))
    assert found.drop_columns(["selectlang"]).equals(plain.take(pa.array(positions)))
    assert found["selectlang"].to_pylist()[3] == {
        "id": data.ids()[1], "rank": 4, "score": 1.0, "why": {"group": "g", "from": 0.5},
    }  # fmt: skip
    assert found["selectlang"].to_pylist()[1]["score"] is None
    again = read(path)
    second = write_rows(again, np.array([1]), {"id": ["z"]}, tmp_path / "second")
    assert pq.read_table(second)["selectlang"].to_pylist() == [{"id": "z"}]


@pytest.mark.parametrize(
    "why", [[{}, {}], [{"a": 1}, {"a": "x"}], [1, "x"], [None, None], [{"a": 1}, {"b": 2}]]
)
def test_any_reasons_fit_a_table(why, read, tmp_path):
    pq.write_table(pa.table({"prompt": ["a", "b"]}), tmp_path / "a.parquet")
    path = write_rows(read(tmp_path / "a.parquet"), np.array([0, 1]), {"why": why}, tmp_path / "out")
    assert pq.read_table(path).num_rows == 2


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_no_rows_make_an_empty_file(name, read, write, tmp_path):
    if name == "a.parquet":
        pq.write_table(pa.table({"prompt": ["a", "b"]}), tmp_path / name)
    else:
        write(name, ROWS)
    path = write_rows(read(tmp_path / name), np.array([], np.int64), {"id": []}, tmp_path / "out")
    count = pq.read_table(path).num_rows if name == "a.parquet" else len(lines(path))
    assert count == 0


def test_a_failure_leaves_what_was_there(read, write, tmp_path, monkeypatch):
    data = read(write("a.jsonl", ROWS))
    out = tmp_path / "out"
    path = write_rows(data, np.array([0]), {"id": ["x"]}, out / "chosen")
    before = path.read_bytes()

    def broken(*arguments) -> Iterator[bytes]:
        yield b"half a"
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "_lines", broken)
    with pytest.raises(KeyboardInterrupt):
        write_rows(data, np.array([1]), {"id": ["y"]}, out / "chosen")
    assert [entry.name for entry in out.iterdir()] == ["chosen.jsonl"]
    assert path.read_bytes() == before


def test_extra_fits_the_rows(tmp_path):
    data = Dataset.from_records(ROWS)
    with pytest.raises(ValueError, match="extra 'id' has 1 entries for 2 rows"):
        write_rows(data, np.array([0, 1]), {"id": ["x"]}, tmp_path / "out")
