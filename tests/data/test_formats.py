"""Formats: the same rows read alike from each, and what each says of rows that it cannot read."""

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.data import json_files
from selectlang.data.dataset import Dataset

ROWS = [
    {"instruction": "Say 'hello'.", "output": "hello"},
    {"instruction": 'Übersetze "naïve" 😀', "output": "two\nlines, and a comma\tand a tab"},
    {"instruction": "Say nothing.", "output": ""},
    {"instruction": "A\r\nB", "output": "C\\nD"},
]


def delimited(rows, delimiter):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def parquet(rows):
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def encode(rows, name):
    form = name.removesuffix(".gz").rpartition(".")[2]
    return {
        "json": lambda: json.dumps(rows, indent=2).encode(),
        "jsonl": lambda: "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode(),
        "csv": lambda: delimited(rows, ","),
        "tsv": lambda: delimited(rows, "\t"),
        "parquet": lambda: parquet(rows),
    }[form]()


NAMES = [
    name + zipped for name in ("a.json", "a.jsonl", "a.csv", "a.tsv", "a.parquet") for zipped in ("", ".gz")
]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_rows_are_the_same_in_every_format(name, read, write):
    reference = Dataset.from_records(ROWS)
    data = read(write(name, encode(ROWS, name)))
    assert data.turns() == [[("user", r["instruction"]), ("assistant", r["output"])] for r in ROWS]
    assert data.ids() == reference.ids()
    assert data.hashes().tolist() == reference.hashes().tolist()
    assert data.field("output") == [row["output"] for row in ROWS]
    assert data.info.format == name.removesuffix(".gz").rpartition(".")[2]
    assert data.info.shape == "Alpaca (instruction, output)"
    assert data.info.fields == ["instruction", "output"]


def test_a_file_that_is_compressed_is_read_whatever_its_name(read, write):
    assert len(read(write("plain.jsonl", gzip.compress(encode(ROWS, "a.jsonl"))))) == 4
    path = write("odd.jsonl", ROWS)
    path.rename(path.with_name("odd.jsonl.gz"))
    assert len(read(path.with_name("odd.jsonl.gz"))) == 4


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(text.filter(str.strip), text | st.just("")), min_size=1, max_size=5))
def test_any_text_survives_every_format(rows, read, write):
    rows = [{"prompt": prompt, "completion": completion} for prompt, completion in rows]
    expected = [[("user", r["prompt"]), ("assistant", r["completion"])] for r in rows]
    for name in ("a.json", "a.jsonl", "a.csv", "a.parquet", "a.tsv"):
        assert read(write(name, encode(rows, name))).turns() == expected, name


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_an_array_is_read_alike_in_chunks_of_any_size(chunk, read, write, monkeypatch):
    monkeypatch.setattr(json_files, "CHUNK", chunk)
    rows = [*ROWS, {"instruction": "n", "output": 123, "more": [1.5, {"a": None}, True, "]"]}]
    path = write("a.json", "\ufeff \n" + json.dumps(rows, indent=1) + "\n ")
    assert read(path).ids() == Dataset.from_records(rows).ids()
    assert read(path).field("more")[-1] == [1.5, {"a": None}, True, "]"]


def test_an_object_that_holds_one_list_of_rows(read, write, tmp_path):
    data = read(write("a.json", json.dumps({"version": 1, "tags": ["x"], "data": ROWS})))
    assert len(data) == 4
    assert data.info.notes == [f"{tmp_path / 'a.json'}: rows are under 'data'"]
    with pytest.raises(sl.DataError, match=r"several lists \('train', 'test'\); expected one list"):
        read(write("b.json", json.dumps({"train": ROWS, "test": ROWS})))


def test_json_lines_under_another_name(read, write):
    data = read(write("a.json", "\n".join(map(json.dumps, ROWS))))
    assert (len(data), data.info.format) == (4, "jsonl")
    one = read(write("one.json", json.dumps({"messages": [{"role": "user", "content": "hi"}]})))
    assert one.turns() == [[("user", "hi")]]


@pytest.mark.parametrize(
    "content, message",
    [
        ('[{"prompt": "a"},\n {"prompt": }]', "a.json:2: not a JSON array: Expecting value in element 2"),
        ('[{"prompt": "a"}', "a.json:1: not a JSON array: expected ',' or ']' after element 1"),
        ('[{"prompt": "a"},]', "a.json:1: not a JSON array: Expecting value in element 2"),
        ('[{"prompt": "a"}]\n[]', "a.json:2: not a JSON array: something follows its end"),
        ("hello", "a.json:1: not a JSON array: found 'hello', expected '['"),
        ('{"prompt": "a"', "not JSON"),
        ("[" * 100_000, "not a JSON array: element 1: lists and objects are nested too deep"),
    ],
)
def test_a_broken_array_is_an_error_even_when_bad_rows_are_skipped(content, message, read, write):
    with pytest.raises(sl.DataError) as error:
        read(write("a.json", content), bad_rows="skip")
    assert message in str(error.value)


def test_numbers_that_are_no_strict_json(read, write):
    content = b'{"prompt": "a", "x": NaN, "y": Infinity}\n{"prompt": "b", "x": 2, "y": -1}\n'
    array = b"[" + content.strip().replace(b"\n", b",") + b"]"
    inside = b'{"data": ' + array + b"}"
    for data in (
        read(write(*file)) for file in (("a.jsonl", content), ("a.json", array), ("b.json", inside))
    ):
        assert data.field("x") == [None, 2]
        assert data.field("y") == [float("inf"), -1]


def test_marks_and_blank_lines_and_carriage_returns(read, write):
    data = read(write("a.jsonl", b'\xef\xbb\xbf{"prompt": "a"}\r\n\r\n   \n{"prompt": "b"}\r\n'))
    assert [turns[0][1] for turns in data.turns()] == ["a", "b"]
    data = read(write("a.csv", b"\xef\xbb\xbfprompt,completion\r\na,b\r\n\r\nc,d\r\n"))
    assert data.turns()[1] == [("user", "c"), ("assistant", "d")]


def test_half_a_surrogate_pair_is_replaced_and_nul_is_kept(read, write):
    lines = rb'{"prompt": "a\ud800b", "completion": "\u0000\ud83d\ude00"}' + b"\n"
    for data in read(write("a.jsonl", lines)), read(write("a.json", b"[" + lines + b"]")):
        assert data.turns() == [[("user", "a\ufffdb"), ("assistant", "\0😀")]]
    assert read(write("a.csv", b"prompt,completion\na\0b,c\n")).turns()[0][0] == ("user", "a\0b")


def test_rows_of_megabytes(read, write):
    rows = [{"instruction": "x" * 3_000_000, "output": "y\n" * 1_000_000}, ROWS[0]]
    for name in ("a.json", "a.jsonl", "a.csv", "a.tsv", "a.parquet"):
        data = read(write(name, encode(rows, name)))
        assert data.lengths().tolist() == [5_000_000, 17], name


def test_fields_of_mixed_type(read, write):
    rows = [{"prompt": "a", "x": 1}, {"prompt": "b", "x": "one"}, {"prompt": "c", "x": [1]}, {"prompt": "d"}]
    assert read(write("a.jsonl", rows)).field("x") == [1, "one", [1], None]


def test_csv_with_quotes_and_rows_over_several_lines(read, write):
    path = write("a.csv", 'prompt,completion\n"a ""quoted""\nword",b\n\nc,"d\n')
    with pytest.raises(sl.DataError, match=r"a\.csv:5: .*quotes or line breaks are at fault"):
        read(path)
    data = read(path, bad_rows="skip")
    assert data.turns() == [[("user", 'a "quoted"\nword'), ("assistant", "b")]]


def test_csv_rows_of_another_width(read, write):
    path = write("a.csv", "prompt,completion\na,b\nc\nd,e,f\n")
    with pytest.raises(sl.DataError, match=r"a\.csv:3: found 1 cells, expected 2 \('prompt', 'completion'\)"):
        read(path)
    assert read(path, bad_rows="skip").info.skipped == 2


def test_csv_column_named_twice(read, write):
    with pytest.raises(sl.DataError, match="a column name stands twice"):
        read(write("a.csv", "prompt,prompt\na,b\n"))


def test_csv_without_a_line_of_names(read, write):
    path = write("a.tsv", "What is 1+1?\t2\tcount\nWhat is 2+2?\t4\tcount\n")
    with pytest.raises(sl.DataError, match=r"'What is 1\+1\?', '2', 'count'; .*header: \[\.\.\.\]"):
        read(path)
    data = read(path, header=("question", "answer", "rationale"))
    assert data.turns()[0] == [("user", "What is 1+1?"), ("assistant", "2")]
    assert data.info.shape == "question and answer (question, answer)"


def test_tsv_whose_quotes_are_ordinary(read, write):
    lines = 'question\tanswer\n"Ada" wrote it, true?\tyes\nb\tc "d"\n'
    data = read(write("a.tsv", lines))
    assert data.turns()[0] == [("user", '"Ada" wrote it, true?'), ("assistant", "yes")]
    assert "quotes are ordinary characters, for line 2" in data.info.notes[0]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.json"])
def test_bytes_that_are_not_utf8_make_a_bad_row(name, read, write):
    rows = [{"prompt": f"row {i}", "completion": "ok"} for i in (1, 2, 3)]
    path = write(name, encode(rows, name).replace(b"row 2", b"row \xff"))
    place = {"a.jsonl": "a.jsonl:2", "a.csv": "a.csv:3", "a.json": "a.json, element 2"}[name]
    with pytest.raises(sl.DataError) as error:
        read(path)
    assert f"{place}: not UTF-8" in str(error.value)
    data = read(path, bad_rows="skip")
    assert [turns[0][1] for turns in data.turns()] == ["row 1", "row 3"]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.json.gz", "a.csv.gz", "a.parquet.gz"])
def test_gzip_data_that_is_cut_off(name, read, write):
    path = write(name, encode(ROWS * 50, name))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(sl.DataError, match=f"{name}: the file ends too early"):
        read(path, bad_rows="skip")


@pytest.mark.parametrize("name", ["a.json.gz", "a.jsonl.gz"])
def test_gzip_data_that_is_cut_off_in_its_only_line(name, read, write):
    path = write(name, json.dumps([{"prompt": str(i)} for i in range(500)]))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(sl.DataError, match=f"{name}: the file ends too early"):
        read(path)


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.json.gz", "a.csv.gz", "a.parquet.gz"])
def test_gzip_data_that_is_none(name, read, write):
    path = write(name, "")
    for content in (b"\x1f\x8b" + bytes(range(100)), gzip.compress(encode(ROWS, name)) + b"what follows"):
        path.write_bytes(content)
        with pytest.raises(sl.DataError, match=f"{name}: cannot be read: its gzip data is damaged"):
            read(path, bad_rows="skip")


LONG = {
    "a.jsonl": '{"prompt": "a"}\n{"prompt": "%s"}\n',
    "b.jsonl": '{"prompt": "a"}\n{"prompt": "%s',  # such as a gzip bomb, which has no end
    "a.json": '[{"prompt": "a"},\n{"prompt": "%s"}]',
    "b.json": '[{"prompt": "a"},\n{"prompt": "%s',
    "a.csv": "prompt,n\n%s,1\n",
    "a.tsv": "prompt\tn\n%s\t1\n",
    "b.tsv": 'prompt\tn\n"%s\t1\n',
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("zipped", ["", ".gz"])
def test_a_row_that_would_fill_the_memory(name, zipped, read, write, monkeypatch):
    for module in "formats", "json_files", "delimited":
        monkeypatch.setattr(f"selectlang.data.{module}.LONGEST", 1 << 20)
    monkeypatch.setattr(json_files, "CHUNK", 1 << 18)
    path = write(name + zipped, LONG[name] % ("x" * 3_000_000))
    with pytest.raises(sl.DataError, match=rf"{name}.*:2: .*1 MiB, the most that a row may be"):
        read(path, bad_rows="skip")
    assert len(read(write(name + zipped, LONG["a" + name[1:]] % ("x" * 900_000)))) > 0


def test_a_cell_that_would_fill_the_memory(read, write, monkeypatch):
    monkeypatch.setattr("selectlang.data.delimited.LONGEST", 1 << 20)
    path = write("a.csv", 'prompt,n\na,"' + "x\n" * 1_000_000)
    with pytest.raises(sl.DataError, match=r"a\.csv:2: its quotes or line breaks are at fault: field larger"):
        read(path)


def test_an_object_that_would_fill_the_memory(read, write, monkeypatch):
    path = write("a.json", json.dumps({"data": ROWS * 1000}, indent=1))
    assert len(read(path)) == 4000
    monkeypatch.setattr(json_files, "WHOLE", 1 << 16)
    with pytest.raises(sl.DataError, match=r"a\.json: this JSON object is larger than 0 MiB.*JSON Lines"):
        read(path)


def test_a_file_of_white_space_is_read_in_pieces(read, write, monkeypatch):
    monkeypatch.setattr(json_files, "CHUNK", 10)
    with pytest.raises(sl.DataError, match="no rows: the data is empty"):
        read(write("a.json", " \n" * 100))
    with pytest.raises(sl.DataError, match=r"b\.json:101: not a JSON array: Expecting value in element 2"):
        read(write("b.json", " \n" * 100 + '[{"prompt": "a"}, ]'))


def test_out_of_memory_names_the_file(read, write, monkeypatch):
    def hungry(*_):
        raise MemoryError
        yield

    monkeypatch.setattr("selectlang.data.ingest.read_jsonl", hungry)
    with pytest.raises(sl.DataError, match=r"a\.jsonl: out of memory while it was read"):
        read(write("a.jsonl", ROWS))


DIGITS, DEEP = "1" * 5000, "[" * 5000 + "]" * 5000
ODD = [(DIGITS, "a whole number in it has too many digits"), (DEEP, "lists and objects are nested too deep")]


@pytest.mark.parametrize("value, message", ODD, ids=["digits", "deep"])
def test_values_that_no_reader_takes(value, message, read, write):
    rows = ['{"prompt": "a", "x": 1}', f'{{"prompt": "b", "x": {value}}}']
    path = write("a.jsonl", "\n".join(rows))
    with pytest.raises(sl.DataError, match=rf"a\.jsonl:2: {message}"):
        read(path)
    assert len(read(path, bad_rows="skip")) == 1
    with pytest.raises(sl.DataError, match=rf"a\.json:2: not a JSON array: element 2: {message}"):
        read(write("a.json", "[" + ",\n".join(rows) + "]"))
    with pytest.raises(sl.DataError, match=rf"b\.json: {message}"):
        read(write("b.json", '{"data": [' + ",\n".join(rows) + "]}"))


@pytest.mark.parametrize("depth", [200, 300, *range(700, 1000, 20)])
def test_nesting_of_any_depth_is_read_or_refused(depth, read, write):
    row = '{"prompt": "a", "x": %s, "y": NaN}' % ("[" * depth + "]" * depth)
    call = {"role": "assistant", "content": None, "tool_calls": json.loads("[" * 250 + "1" + "]" * 250)}
    chat = json.dumps({"messages": [{"role": "user", "content": "a"}, call]})
    for content in (row, row.replace("NaN", "1"), chat):
        for name, text in ("a.jsonl", content), ("a.json", f"[{content}]"), ("b.json", content):
            try:
                assert len(read(write(name, text))) == 1
            except sl.DataError as error:
                assert "nested too deep" in str(error)  # noqa: PT017


def test_gzip_data_that_is_damaged(read, write):
    path = write("a.jsonl.gz", [{"prompt": f"{i} and {i * i}"} for i in range(500)])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(sl.DataError, match="cannot be read"):
        read(path, bad_rows="skip")


@pytest.mark.parametrize("content", [b"", b"\n  \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.tsv", "a.jsonl.gz"])
def test_an_empty_file(name, content, read, write):
    path = write(name, content)
    with pytest.raises(sl.DataError, match="no rows: the data is empty"):
        read(path)
    data = read(path, write("b.jsonl", ROWS))
    assert len(data) == 4
    assert data.info.notes[0].startswith("without rows: ")


def test_other_files_without_rows(read, write):
    for name, content in ("a.json", "[]"), ("a.csv", "prompt,completion\n"), ("a.parquet", b""):
        with pytest.raises(sl.DataError, match="no rows"):
            read(write(name, content))
    empty = pa.table({"prompt": pa.array([], pa.string())})
    pq.write_table(empty, path := write("b.parquet", b""))
    with pytest.raises(sl.DataError, match="no rows"):
        read(path)


def test_what_a_data_set_says_for_nothing_is_noted(read, write):
    path = write("a.jsonl", [{"prompt": "a", "completion": "b"}])
    assert read(path, header=("prompt", "completion"), split="test").info.notes == [
        "header does nothing: no file is CSV or TSV",
        "split does nothing: the rows are of files, and of no data set of the hub",
    ]
    table = write("b.csv", b"c,d\n")
    assert read(path, table, header=("prompt", "completion")).info.notes == []
