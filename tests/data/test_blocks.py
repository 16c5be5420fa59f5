"""Blocks: rows read together are read as each is by itself, and what is wrong is said of the same row."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang.data import blocks, collect, formats
from selectlang.data.blocks import columns_reader, read_block
from selectlang.data.identity import digest, flat
from selectlang.data.shapes import find
from selectlang.data.turns import BadRow, reader, without_surrogates

TEXT = st.sampled_from(["", " ", "\n", "a", "ü\x85", "two words", "\ud800"])
VALUE = st.one_of(TEXT, TEXT, TEXT, st.sampled_from([None, 1, True, float("nan"), [], {"b": "c"}, ["d"]]))
NAMES = ("instruction", "input", "output", "system")
RECORDS = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUE)).filter(bool), min_size=1, max_size=4
)
PARTS = st.sampled_from([
    {"instruction": "instruction", "input": "input", "response": "output", "system": "system"},
    {"instruction": "instruction"},
    {"instruction": "instruction", "response": "output.b"},
    {"messages": "output"},
])  # fmt: skip


@given(RECORDS, PARTS)
def test_columns_hold_what_rows_read_one_by_one_hold(records, parts):
    columns = columns_reader(parts)(records)
    if columns is None:
        return
    systems, requests, responses = columns
    nothing = [None] * len(records)
    found = zip(systems or nothing, requests, responses or nothing, nothing, strict=True)
    assert list(found) == [flat(turns) for turns in map(reader(parts), records)]


@given(RECORDS)
def test_a_block_is_read_as_its_rows_are(records):
    shape = find([dict.fromkeys(NAMES, "a")], {}, "a")
    try:
        rows = list(map(shape.read, records))
    except BadRow:
        with pytest.raises(BadRow):
            read_block(shape, records)
        return
    rows = [[(role, without_surrogates(content)) for role, content in turns] for turns in rows]
    columns, digests = read_block(shape, records)
    assert list(zip(*columns[:4], strict=True)) == [flat(turns) for turns in rows]
    assert columns.length == [sum(len(content) for _, content in turns) for turns in rows]
    assert digests == b"".join(map(digest, rows))


def rows_of_all_kinds(seed: int) -> list[str]:
    """Lines, most of them of plain rows."""
    rng = random.Random(seed)
    odd = [
        '{"prompt": null}',
        '{"n": 1}',
        "[1]",
        "{",
        "{}",
        '{"prompt": 5}',
        "",
        '{"prompt": "\\ud800"}',
    ]
    return [
        rng.choice(odd) if rng.random() < 0.1 else json.dumps({"prompt": f"é{rng.randrange(9)}", "n": i})
        for i in range(60)
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv"])
@pytest.mark.parametrize("batch", [1, 7, 4096])
def test_rows_are_read_alike_in_blocks_of_any_size(name, batch, read, write, monkeypatch):
    lines = ["prompt", *"abca"] * 9 if name == "a.csv" else rows_of_all_kinds(3)
    path = write(name, "\r\n".join(lines))
    whole = read(path, bad_rows="skip")
    monkeypatch.setattr(formats, "PIECE", 10)
    monkeypatch.setattr(blocks, "ROWS", 2)
    monkeypatch.setattr(collect, "ROWS", batch)
    monkeypatch.setattr(collect, "CHARACTERS", 20)
    pieces = read(path, bad_rows="skip")
    assert pieces.info == whole.info
    assert len(whole) > 20
    assert (pieces.ids(), pieces.turns()) == (whole.ids(), whole.turns())


@pytest.mark.parametrize("at", [1, 2, 299, 300])
@pytest.mark.parametrize("bad", ["{", "[1]", "{}", '{"prompt": null}', '{"prompt": " "}'])
def test_the_line_of_a_bad_row_is_told(at, bad, read, write):
    lines = ['{"prompt": "a"}'] * 300
    lines[at - 1] = bad
    with pytest.raises(sl.DataError, match=rf"a\.jsonl:{at}: "):
        read(write("a.jsonl", "\n".join(lines)))


def test_a_bad_row_before_a_broken_end_is_told_first(read, write, monkeypatch):
    monkeypatch.setattr(formats, "LONGEST", 1000)
    rows = ['{"prompt": "a"}'] * 150 + ['{"prompt": null}']
    with pytest.raises(sl.DataError, match=r"a\.json, element 151: 'prompt' is null"):
        read(write("a.json", "[" + ",".join([*rows, '{"prompt"'])))
    with pytest.raises(sl.DataError, match=r"b\.jsonl:151: 'prompt' is null"):
        read(write("b.jsonl", "\n".join([*rows, " " * 1000])))
    with pytest.raises(sl.DataError, match=r"c\.jsonl:151: this line is longer"):
        read(write("c.jsonl", "\n".join([*rows[:-1], " " * 1000])))
