"""The values that flow between stages, which are also the types that methods declare for their ports.

All of them are generic in the data set they speak about: a method that joins two data sets writes
`Vectors[P]` and `Vectors[Q]`; a method about one writes no variable at all. A value about rows holds
`rows`, the rows it speaks about, and arrays aligned with them: entry `i` belongs to row `i` of `rows`.
A missing number is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from selectlang.errors import DataError
from selectlang.rows import P, Rows

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Q = TypeVar("Q")


@dataclass(frozen=True)
class Vectors(Generic[P]):
    """One vector a row: `matrix` is float32 of shape (len(rows), dimension), memory-mapped when read back."""

    rows: Rows[P]
    matrix: NDArray[np.float32]


@dataclass(frozen=True)
class Clusters(Generic[P]):
    """One cluster a row.

    `labels` is int32 of shape (len(rows),): 0 to k-1. `distances` (len(rows),) is the distance of each
    row to its own centre and `centers` (k, dimension) are the centres; None for clusters without
    geometry. `names` are the names of clusters that have one, such as the values of a field.
    """

    rows: Rows[P]
    labels: NDArray[np.int32]
    k: int
    distances: NDArray[np.float32] | None = None
    centers: NDArray[np.float32] | None = None
    names: list[str] | None = None


@dataclass(frozen=True)
class Scores(Generic[P]):
    """Numbers about rows, the higher the better.

    `values` has shape (len(rows),), or (len(rows), len(columns)) when there is a column for each target
    group or target row. `nearest`, where known, has the shape of `values` and indexes `nearest_ids`:
    the target row each number came from.
    """

    rows: Rows[P]
    values: NDArray[np.floating[Any]]
    columns: list[str] | None = None
    nearest: NDArray[np.int32] | None = None
    nearest_ids: list[str] | None = None

    def best(self) -> NDArray[np.floating[Any]]:
        """One number a row: the largest over the columns; NaN where all are missing."""
        import numpy as np

        if self.values.ndim == 1:
            return self.values
        if self.values.shape[1] == 0:
            return np.full(len(self.rows), np.nan)
        best: NDArray[np.floating[Any]] = np.fmax.reduce(self.values, axis=1)
        return best

    def best_column(self) -> NDArray[np.int64]:
        """The column of each row's largest number: the first of equals; 0 where all are missing."""
        import numpy as np

        best = np.full(len(self.rows), -np.inf)
        column = np.zeros(len(self.rows), np.int64)
        for i, values in enumerate(self.values.T if self.values.ndim > 1 else ()):  # there may be thousands
            better = np.flatnonzero(values > best)
            best[better], column[better] = values[better], i
        return column


@dataclass(frozen=True)
class Labels(Generic[P]):
    """Verdicts about rows: `codes` (int8, one a row) indexes `values`, such as ["easy", "hard"].

    A row without a verdict has code -1. `values` lists every verdict that there can be, whether a row has
    it or not; only those that were given where not `complete`. `why` has one entry a row under each name:
    what else is known of how it was judged, such as which answer the judge saw first.
    """

    rows: Rows[P]
    codes: NDArray[np.int8]
    values: list[str]
    why: dict[str, NDArray[Any]] = field(default_factory=dict)
    complete: bool = True

    def having(self, value: str) -> Selection[P]:
        """The rows whose verdict is `value`, in order; what `stage.value` stands for in a spec.

        A DataError when there can be no such verdict.
        """
        import numpy as np

        if value not in self.values and self.complete and len(self.rows):
            raise DataError(f"there is no verdict {value!r}; there are: {', '.join(self.values)}")
        code = self.values.index(value) if value in self.values else len(self.values)
        return Selection(self.rows.take(np.flatnonzero(self.codes == code)))


@dataclass(frozen=True)
class Selection(Generic[P]):
    """Chosen rows: ordered, possibly with repeats. Usable wherever rows are.

    `scores` (len(rows),) is the number each row was chosen by, if any. `why` has one entry a row under
    each name: what else decided, such as the group or the cluster. `notes` are sentences for people,
    such as a budget that could not be met.
    """

    rows: Rows[P]
    scores: NDArray[np.floating[Any]] | None = None
    why: dict[str, NDArray[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Replies(Generic[P]):
    """What a model answered: `rows` read with the model's responses in place of their own."""

    rows: Rows[P]


@dataclass(frozen=True)
class Weights(Generic[P]):
    """A weight for each cluster of one clustering: `values` has shape (k,), none negative, sum 1."""

    values: NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """A trained model: a folder in the format of its library."""

    path: Path


class Metric(float):
    """A number about a stage, for `until`."""


PORTS: tuple[type[Any], ...] = (
    Rows, Vectors, Clusters, Scores, Labels, Selection, Replies, Weights, Model, Metric,
)  # fmt: skip
"""Every port type, in the order of the documentation."""
