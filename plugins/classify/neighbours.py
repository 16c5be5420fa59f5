"""classify: neighbours"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import selectlang as sl

from .. import _classifiers, _verdicts
from .._vectors import unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@sl.classify
def neighbours(
    vectors: sl.Vectors[sl.P],
    labels: sl.Labels[sl.P],
    fresh: sl.Labels[sl.P] | None = None,
    previous: sl.Model | None = None,
    *,
    k: Annotated[int, sl.schema(minimum=1)] = 15,
    balance: _verdicts.Balance = "subsample",
    held_out: _verdicts.HeldOut = 0.1,
    seed: int,
    scratch: Path,
) -> _classifiers.Classified:
    """Keep the vectors of rows with a verdict, to ask the nearest of them, by cosine: no training at all.

    The probability of a verdict is its share among the `k` nearest rows, or among as many as the rarest
    verdict has, where these are fewer: all rows together would say the same of everything.

    `accuracy` is that of the `previous` classifier, which has not seen them, on the verdicts of `fresh`: NaN
    where there is none yet. Without `fresh` it is `held_out`: the accuracy of this classifier on the rows
    held out of what it keeps, NaN where the share comes to no row of a verdict. Rows without a verdict are
    left out; a DataError when all others have the same.

    Settings:
        k: how many rows are asked, at most
        balance: subsample keeps as many rows of each verdict as the rarest has (IterSelectTune,
            arXiv:2410.13464), weight lets a row count the more the rarer its verdict, none keeps rows as they
            are
        held_out: the share of the rows of each verdict that is held out
    """
    folder, points = scratch / "classifier", _classifiers.Points(vectors)

    def teach(learnt: _verdicts.Judged[sl.P], _: _verdicts.Judged[sl.P]) -> None:
        import numpy as np

        np.save(folder / "vectors.npy", unit(points(learnt.rows)))
        np.save(folder / "codes.npy", learnt.codes)
        np.save(folder / "counted.npy", learnt.weights(balance))

    return _classifiers.learn(
        labels,
        fresh,
        previous,
        {"method": "neighbours", "k": k},
        folder,
        teach,
        lambda model: Nearest(model, points),
        balance=balance,
        held_out=held_out,
        seed=seed,
    )


class Nearest:
    """Rows with verdicts in a folder, ready to be asked."""

    def __init__(self, model: _classifiers.Classifier, points: _classifiers.Points) -> None:
        import faiss
        import numpy as np

        self.points = points
        matrix = model.array("vectors")
        codes = model.array("codes")
        self.votes = np.diag(model.array("counted"))[codes]  # (rows, verdicts)
        self.k = min(int(model.about["k"]), int(np.unique(codes, return_counts=True)[1].min()))
        self.index = faiss.IndexFlatIP(matrix.shape[1])
        self.index.add(matrix)

    def __call__(self, rows: sl.Rows[Any]) -> NDArray[np.float64]:
        """The probability of each verdict: (rows, verdicts)."""
        _, nearest = self.index.search(unit(self.points(rows, self.index.d)), self.k)
        votes = self.votes[nearest].sum(axis=1)
        found: NDArray[np.float64] = votes / votes.sum(axis=1, keepdims=True)
        return found
