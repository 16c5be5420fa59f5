"""What the scores of rows say about their clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import selectlang as sl

from .._align import aligned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FLOOR = 1e-6
"""What a mean of 0 or less counts as in equation 6, as a part of the largest mean."""


@sl.merge
def cluster_weights(
    clusters: sl.Clusters[sl.P],
    scores: sl.Scores[sl.P],
    weights: sl.Weights[sl.P] | None = None,
    *,
    form: Literal["softmax_with_memory", "softmax", "equation_6"] = "softmax_with_memory",
    temperature: Annotated[float, sl.schema(exclusiveMinimum=0)] = 1.0,
) -> sl.Weights[sl.P]:
    """Weigh clusters by the mean score of their scored rows (arXiv:2409.11378, equations 5 and 6).

    With s the mean scores and w the weights before, equal in a first round: `equation_6` is w * s, divided
    by its sum; `softmax` is exp(s / temperature), divided by its sum, with no memory of w, as in the
    released code; `softmax_with_memory` is w * exp(s / temperature), divided by its sum. The paper leaves
    open what becomes of a mean of 0 or less in equation 6: it counts as a millionth of the largest mean,
    and when no mean is above 0 the weights stay as they were. A cluster without a scored row keeps its
    weight, in every form, and the others share what is left. Of scores with several columns the largest
    counts.

    Settings:
        form: equation_6, softmax, or softmax_with_memory
        temperature: the higher, the less the scores count; of the two softmax forms
    """
    import numpy as np

    k = clusters.k
    prior = np.full(k, 1 / k) if weights is None else np.asarray(weights.values, dtype=np.float64)
    if len(prior) != k:
        raise sl.DataError(f"there are weights of {len(prior)} clusters, expected {k}")
    means = _means(clusters, scores)
    scored = ~np.isnan(means)
    grown = np.zeros(k)
    if form == "equation_6":
        top = means[scored].max(initial=0.0)
        grown[scored] = prior[scored] * np.maximum(means[scored], FLOOR * top)
    else:
        logs = means[scored] / temperature
        before = prior[scored] if form == "softmax_with_memory" else 1.0
        grown[scored] = before * np.exp(logs - logs.max(initial=-np.inf))
    if grown.sum() == 0:
        return sl.Weights(prior)
    left = 1 - prior[~scored].sum()
    return sl.Weights(np.where(scored, left * grown / grown.sum(), prior))


def _means(clusters: sl.Clusters[sl.P], scores: sl.Scores[sl.P]) -> NDArray[np.float64]:
    """The mean score of each cluster, shape (k,); NaN where no row has one."""
    import numpy as np

    values: NDArray[Any] = aligned(scores.best(), scores.rows, clusters.rows)
    known = ~np.isnan(values)
    if np.isinf(values[known]).any():
        raise sl.DataError(
            "a score is infinite, so its cluster has no mean; look at how scores come about, and bound them"
        )
    total = np.bincount(clusters.labels[known], weights=values[known], minlength=clusters.k)
    count = np.bincount(clusters.labels[known], minlength=clusters.k)
    means: NDArray[np.float64] = np.divide(total, count, out=np.full(clusters.k, np.nan), where=count > 0)
    return means
