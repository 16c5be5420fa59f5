"""The law by which rows of a cluster are drawn, in logarithms: softmax stays finite for any scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]


def below_peak(logs: Floats, labels: Ints, k: int) -> NDArray[np.float64]:
    """Logarithms of weights less the largest of their cluster; 0 where a cluster has no weight at all.

    Where the largest is infinite, the rows that have it share all weight.
    """
    import numpy as np

    logs = np.where(np.isnan(logs), -np.inf, logs).astype(np.float64)
    peaks = np.full(k, -np.inf)
    np.maximum.at(peaks, labels, logs)
    logs[np.isneginf(peaks)[labels]] = 0.0
    peaks[np.isneginf(peaks)] = 0.0
    peaks = peaks[labels]
    found: NDArray[np.float64] = np.subtract(logs, peaks, out=np.zeros_like(logs), where=logs != peaks)
    return found


def chances(logs: NDArray[np.float64], labels: Ints, k: int) -> NDArray[np.float64]:
    """The probability of each row in one draw from its cluster."""
    import numpy as np

    weights = np.exp(logs)
    found: NDArray[np.float64] = weights / np.bincount(labels, weights, minlength=k)[labels]
    return found


def gumbel(logs: NDArray[np.float64], draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers whose order, highest first, is that of drawing by the weights without replacement."""
    import numpy as np

    return logs - np.log(-np.log(draws))


def again(
    chances: NDArray[np.float64], by_label: Ints, room: Ints, counts: Ints, seed: int
) -> NDArray[np.int64]:
    """Draw counts[j] rows of each cluster j with replacement.

    `by_label` is the index of the rows, cluster by cluster, in an order that does not depend on the
    file; `room` is the number of rows of each cluster, above 0 where counts is.
    """
    import numpy as np

    rising = np.concatenate([[0.0], np.cumsum(chances[by_label])])
    ends = np.cumsum(room)
    starts = ends - room
    labels = np.repeat(np.arange(len(counts)), counts)
    aims = rising[starts][labels] + np.random.default_rng(seed).random(len(labels))
    at = np.searchsorted(rising, aims, side="right") - 1
    index: NDArray[np.int64] = by_label[np.clip(at, starts[labels], ends[labels] - 1)]
    return index
