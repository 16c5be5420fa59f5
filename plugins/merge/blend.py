"""The weighted mean of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import selectlang as sl

from .._align import aligned, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def _together(scores: Sequence[object], share: float | None) -> None:
    if share is not None and len(scores) < 2:
        raise sl.DataError("blend has a share but one input; give it another, or leave the share out")


@sl.merge(check=_together)
def blend(
    scores: list[sl.Scores[sl.P]], *, share: Annotated[float | None, sl.schema(minimum=0, maximum=1)] = None
) -> sl.Scores[sl.P]:
    """Average scores about the same rows, by what is known.

    A missing score drops out and the weights of the others grow to fill its place; a row is missing when
    it has no score of any weight. Scores with several columns count as the mean of those known, so that
    a blend of one input with a column a group is the mean-max of RDS+ (arXiv 2503.01807, Table 7). The
    result speaks about every row that an input speaks about. Scores of different scales are not made
    alike: `rank_mean` does that.

    Settings:
        share: the weight of the first input; the others divide the rest equally. Without it all are
            equal
    """
    import numpy as np

    _together(scores, share)
    rows = together([part.rows for part in scores])
    total, weight = np.zeros(len(rows)), np.zeros(len(rows))
    for at, part in enumerate(scores):
        own = 1.0 if share is None else share if at == 0 else (1 - share) / (len(scores) - 1)
        values = aligned(mean(part.values), part.rows, rows)
        known = ~np.isnan(values)
        total[known] += own * values[known]
        weight[known] += own
    return sl.Scores(rows, np.divide(total, weight, out=np.full(len(rows), np.nan), where=weight > 0))


def mean(values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """One number a row: the mean of the known columns; NaN where all are missing."""
    import numpy as np

    if values.ndim == 1:
        return values
    total, known = np.zeros(len(values)), np.zeros(len(values))
    for column in values.T:  # one at a time: a copy of all would double the memory
        total += np.where(np.isnan(column), 0, column)
        known += ~np.isnan(column)
    found: NDArray[np.float64] = np.divide(total, known, out=np.full(len(values), np.nan), where=known > 0)
    return found
