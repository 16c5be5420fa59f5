"""Data sets and values of a few rows for the tests of budgets, merges and simple scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import settings

import selectlang as sl
from selectlang.data.dataset import Dataset

settings.register_profile("untimed", deadline=None)  # the first example may import a library
settings.load_profile("untimed")


def rows_of(names: Iterable[str], **fields: Sequence[Any]) -> sl.Rows[Any]:
    """Rows with these ids, and these fields; the text of a row is its id."""
    columns = {"instruction": list(names), **fields}
    columns.setdefault("output", ["yes"] * len(columns["instruction"]))
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return sl.Rows(Dataset.from_records([{"id": row["instruction"], **row} for row in records], id="id"))


@lru_cache(maxsize=64)
def numbered(count: int) -> sl.Rows[Any]:
    """Rows with the ids "0", "1" and so on."""
    return rows_of(map(str, range(count)))


def pick(rows: sl.Rows[Any], index: Sequence[int]) -> sl.Selection[Any]:
    return sl.Selection(rows.take(np.array(index, dtype=np.int64)))


def scores(values: Any, columns: list[str] | None = None, rows: sl.Rows[Any] | None = None) -> sl.Scores[Any]:
    array = np.array(values, dtype=np.float64)
    return sl.Scores(numbered(len(array)) if rows is None else rows, array, columns)


def chosen(choice: Any) -> list[int]:
    """The numbers of the chosen rows, in order."""
    return [int(name) for name in choice.selection.rows.ids()]


def amount(given: int | str) -> sl.Amount:
    return sl.Amount.parse(given)


def chi_square(counts: Any, expected: Any) -> float:
    """How far counts are from what is expected, in standard deviations of the statistic."""
    counts, expected = np.array(counts, dtype=float), np.array(expected, dtype=float)
    used = expected > 0
    assert (counts[~used] == 0).all()
    degrees = used.sum() - 1
    statistic = ((counts - expected)[used] ** 2 / expected[used]).sum()
    return float((statistic - degrees) / np.sqrt(2 * degrees))
