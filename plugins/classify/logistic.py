"""classify: logistic"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import selectlang as sl

from .. import _classifiers, _verdicts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@sl.classify
def logistic(
    vectors: sl.Vectors[sl.P],
    labels: sl.Labels[sl.P],
    fresh: sl.Labels[sl.P] | None = None,
    previous: sl.Model | None = None,
    *,
    C: Annotated[float, sl.schema(exclusiveMinimum=0)] = 1.0,  # noqa: N803 - the name it has everywhere
    balance: _verdicts.Balance = "subsample",
    held_out: _verdicts.HeldOut = 0.1,
    seed: int,
    scratch: Path,
) -> _classifiers.Classified:
    """Learn verdicts from vectors: a logistic regression, in seconds and without torch.

    Vectors are scaled together, to a mean square length of 1, so that `C` means the same for all. With more
    than two verdicts, one regression tells all of them apart.

    `accuracy` is that of the `previous` classifier, which has not seen them, on the verdicts of `fresh`: NaN
    where there is none yet. Without `fresh` it is `held_out`: the accuracy of this classifier on the rows
    held out of what it learns from, NaN where the share comes to no row of a verdict. Rows without a verdict
    are left out; a DataError when all others have the same.

    Settings:
        C: how far the weights may follow the data; small values keep them near 0
        balance: subsample draws as many rows of each verdict as the rarest has (IterSelectTune,
            arXiv:2410.13464), weight lets all verdicts count alike, none takes rows as they are
        held_out: the share of the rows of each verdict that is held out
    """
    folder, points = scratch / "classifier", _classifiers.Points(vectors)

    def teach(learnt: _verdicts.Judged[sl.P], _: _verdicts.Judged[sl.P]) -> None:
        import numpy as np

        weights, bias = _fit(points(learnt.rows), learnt, C, learnt.weights(balance))
        np.save(folder / "weights.npy", weights)
        np.save(folder / "bias.npy", bias)

    return _classifiers.learn(
        labels,
        fresh,
        previous,
        {"method": "logistic"},
        folder,
        teach,
        lambda model: Linear(model, points),
        balance=balance,
        held_out=held_out,
        seed=seed,
    )


def _fit(
    matrix: NDArray[np.float32], learnt: _verdicts.Judged[Any], c: float, counted: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (verdicts, dimension) and bias (verdicts,); a verdict that no row has gets a bias of -inf."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    scale = np.sqrt(np.square(matrix, dtype=np.float64).sum(axis=1).mean()) or 1.0
    found = LogisticRegression(C=c, max_iter=1000).fit(
        matrix / scale, learnt.codes, sample_weight=counted[learnt.codes]
    )
    weights = np.zeros((len(learnt.verdicts), matrix.shape[1]))
    bias = np.full(len(learnt.verdicts), -np.inf)
    present = found.classes_
    bias[present] = 0
    if len(present) == 2:  # scikit-learn gives the second against the first
        present = present[1:]
    weights[present] = found.coef_ / scale
    bias[present] = found.intercept_
    return weights, bias


class Linear:
    """A logistic regression in a folder, ready to be applied."""

    def __init__(self, model: _classifiers.Classifier, points: _classifiers.Points) -> None:
        self.points = points
        self.weights, self.bias = model.array("weights"), model.array("bias")

    def __call__(self, rows: sl.Rows[Any]) -> NDArray[np.float64]:
        """The probability of each verdict: (rows, verdicts)."""
        from scipy.special import softmax

        matrix = self.points(rows, self.weights.shape[1])
        found: NDArray[np.float64] = softmax(matrix @ self.weights.T + self.bias, axis=1)
        return found
