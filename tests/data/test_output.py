"""Output: chosen rows as they were found, with one field more, written whole or not at all."""

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from selectlang.data import chunks, output
from selectlang.data.dataset import Dataset
from selectlang.data.output import write_rows

ROWS = [{"z": [1, {"a": None}], "prompt": f"ü{i}", "completion": "", "a": 1.0} for i in range(3)]


SCORES = np.array([0.5, np.nan, 0.25, 1.0], np.float32)


def chosen(data, positions, stem):
    """Some rows, written with scores and reasons."""
    count = len(positions)
    why = {"group": np.full(count, "g"), "from": np.full(count, 0.5, np.float32)}
    return write_rows(data, np.array(positions, np.int64), SCORES[:count], why, stem)


def plainly(data, positions, stem):
    """Some rows, written without a score or a reason."""
    return write_rows(data, np.array(positions, np.int64), np.full(len(positions), np.nan), {}, stem)


def added(identifier, rank):
    return {"id": identifier, "rank": rank, "score": None, "why": {}}


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.jsonl.gz"])
def test_rows_keep_their_fields_and_their_order(name, read, write, tmp_path):
    data = read(write(name, ROWS))
    positions = np.array([2, 0, 2])
    path = chosen(data, positions, tmp_path / "out" / "chosen.v1")
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
    data = read(write("a.jsonl", line))
    text = chosen(data, [0], tmp_path / "out").read_text()
    field = f'"id":"{data.ids()[0]}","rank":1,"score":0.5,"why":{{"group":"g","from":0.5}}'
    assert text == line[:-2] + f', "selectlang": {{{field}}}}}\n'


def test_what_was_written_can_be_read_and_chosen_from_again(read, write, tmp_path):
    data = read(write("a.jsonl", ROWS))
    again = read(chosen(data, [2, 1], tmp_path / "first"))
    assert again.ids() == data.ids(np.array([2, 1]))
    second = plainly(again, [1], tmp_path / "second")
    assert lines(second) == [{**ROWS[1], "selectlang": added(data.ids()[1], 1)}]
    named = read(write("b.jsonl", [{"prompt": 'the word "selectlang"'}]))
    assert lines(plainly(named, [0], tmp_path / "b"))[0]["selectlang"] == added(named.ids()[0], 1)


def test_a_field_of_ours_that_a_row_has_is_replaced_whatever_it_holds(read, write, tmp_path):
    line = rb'{"prompt": "\u00fc\ud800", "selectlang": null}'
    text = plainly(read(write("a.jsonl", line)), [0], tmp_path / "out").read_text("utf-8")
    assert text.startswith('{"prompt": "ü\\ud800", "selectlang": {"id":"')
    assert list(json.loads(text)) == ["prompt", "selectlang"]


def test_rows_of_csv_become_lines_of_json(read, write, tmp_path):
    data = read(write("a.csv", 'prompt,completion,n\n"a\nb",c,1\n'))
    path = plainly(data, [0], tmp_path / "out")
    row = {"prompt": "a\nb", "completion": "c", "n": "1"}
    assert lines(path) == [{**row, "selectlang": added(data.ids()[0], 1)}]


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
    path = chosen(data, positions, tmp_path / "out")
    assert path == tmp_path / "out.parquet"
    found = pq.read_table(path)
    plain = rows.set_column(1, "kind", rows["kind"].cast(pa.string()))
    assert found.drop_columns(["selectlang"]).equals(plain.take(pa.array(positions)))
    assert found["selectlang"].to_pylist()[3] == {
        "id": data.ids()[1], "rank": 4, "score": 1.0, "why": {"group": "g", "from": 0.5},
    }  # fmt: skip
    assert found["selectlang"].to_pylist()[1]["score"] is None
    again = read(path)
    second = plainly(again, [1], tmp_path / "second")
    assert pq.read_table(second)["selectlang"].to_pylist() == [{**added(again.ids()[1], 1), "why": "{}"}]


@pytest.mark.parametrize("many", [1, 2])
def test_reasons_of_any_type_fit_a_table(many, read, tmp_path, monkeypatch):
    monkeypatch.setattr("selectlang.data.chunks.BLOCK", many)
    pq.write_table(pa.table({"prompt": ["a", "b"]}), tmp_path / "a.parquet")
    why = {
        "turn": np.array([1, 2]), "far": np.array([np.nan, 2]), "none": np.array([np.inf, np.nan]),
        "group": np.array(["g", "group"]), "fresh": np.array([True, False]),
        "big": np.array([1, 2**64 - 1], np.uint64),
    }  # fmt: skip
    path = write_rows(read(tmp_path / "a.parquet"), np.array([0, 1]), np.array([1, 2]), why, tmp_path / "out")
    found = [row["why"] for row in pq.read_table(path)["selectlang"].to_pylist()]
    one = {"turn": 1, "far": None, "none": None, "group": "g", "fresh": True, "big": 1}
    two = {"turn": 2, "far": 2.0, "none": None, "group": "group", "fresh": False, "big": 2**64 - 1}
    assert found == [one, two]


def test_rows_of_many_batches_are_found_alike_wherever_they_stand(read, write, tmp_path, monkeypatch):
    monkeypatch.setattr("selectlang.data.collect.ROWS", 3)
    monkeypatch.setattr(output, "SPAN", 4)
    rows = [{"prompt": f"ü{i}" * (i % 5 + 1), "n": i} for i in range(20)]
    data = read(write("a.jsonl", rows))
    positions = np.random.default_rng(0).integers(0, 20, 30)
    path = write_rows(data, positions, positions * 0.5, {"twice": 2 * positions}, tmp_path / "out")
    ids = data.ids()
    assert lines(path) == [
        {**rows[at], "selectlang": {"id": ids[at], "rank": i, "score": at / 2, "why": {"twice": 2 * at}}}
        for i, at in enumerate(positions.tolist(), 1)
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_no_rows_make_an_empty_file(name, read, write, tmp_path):
    if name == "a.parquet":
        pq.write_table(pa.table({"prompt": ["a", "b"]}), tmp_path / name)
    else:
        write(name, ROWS)
    path = chosen(read(tmp_path / name), [], tmp_path / "out")
    count = pq.read_table(path).num_rows if name == "a.parquet" else len(lines(path))
    assert count == 0


def test_a_failure_leaves_what_was_there(read, write, tmp_path, monkeypatch):
    data = read(write("a.jsonl", ROWS))
    out = tmp_path / "out"
    path = plainly(data, [0], out / "chosen")
    before = path.read_bytes()

    def broken(*arguments) -> Iterator[bytes]:
        yield b"half a"
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "_lines", broken)
    with pytest.raises(KeyboardInterrupt):
        plainly(data, [1], out / "chosen")
    assert [entry.name for entry in out.iterdir()] == ["chosen.jsonl"]
    assert path.read_bytes() == before


def test_reasons_fit_the_rows(tmp_path):
    data = Dataset.from_records(ROWS)
    with pytest.raises(ValueError, match="'turn' has 1 entries for 2 rows"):
        write_rows(data, np.array([0, 1]), np.zeros(2), {"turn": np.array([1])}, tmp_path / "out")


def test_a_table_is_written_by_row_group(read, tmp_path):
    rows = 3 * chunks.BLOCK
    pq.write_table(pa.table({"prompt": [f"{i}" for i in range(rows)]}), tmp_path / "a.parquet")
    data = read(tmp_path / "a.parquet")
    path = write_rows(data, np.arange(rows), np.ones(rows), {}, tmp_path / "out")
    with pq.ParquetFile(path) as found:
        groups = [found.metadata.row_group(i).num_rows for i in range(found.num_row_groups)]
    assert sum(groups) == rows
    assert max(groups) <= chunks.BLOCK
