"""What a classifier learns from: rows with a verdict, drawn so that the verdicts weigh alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal

import selectlang as sl

from ._align import lookup, places

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Balance = Literal["subsample", "weight", "none"]
HeldOut = Annotated[float, sl.schema(minimum=0, maximum=0.5)]


@dataclass(frozen=True)
class Judged(Generic[sl.P]):
    """Rows with a verdict, each once, in the order of their ids: `codes` (rows,) indexes `verdicts`."""

    rows: sl.Rows[sl.P]
    codes: NDArray[np.int64]
    verdicts: list[str]

    def take(self, index: NDArray[np.int64]) -> Judged[sl.P]:
        """Some of them."""
        return Judged(self.rows.take(index), self.codes[index], self.verdicts)

    def counts(self) -> NDArray[np.int64]:
        """How many rows have each verdict: (verdicts,)."""
        import numpy as np

        return np.bincount(self.codes, minlength=len(self.verdicts))

    def weights(self, balance: Balance) -> NDArray[np.float64]:
        """What a row of each verdict counts, (verdicts,): the mean over the rows is 1."""
        import numpy as np

        counts = self.counts()
        if balance != "weight":
            return np.ones(len(counts))
        return len(self.codes) / np.maximum(counts, 1) / np.count_nonzero(counts)


def judged(labels: sl.Labels[sl.P]) -> Judged[sl.P]:
    """The rows that have a verdict; of a row that appears several times, the last counts."""
    import numpy as np

    verdicts = sorted(set(labels.values))
    last = places(labels.rows)[labels.rows.positions] == np.arange(len(labels.rows))
    index = np.flatnonzero(last & (labels.codes >= 0))
    names = labels.rows.take(index).ids()
    index = index[np.array(sorted(range(len(index)), key=names.__getitem__), np.int64)]
    codes = np.array([verdicts.index(value) for value in labels.values], np.int64)
    return Judged(labels.rows.take(index), codes[labels.codes[index]], verdicts)


def about(labels: sl.Labels[sl.P], rows: sl.Rows[sl.P]) -> sl.Labels[sl.P]:
    """The verdicts about some rows."""
    import numpy as np

    index = np.flatnonzero(lookup(rows, labels.rows) >= 0)
    return replace(labels, rows=labels.rows.take(index), codes=labels.codes[index], why={})


def check_several(known: Judged[Any]) -> None:
    """A DataError unless there are rows of two verdicts at least."""
    import numpy as np

    found = np.flatnonzero(known.counts())
    if len(found) > 1:
        return
    count = len(known.codes)
    only = f"all {count:,} rows that have one are {known.verdicts[found[0]]!r}" if count else "no row has one"
    raise sl.DataError(
        f"a classifier learns to tell verdicts apart, but {only}. Judge more rows (a larger batch), by "
        "another judge or against another model; if answers tie and so all are easy, use ties: hard."
    )


def parts(
    known: Judged[Any], held_out: float, balance: Balance, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which rows to learn from, and which to hold out; no row is in both.

    Of each verdict the same share is held out, rounded half up; of none, where it comes to no row of one.
    What remains is, for `subsample`, drawn down to as many rows of each verdict as the rarest has.
    """
    import numpy as np

    order = np.argsort(known.rows.draws(seed), kind="stable")
    each = [order[known.codes[order] == code] for code in np.flatnonzero(known.counts())]
    counts = [min(len(rows) - 1, int(held_out * len(rows) + 0.5)) for rows in each]
    counts = counts if min(counts) else [0] * len(each)
    rest = [rows[count:] for rows, count in zip(each, counts, strict=True)]
    if balance == "subsample":
        fewest = min(map(len, rest))
        rest = [rows[:fewest] for rows in rest]
    held = [rows[:count] for rows, count in zip(each, counts, strict=True)]
    return np.sort(np.concatenate(rest)), np.sort(np.concatenate(held))
