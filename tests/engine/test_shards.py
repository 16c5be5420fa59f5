"""Scores with many columns: joined, kept, ranked and written out without being held in memory."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

import selectlang as sl
from selectlang.engine import outputs
from selectlang.engine.joining import joined
from selectlang.errors import MethodError
from selectlang.store.codec import decode, encode
from selectlang.store.entry import walk
from selectlang.store.layout import slot
from selectlang_plugins.budget.round_robin import round_robin
from selectlang_plugins.budget.top import top
from tests.methods._data import amount, chosen, numbered, rows_of

Make = Callable[..., Any]
ROWS, COLUMNS, SHARD = 6000, 400, 100


@pytest.fixture(scope="module")
def values() -> NDArray[np.float32]:
    found = np.random.default_rng(0).random((ROWS, COLUMNS), np.float32)
    found[found < 0.01] = np.nan
    return found


def parts(values: NDArray[np.float32], pool: sl.Rows[Any]) -> Iterator[sl.Scores[Any]]:
    names = [str(i) for i in range(COLUMNS)]
    for start in range(0, ROWS, SHARD):
        index = np.arange(start, start + SHARD)
        nearest = np.repeat((index % 7).astype(np.int32)[:, None], COLUMNS, axis=1)
        yield sl.Scores(pool.take(index), values[index], names, nearest, list("abcdefg"))


def test_from_shard_to_table_no_matrix_is_held(
    tmp_path: Path, values: NDArray[np.float32], peak: Callable[[Callable[[], object]], int]
) -> None:
    pool = numbered(ROWS)
    by_hand = round_robin(sl.Scores(pool, values, list(map(str, range(COLUMNS)))), size=amount(900), seed=0)
    best = top(sl.Scores(pool, values, list(map(str, range(COLUMNS)))), size=amount(900), seed=0)
    found: list[Any] = []

    def whole() -> None:
        encode(joined(sl.Scores, pool, parts(values, pool), tmp_path), tmp_path / "port")
        kept = decode(tmp_path / "port", lambda key: pool.data)
        turns = round_robin(kept, size=amount(900), seed=0)
        found.extend((kept, turns, top(kept, size=amount(900), seed=0)))

    assert peak(whole) < values.nbytes / 4
    kept, turns, highest = found
    assert np.array_equal(kept.values, values, equal_nan=True)
    assert np.array_equal(kept.nearest[:, 3], np.arange(ROWS) % 7)
    assert kept.values.flags.f_contiguous  # a column is read without the others
    for choice, expected in ((turns, by_hand), (highest, best)):
        assert chosen(choice) == chosen(expected)
        for name in ("group", *(["turn"] if choice is turns else [])):
            assert choice.selection.why[name].tolist() == expected.selection.why[name].tolist()
    assert set(turns.selection.why["target"].tolist()) == set("abcdefg")


def test_a_table_of_many_columns_is_written_in_parts(
    tmp_path: Path, values: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "NUMBERS", 100 * COLUMNS)
    pool = numbered(250)
    outputs.output(tmp_path / "scores", sl.Scores(pool, values[:250]), {})
    outputs.output(tmp_path / "vectors", sl.Vectors(pool, values[:250, :200]), {})
    outputs.output(tmp_path / "one", sl.Scores(pool, values[:250, 0]), {})
    files = {name: pq.ParquetFile(tmp_path / f"{name}.parquet") for name in ("scores", "vectors", "one")}
    assert {name: file.num_row_groups for name, file in files.items()} == {
        "scores": 3, "vectors": 2, "one": 1,
    }  # fmt: skip
    found = files["scores"].read()
    assert found.column_names == ["id", *(f"score {i}" for i in range(COLUMNS))]
    assert np.array_equal(found["score 7"].to_numpy(), values[:250, 7], equal_nan=True)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_an_error_before_anything_is_written(
    tmp_path: Path, values: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", full)
    pool = numbered(ROWS)
    with pytest.raises(OSError, match="No space left"):
        joined(sl.Scores, pool, parts(values, pool), tmp_path)


def test_a_full_disk_is_no_fault_of_the_method(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = project({"s.yaml": SPEC, "plugins/odd.py": PLUGIN, "pool.jsonl": pool(11)})
    monkeypatch.setattr(os, "posix_fallocate", full)
    run = "selectlang run s.yaml --set pool=pool.jsonl --plugins plugins --out out"
    done = p.run(run)
    assert done.code == 1
    assert f"vectors: cannot join batches in folder {p.store / 'tmp'}: No space left on device; " in done.err
    p.write(
        {"plugins/odd.py": PLUGIN.replace("shard_rows, batch_rows = 4, 3", "shard_rows = 4")}
    )  # no batches
    again = p.run(run)
    assert again.code == 1
    assert "cannot write to the store, folder" in again.err


PLUGIN = """
import numpy as np
import selectlang as sl

class Odd:
    "Numbers of each row."
    shard_rows, batch_rows = 4, 3
    def __init__(self) -> None: ...
    def numbers(self, rows):
        return np.array([[len(name), int(name[1:])] for name in rows.ids()], np.float32)

@sl.embed
class odd(Odd):
    "Two numbers of each row."
    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Vectors[sl.P]:
        return sl.Vectors(rows, self.numbers(rows))

@sl.score
class both(Odd):
    "Two numbers of each row."
    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Scores[sl.P]:
        return sl.Scores(rows, self.numbers(rows), ["length", "number"])

@sl.hookimpl
def register_methods(register):
    register(odd)
    register(both)
"""
SPEC = """
selectlang: 1
name: t
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  vectors: {embed: odd, from: pool}
  numbers: {score: both, from: pool}
outputs: {vectors: vectors, numbers: numbers}
"""


@pytest.mark.parametrize("store", ["store", "link/store"])
def test_an_entry_holds_its_values_and_nothing_else(project: Make, pool: Make, store: str) -> None:
    p = project({"s.yaml": SPEC, "plugins/odd.py": PLUGIN, "pool.jsonl": pool(11), "real/x": ""})
    (p.folder / "link").symlink_to(p.folder / "real")
    p.environment["SELECTLANG_STORE"] = store
    done = p.run("selectlang run s.yaml --set pool=pool.jsonl --plugins plugins --out out").ok()
    assert [row["score number"] for row in done.rows("numbers")] == list(range(11))
    assert [row["vector"] for row in done.rows("vectors")] == [[len(f"r{i}"), i] for i in range(11)]
    for name, array in (("vectors", "matrix"), ("numbers", "values")):
        found, folders = walk(slot(p.folder / store, done.keys[name]))
        assert set(found) == {"meta.json", f"port_/{array}.npy", "port_/value.json"}
        assert folders == {"port_"}


def test_shards_of_other_precision_lose_none(tmp_path: Path) -> None:
    pool, third = rows_of(["a", "b"]), 1 / 3
    for shape in ((1,), (1, 1)):
        made = [
            sl.Scores(pool.take([i]), np.full(shape, third, kind))
            for i, kind in enumerate((np.float32, np.float64))
        ]
        found = joined(sl.Scores, pool, iter(made), tmp_path).values
        assert found.ravel().tolist() == [float(np.float32(third)), third]
    assert [path.name for path in tmp_path.iterdir()] == ["float64 values.npy"], "the narrow one is gone"


def test_targets_of_a_wider_type_are_not_cut(tmp_path: Path) -> None:
    pool = rows_of(["a", "b"])
    made = [
        sl.Scores(pool.take([i]), np.ones((1, 2)), None, np.full((1, 2), target, kind), ["x"] * 300)
        for i, (target, kind) in enumerate([(7, np.int8), (299, np.int64)])
    ]
    found = joined(sl.Scores, pool, iter(made), tmp_path).nearest
    assert found.tolist() == [[7, 7], [299, 299]]


def test_no_rows_have_columns(tmp_path: Path) -> None:
    none = numbered(3).take(np.arange(0))
    nothing = sl.Scores(none, np.empty((0, 2)), ["a", "b"])
    found = joined(sl.Scores, none, iter([nothing]), tmp_path)
    assert (found.values.shape, found.columns) == ((0, 2), ["a", "b"])


def test_shards_of_other_columns_are_refused(tmp_path: Path) -> None:
    pool = rows_of(["a", "b"])
    made = [sl.Scores(pool.take([i]), np.ones((1, 1)), [name]) for i, name in enumerate("xy")]
    with pytest.raises(MethodError, match=r"columns \['y'\] after scores of shape"):
        joined(sl.Scores, pool, iter(made), tmp_path)
