"""cluster: by_field."""

from __future__ import annotations

import pytest

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang_plugins.cluster.by_field import by_field

VALUES = ["web", "books", "web", None, 3, "3", ["b", "a"], ["b", "a"], {"y": 1, "x": "é"}, True, "", 1.5]


def rows(values: list[object]) -> sl.Rows[object]:
    records = [
        {"id": str(i), "prompt": "a", "completion": "b", "source": value} for i, value in enumerate(values)
    ]
    return sl.Rows(Dataset.from_records(records))


def test_every_value_is_a_cluster() -> None:
    found = by_field(rows(VALUES), field="source")
    assert found.names == ["", "1.5", "3", '["b", "a"]', "books", "null", "true", "web", '{"x": "é", "y": 1}']
    named = [found.names[label] for label in found.labels.tolist()]
    assert named[:8] == ["web", "books", "web", "null", "3", "3", '["b", "a"]', '["b", "a"]']
    assert named[8:] == ['{"x": "é", "y": 1}', "true", "", "1.5"]
    assert found.k == 9
    assert found.labels.dtype == "int32"
    assert found.centers is None
    assert found.distances is None


def test_numbers_follow_names_not_the_order_of_the_file() -> None:
    one, two = (
        by_field(rows(["b", "a", "c"]), field="source"),
        by_field(rows(["c", "b", "a"]), field="source"),
    )
    assert one.names == two.names == ["a", "b", "c"]
    assert one.labels.tolist() == [1, 0, 2]


def test_a_field_that_is_not_there() -> None:
    with pytest.raises(sl.DataError, match="sauce"):
        by_field(rows(["a"]), field="sauce")
