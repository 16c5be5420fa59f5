"""Every port value comes back from its files as it was, and nothing else is let in."""

from __future__ import annotations

import dataclasses
import json
import os
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.ports import PORTS
from selectlang.store.codec import MAPPED, VALUE, decode, encode

ROWS = 5
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # for a busy machine


class KeyOnlyDataset:
    """What the codec asks of a data set: its key and its length."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __len__(self) -> int:
        return ROWS


DATASETS: dict[str, Any] = {key: KeyOnlyDataset(key) for key in ("pool", "targets")}

hard = st.text(
    st.sampled_from(["a", "\n", "\r", "\0", "\x85", "\u2028", '"', "\ud83d", "\ude00"]), max_size=8
)
texts = st.text(max_size=8) | hard  # hard: line ends, and surrogates that must not be joined
dtypes = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(),
    hnp.floating_dtypes(sizes=(16, 32, 64), endianness="?"),
    hnp.complex_number_dtypes(),
    hnp.unicode_string_dtypes(max_len=6),
    hnp.byte_string_dtypes(max_len=6),
    hnp.datetime64_dtypes(),
)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
names = st.none() | st.lists(texts, max_size=3)


@st.composite
def rows(draw: st.DrawFn) -> sl.Rows[Any]:
    data = DATASETS[draw(st.sampled_from(sorted(DATASETS)))]
    if draw(st.booleans()):
        positions, length = None, ROWS
    else:
        positions = draw(hnp.arrays(np.int64, st.integers(0, 7), elements=st.integers(0, ROWS - 1)))
        length = len(positions)
    replies = draw(st.none() | st.lists(texts, min_size=length, max_size=length))
    return sl.Rows(data, positions, replies)


values = st.one_of(
    rows(),
    st.builds(sl.Vectors, rows(), arrays),
    st.builds(sl.Clusters, rows(), arrays, st.integers(0), st.none() | arrays, st.none() | arrays, names),
    st.builds(sl.Scores, rows(), arrays, names, st.none() | arrays, names),
    st.builds(sl.Labels, rows(), arrays, st.lists(texts, max_size=3)),
    st.builds(
        sl.Selection, rows(), st.none() | arrays, st.dictionaries(texts, arrays, max_size=3), st.lists(texts)
    ),
    st.builds(sl.Replies, rows()),
    st.builds(sl.Weights, arrays),
    st.builds(sl.Metric, st.floats()),
)


def assert_same(given: Any, back: Any) -> None:
    if isinstance(given, np.ndarray):
        assert isinstance(back, np.ndarray)
        assert given.dtype == back.dtype
        assert given.shape == back.shape
        assert given.tobytes() == back.tobytes()
        assert not back.flags.writeable
        return
    assert type(given) is type(back)
    if isinstance(given, sl.Rows):
        assert given.data is back.data
        assert given.whole == back.whole
        assert given.positions.tolist() == back.positions.tolist()
        assert given.replies == back.replies
    elif dataclasses.is_dataclass(given):
        for field in dataclasses.fields(given):
            assert_same(getattr(given, field.name), getattr(back, field.name))
    elif isinstance(given, dict):
        assert list(given) == list(back)
        for name in given:
            assert_same(given[name], back[name])
    elif given != given:
        assert back != back
    else:
        assert given == back


@unhurried
@given(value=values)
def test_a_value_comes_back_as_it_was(value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("entry")
    encode(value, folder)
    assert_same(value, decode(folder, DATASETS.__getitem__))


def test_the_property_covers_every_port() -> None:
    covered = {sl.Vectors, sl.Clusters, sl.Scores, sl.Labels, sl.Selection, sl.Replies, sl.Weights}
    assert covered | {sl.Rows, sl.Metric, sl.Model} == set(PORTS)  # a model has a test of its own


def test_the_folder_is_made(tmp_path: Path) -> None:
    encode(sl.Metric(0.5), tmp_path / "deep" / "port")
    assert decode(tmp_path / "deep" / "port", DATASETS.__getitem__) == 0.5


def test_rows_that_are_all_rows_cost_no_array(tmp_path: Path) -> None:
    encode(sl.Rows(DATASETS["pool"]), tmp_path)
    assert os.listdir(tmp_path) == [VALUE]


def test_a_large_array_is_mapped_and_a_small_one_holds_no_file(tmp_path: Path) -> None:
    pool: sl.Rows[Any] = sl.Rows(DATASETS["pool"])
    encode(sl.Vectors(pool, np.ones((MAPPED, 1), np.float32)), tmp_path / "large")
    encode(sl.Vectors(pool, np.ones((ROWS, 1), np.float32)), tmp_path / "small")
    assert isinstance(decode(tmp_path / "large", DATASETS.__getitem__).matrix, np.memmap)
    assert not isinstance(decode(tmp_path / "small", DATASETS.__getitem__).matrix, np.memmap)


def test_a_mapped_array_can_be_kept_again(tmp_path: Path) -> None:
    matrix = np.arange(MAPPED, dtype=np.float32).reshape(-1, 2)
    encode(sl.Vectors(sl.Rows(DATASETS["pool"]), matrix), tmp_path / "one")
    encode(decode(tmp_path / "one", DATASETS.__getitem__), tmp_path / "two")
    np.testing.assert_array_equal(decode(tmp_path / "two", DATASETS.__getitem__).matrix, matrix)


def test_numbers_of_numpy_are_kept_as_numbers(tmp_path: Path) -> None:
    labels = np.zeros(ROWS, np.int32)
    encode(sl.Clusters(sl.Rows(DATASETS["pool"]), labels, np.int64(3), names=[np.str_("a")]), tmp_path)  # type: ignore[arg-type]
    back = decode(tmp_path, DATASETS.__getitem__)
    assert (type(back.k), back.k, back.names) == (int, 3, ["a"])


def test_a_model_is_copied_with_what_its_links_point_to(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "empty").mkdir(mode=0o500)
    (source / "sub" / "weights.bin").write_bytes(b"\x00\xff")
    (tmp_path / "blob").write_text("blob")
    (source / "linked").symlink_to(tmp_path / "blob")
    encode(sl.Model(source), tmp_path / "entry")
    (tmp_path / "blob").unlink()
    path = decode(tmp_path / "entry", DATASETS.__getitem__).path
    assert path.is_relative_to(tmp_path / "entry")
    assert (path / "sub" / "weights.bin").read_bytes() == b"\x00\xff"
    assert (path / "linked").read_text() == "blob"
    assert not (path / "linked").is_symlink()
    (path / "empty" / "new").touch()  # the copy can be changed, and so deleted


def _model(folder: Path, kind: str) -> sl.Model:
    (folder / "model").mkdir()
    if kind == "dead link":
        (folder / "model" / "x").symlink_to(folder / "nothing")
    elif kind == "link in a circle":
        (folder / "model" / "x").symlink_to(folder / "model")
    elif kind == "pipe":
        os.mkfifo(folder / "model" / "x")
    elif kind == "file":
        (folder / "model" / "x").touch()
        return sl.Model(folder / "model" / "x")
    elif kind == "nothing":
        return sl.Model(folder / "nothing")
    return sl.Model(folder / "model")


@pytest.mark.parametrize("kind", ["dead link", "link in a circle", "pipe", "file", "nothing"])
def test_a_model_that_is_no_folder_of_files_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(sl.DataError, match="expected"):
        encode(_model(tmp_path, kind), tmp_path / "entry")


@pytest.mark.parametrize(
    "array",
    [
        np.array([{"a": 1}], dtype=object),
        np.array(["a", None], dtype=object),
        np.zeros(2, dtype=[("a", "i4")]),
        np.zeros(2, dtype=[("a", "O")]),
        np.zeros(2, dtype="V4"),
        np.array(["a"], dtype=np.dtypes.StringDType()),
    ],
    ids=lambda array: str(array.dtype),
)
def test_an_array_that_is_not_plain_is_refused(array: Any, tmp_path: Path) -> None:
    with pytest.raises(sl.DataError, match="expected an array"):
        encode(sl.Weights(array), tmp_path)


@pytest.mark.parametrize(
    "value", [3, [1.0], {"a": 1}, None, pytest.param(object(), id="object"), np.zeros(2)], ids=repr
)
def test_a_value_that_is_no_port_is_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(sl.DataError, match="expected one of Rows"):
        encode(value, tmp_path)


def test_a_field_that_is_no_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sl.DataError, match="a set cannot be kept"):
        encode(sl.Labels(sl.Rows(DATASETS["pool"]), np.zeros(ROWS, np.int8), {"easy"}), tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"type": "Rows"}', '{"type": "os.system", "value": {}}']
)
def test_a_folder_that_holds_no_value_is_an_error_that_names_it(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / VALUE).write_text(text)
    with pytest.raises(sl.DataError, match=str(tmp_path)):
        decode(tmp_path, DATASETS.__getitem__)


def test_a_pickle_in_place_of_an_array_is_not_loaded(tmp_path: Path) -> None:
    encode(sl.Weights(np.ones(2)), tmp_path)
    np.save(tmp_path / "values.npy", np.array([Path("x")], dtype=object), allow_pickle=True)
    with pytest.raises(sl.DataError):
        decode(tmp_path, DATASETS.__getitem__)


@unhurried
@given(
    name=st.text(string.printable) | st.sampled_from(["../x", "/etc/x", "a/b", "..", "", "\x00", "x" * 300])
)
def test_names_never_become_paths(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("outer") / "entry"
    encode(sl.Selection(sl.Rows(DATASETS["pool"]), why={name: np.ones(ROWS)}), folder)
    assert sorted(os.listdir(folder)) == [VALUE, "why.0.npy"]
    assert os.listdir(folder.parent) == ["entry"]


def test_json_is_readable(tmp_path: Path) -> None:
    encode(sl.Labels(sl.Rows(DATASETS["pool"]), np.zeros(ROWS, np.int8), ["schön"]), tmp_path)
    text = (tmp_path / VALUE).read_text()
    assert "schön" in text
    assert json.loads(text)["value"]["codes"] == {"array": "codes.npy"}


def test_importing_the_store_imports_no_numpy() -> None:
    code = "import sys, selectlang.store.codec, selectlang.store.store; sys.exit('numpy' in sys.modules)"
    root = Path(sl.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_an_array_made_where_the_entry_is_written_is_moved(tmp_path: Path) -> None:
    (tmp_path / "entry").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "entry")
    pool: sl.Rows[Any] = sl.Rows(DATASETS["pool"])
    for name, place in (("one", tmp_path / "entry"), ("two", tmp_path / "link")):
        made = np.lib.format.open_memmap(place / "made.npy", "w+", np.float32, (ROWS, 3))
        made[:] = np.arange(15).reshape(5, 3)
        file = (place / "made.npy").stat().st_ino
        encode(sl.Vectors(pool, made[1:]), place / f"part of {name}")  # a part is a copy
        encode(sl.Vectors(pool, made), place / name)
        assert (place / name / "matrix.npy").stat().st_ino == file
        assert not (place / "made.npy").exists()
        back = [decode(place / each, DATASETS.__getitem__).matrix for each in (f"part of {name}", name)]
        assert back[1].tolist() == np.arange(15).reshape(5, 3).tolist()
        assert back[0].tolist() == back[1][1:].tolist()


def test_an_array_of_another_folder_is_copied(tmp_path: Path) -> None:
    made = np.lib.format.open_memmap(tmp_path / "made.npy", "w+", np.float32, (ROWS, 3))
    encode(sl.Vectors(sl.Rows(DATASETS["pool"]), made), tmp_path / "entry" / "port")
    assert (tmp_path / "made.npy").exists()
