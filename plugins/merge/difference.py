"""What one score has over another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import selectlang as sl

from .._align import aligned, together

if TYPE_CHECKING:
    from collections.abc import Sequence


def _two(scores: Sequence[object]) -> None:
    if len(scores) != 2:
        raise sl.DataError(f"difference takes two scores, the first minus the second; found {len(scores)}")


@sl.merge(check=_two)
def difference(scores: list[sl.Scores[sl.P]]) -> sl.Scores[sl.P]:
    """Subtract the second of two scores from the first, row by row.

    Of a row's own answer and a model's answer to it, this is the gap of Diversify and Conquer
    (arXiv:2409.11378): equation 4 with a reward or a judge, equation 7 with `perplexity`, whose value `nll`
    is the logarithm in it. Columns of the same names are subtracted one by one, otherwise scores with
    several columns count as their largest. The result speaks about every row that an input speaks about; it
    is missing where one of them is.
    """
    _two(scores)
    first, second = scores
    rows = together([first.rows, second.rows])
    alike = first.columns is not None and first.columns == second.columns
    one, other = (
        aligned(part.values if alike else part.best(), part.rows, rows).astype("float64") for part in scores
    )
    return sl.Scores(rows, one - other, first.columns if alike else None)
