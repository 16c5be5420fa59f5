"""score: length, constant, from_field, random"""

from __future__ import annotations

import json
import math
import shutil
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang.data.ingest import ingest
from selectlang.data.source import DataSpec
from selectlang.draws import id_hash, uniform
from selectlang_plugins.score.constant import constant
from selectlang_plugins.score.from_field import from_field
from selectlang_plugins.score.length import length
from selectlang_plugins.score.random import random_

from ._data import numbered, rows_of

TALK = rows_of(["add one, two!", "say  ünïcode 語"], output=["three.", ""])


@pytest.mark.parametrize(
    "unit,text,expected",
    [
        ("tokens", "full", [7, 3]),
        ("tokens", "instruction", [5, 3]),
        ("tokens", "response", [2, 0]),
        ("words", "full", [4, 3]),
        ("words", "response", [1, 0]),
        ("characters", "instruction", [13, 14]),
        ("characters", "response", [6, 0]),
    ],
)
def test_length(unit: Any, text: Any, expected: list[int]) -> None:
    found = length(unit=unit, text=text)(TALK)
    assert found.values.tolist() == expected
    assert found.rows is TALK


def test_length_counts_as_rows_do() -> None:
    assert length()(TALK).values.tolist() == TALK.tokens().tolist()


def test_length_of_no_rows() -> None:
    assert length()(TALK.take(np.array([], int))).values.shape == (0,)


def test_length_in_the_tokens_of_a_model(models: dict[str, Path]) -> None:
    rows = rows_of(["add the two numbers", "apple"], output=["is one", "c"])
    found = length(model=str(models["llama"]))
    assert found(rows).values.tolist() == [6, 2], "its tokens are words, and <s> does not count"
    assert found(rows.take(np.array([], int))).values.shape == (0,)


def test_length_runs_no_code_of_a_model(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it ask whether it may: transformers would, where nobody has said that it must not."""
    folder, ran = tmp_path / "model", tmp_path / "ran"
    shutil.copytree(models["llama"], folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings |= {"tokenizer_class": "Custom", "auto_map": {"AutoTokenizer": ["custom.Custom", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "custom.py").write_text(f"import pathlib\npathlib.Path({str(ran)!r}).touch()\n")
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda *text: asked.append(str(text)) or "y")
    with suppress(sl.DataError):
        length(model=str(folder))
    assert (asked, ran.exists()) == ([], False)


def test_length_in_words_has_no_use_for_a_model() -> None:
    with pytest.raises(sl.DataError, match="has no use"):
        length(unit="words", model="gpt2")


def test_constant() -> None:
    assert constant(numbered(3)).values.tolist() == [1, 1, 1]
    assert constant(numbered(2), value=-0.5).values.tolist() == [-0.5, -0.5]


def test_random_follows_from_id_and_seed() -> None:
    rows = numbered(500)
    found = random_(rows, seed=7).values
    assert ((found > 0) & (found < 1)).all()
    assert 0.4 < found.mean() < 0.6
    assert len(set(found.tolist())) == 500
    np.testing.assert_array_equal(random_(rows.take(np.arange(500)[::-1]), seed=7).values, found[::-1])
    assert (random_(rows, seed=8).values != found).all()


def test_from_field_reads_numbers() -> None:
    rows = rows_of("abcdefgh", quality=[1, 2.5, "3", " -4e2 ", True, False, None, ""])
    found = from_field(rows, field="quality").values
    np.testing.assert_array_equal(found, [1, 2.5, 3, -400, 1, 0, math.nan, math.nan])


def test_from_field_reads_the_decimals_of_a_table(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    prices = pa.array([Decimal("1.50"), None])
    pq.write_table(pa.table({"prompt": ["a", "b"], "price": prices}), tmp_path / "a.parquet")
    (tmp_path / "read").mkdir()
    ingest(DataSpec((str(tmp_path / "a.parquet"),)), tmp_path / "read", lambda rows: None)
    rows: sl.Rows[Any] = sl.Rows(Dataset.open(tmp_path / "read", "key"))
    np.testing.assert_array_equal(from_field(rows, field="price").values, [1.5, math.nan])


@pytest.mark.parametrize("value", ["high", [1], {"a": 1}, "inf", "nan", "1,5", "1e999"])
def test_from_field_names_the_row_of_what_is_no_number(value: Any) -> None:
    rows = rows_of("ab", quality=[1, value])
    with pytest.raises(sl.DataError) as error:
        from_field(rows, field="quality")
    assert "field 'quality' of row 'b' is " + repr(value) in str(error.value)
    assert "expected a number" in str(error.value)


def test_from_field_may_refuse_missing_numbers() -> None:
    rows = rows_of("abc", quality=[1, None, None])
    with pytest.raises(sl.DataError, match=r"of row 'b' is None, expected a number \(2 rows are like that\)"):
        from_field(rows, field="quality", missing="error")


def test_from_field_that_no_row_has() -> None:
    with pytest.raises(sl.DataError, match="quality"):
        from_field(rows_of("a", quality=[1]), field="qualty")


def test_draws_are_within_0_and_1_for_any_hash() -> None:
    """The finaliser of splitmix64 turns 0 into 0, and this number into 64 ones."""
    ends = np.array([0, 0xCF9A04AFFA6BADC0], np.uint64) ^ np.uint64(id_hash("7"))
    assert uniform(ends, 7).tolist() == [2.0**-53, 1 - 2.0**-53]
