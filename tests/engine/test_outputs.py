"""Outputs as tables: written a group of rows at a time, and never held whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang.engine import outputs

COUNT, WIDTH = 11, 5


@pytest.fixture
def rows() -> sl.Rows[Any]:
    return sl.Rows(Dataset.from_records([{"prompt": f"p{i}"} for i in range(COUNT)]))


def vectors(rows: sl.Rows[Any]) -> sl.Vectors[Any]:
    return sl.Vectors(rows, np.arange(COUNT * WIDTH, dtype=np.float32).reshape(COUNT, WIDTH))


VALUES = {
    "scores": lambda rows: sl.Scores(rows, np.arange(COUNT, dtype=np.float64)),
    "vectors": vectors,
    "clusters": lambda rows: sl.Clusters(
        rows, np.arange(COUNT, dtype=np.int32) % 3, 3, names=["a", "b", "c"]
    ),
    "labels": lambda rows: sl.Labels(rows, np.arange(COUNT, dtype=np.int32) % 2 - 1, ["yes"]),
    "replies": lambda rows: sl.Replies(sl.Rows(rows.data, None, [f"r{i}" for i in range(COUNT)])),
}


def written(value: Any, folder: Path) -> pa.Table:
    """A value as it is written, in its groups."""
    found = outputs.output(folder / "out", value, {})
    with pq.ParquetFile(folder / found["file"]) as file:
        return pa.concat_tables([file.read_row_group(i) for i in range(file.num_row_groups)])


@pytest.mark.parametrize("name", VALUES)
def test_tables_are_written_by_groups_of_rows(
    name: str, rows: sl.Rows[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = VALUES[name](rows)
    whole = written(value, tmp_path)
    assert [len(chunk) for chunk in whole.column(0).chunks] == [COUNT]
    asked, ids = [], sl.Rows.ids
    monkeypatch.setattr(sl.Rows, "ids", lambda self: asked.append(len(self)) or ids(self))
    monkeypatch.setattr(outputs, "GROUP", 4)
    parts = written(value, tmp_path)
    assert parts.equals(whole)
    assert asked == [len(chunk) for chunk in parts.column(0).chunks] == [4, 4, 3]


def test_vectors_of_no_numbers_have_no_column(rows: sl.Rows[Any], tmp_path: Path) -> None:
    parts = written(sl.Vectors(rows, np.empty((COUNT, 0), np.float32)), tmp_path)
    assert parts.column_names == ["id"]
    assert len(parts) == COUNT


def test_wide_vectors_are_written_by_smaller_groups(
    rows: sl.Rows[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for numbers, sizes in (12, [2] * 5 + [1]), (1, [1] * COUNT):
        monkeypatch.setattr(outputs, "NUMBERS", numbers)
        parts = written(vectors(rows), tmp_path)
        assert [len(chunk) for chunk in parts.column(0).chunks] == sizes
        assert np.stack(parts["vector"].to_numpy()).ravel().tolist() == list(range(COUNT * WIDTH))
