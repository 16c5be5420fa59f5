"""Numbers that stand in the data."""

from __future__ import annotations

import math
from typing import Any, Literal

import selectlang as sl


@sl.score
def from_field(
    rows: sl.Rows[sl.P], *, field: str, missing: Literal["keep", "error"] = "keep"
) -> sl.Scores[sl.P]:
    """Score each row by the number in one of its fields.

    Numbers, true and false (1 and 0), and strings that hold a number will do. A field that is absent,
    null, empty or NaN is a missing score. Anything else is an error that names the row.

    Settings:
        field: the name of the field
        missing: keep rows without a number, with a missing score, or raise an error
    """
    import numpy as np

    values = rows.field(field)
    numbers = np.array([_number(value) for value in values], dtype=np.float64)
    wrong = np.isinf(numbers) if missing == "keep" else ~np.isfinite(numbers)
    if wrong.any():
        at = int(np.argmax(wrong))
        row = rows.take(np.array([at])).ids()[0]
        raise sl.DataError(
            f"field {field!r} of row {row!r} is {values[at]!r}, expected a number"
            + (f" ({int(wrong.sum()):,} rows are like that)" if wrong.sum() > 1 else "")
        )
    return sl.Scores(rows, numbers)


def _number(value: Any) -> float:
    """The number that a value holds: NaN if it is missing, infinite if it is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.inf
    return math.inf if isinstance(value, str) and math.isnan(number) else number
