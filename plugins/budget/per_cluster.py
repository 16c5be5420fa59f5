"""Rows drawn from every cluster."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import selectlang as sl

from .._align import aligned, lookup
from ._common import Choice, eligible
from ._draws import again, below_peak, chances, gumbel
from ._ranks import Clustered, Ties, costs, tie_keys
from ._shares import Rounding, Shortage, allocate, drawn

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.floating[Any]]

Draw = Literal["weighted", "softmax", "top", "random", "nearest"]
Share = Literal["proportional", "equal", "sqrt"]
MOST_DRAWS = 2**24  # with replacement nothing else bounds them; these take about 2 GB


def _together(draw: Draw, replace: bool, scores: object) -> None:
    if replace and draw in ("top", "nearest"):
        raise sl.DataError(f"draw: {draw} with replace: true would choose one row again and again")
    if not scores and draw in ("weighted", "softmax", "top"):
        raise sl.DataError(f"draw: {draw} needs scores; connect them, or draw: random")


@sl.budget(check=_together)
def per_cluster(
    clusters: sl.Clusters[sl.P],
    scores: sl.Scores[sl.P] | None = None,
    within: sl.Selection[sl.P] | None = None,
    skip: sl.Selection[sl.P] | None = None,
    weights: sl.Weights[sl.P] | None = None,
    *,
    size: sl.Amount,
    draw: Draw = "weighted",
    share: Share = "proportional",
    counts: Literal["shares", "multinomial"] = "shares",
    temperature: Annotated[float, sl.schema(exclusiveMinimum=0)] = 1.0,
    truncate: bool = False,
    replace: bool = False,
    shortage: Shortage = "redistribute",
    rounding: Rounding = "largest_remainder",
    ties: Ties = "seed",
    seed: int,
) -> Choice[sl.P]:
    """Divide the size among the clusters, then draw from each.

    kMQ of "Diversify and Conquer" (arXiv 2409.11378, Equation 3) is share: proportional, draw: weighted,
    replace: true; its released code is share: equal, draw: softmax, truncate: true, shortage: lose,
    rounding: floor. A cluster's size is its number of rows before `skip`. Without replacement a row is
    drawn with the probability of its weight among the rows not drawn yet (Efraimidis and Spirakis 2006),
    by keys that follow from id and seed alone. A row without a score has weight 0, and is drawn when its
    cluster has no others. Of scores with several columns the largest counts. The draws of each cluster
    are spread evenly over the selection. With `within`, those of its rows that have a cluster are
    eligible; `left` counts the eligible rows not chosen.

    Settings:
        size: rows, a share of the rows before `skip`, or tokens
        draw: inside a cluster: `weighted` by the score, `softmax` of the score, the `top` scores, at
            `random`, or the rows `nearest` to the centre
        share: what a cluster gets: in proportion to its size, the same as others (equal), or in
            proportion to the square root of its size; where `weights` are there, these decide instead
        counts: what `weights` give a cluster is its share, rounded; or the number of times that it is
            drawn by them (multinomial), as in the released code's rounds
        temperature: the softmax is of score / temperature
        truncate: cut scores to whole numbers before the draw
        replace: let a row be drawn more than once; at most 16,777,216 draws
        shortage: what a cluster has no rows for is redistributed among the others, or lost
        rounding: shares become whole numbers by the largest remainders, which keeps their sum, or down
            (floor), which loses the rest
        ties: whether equal scores or distances go by the seed or by the order of the data set
    """
    import numpy as np

    _together(draw, replace, scores)
    pool = eligible(clusters.rows, within, skip, strict=True)
    place = lookup(clusters.rows, pool.rows)
    labels = clusters.labels[place]
    room = np.bincount(labels, minlength=clusters.k)
    sizes = np.bincount(clusters.labels[lookup(clusters.rows, pool.before)], minlength=clusters.k)
    if weights is None:
        shares = {"proportional": sizes, "equal": np.ones(clusters.k), "sqrt": np.sqrt(sizes)}[share]
    else:
        shares = np.asarray(weights.values)
    if len(shares) != clusters.k:
        raise sl.DataError(f"there are weights of {len(shares)} clusters, expected {clusters.k}")
    divide = partial(drawn, seed=seed) if counts == "multinomial" and weights is not None else allocate
    quality = None if scores is None else aligned(scores.best(), scores.rows, pool.rows)
    if quality is not None and truncate:
        quality = np.trunc(quality)

    decided: dict[str, NDArray[Any]] = {}  # what else decided, of every row
    keys = tie_keys(pool.rows, ties, seed)
    if draw == "top":
        assert quality is not None
        cost = costs(quality)
    elif draw == "nearest":
        if clusters.distances is None:
            raise sl.DataError("draw: nearest needs clusters with centres, such as those of kmeans")
        decided["distance"] = clusters.distances[place]
        cost = costs(decided["distance"], upwards=True)
    else:
        keys = pool.rows.draws(seed)
        logs = below_peak(_logs(draw, quality, pool.rows), labels, clusters.k)
        if draw == "softmax":
            with np.errstate(over="ignore"):
                logs /= temperature
        cost = -gumbel(logs, keys)
        decided["probability"] = chances(logs, labels, clusters.k)
    take: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    if replace:
        take = partial(again, decided["probability"], np.lexsort((keys, labels)), room, seed=seed)
    else:
        take = Clustered(labels, room, [cost, keys]).lowest

    def order(count: int) -> NDArray[np.int64]:
        if replace and count > MOST_DRAWS:
            raise sl.DataError(
                f"size: {size} takes more than {MOST_DRAWS:,} draws with replacement, which is the most; "
                "lower it, or say replace: false"
            )
        count = min(count, 2**53)  # more than any pool has, and whole as a float
        limits = np.where(room > 0, count, 0) if replace else room
        parts = divide(count, shares.astype(np.float64), limits, shortage, rounding)
        label = np.repeat(np.arange(clusters.k), parts)
        turn = np.arange(len(label)) - np.repeat(np.cumsum(parts) - parts, parts)
        # Labels rise, so that of equal shares the lower label goes first.
        return take(parts)[np.argsort((turn + 0.5) / parts[label], kind="stable")]

    lost = f"; the rest was lost to shortage: {shortage} and rounding: {rounding}"
    index, notes = pool.choose(order, size, nested=False, lost="" if replace else lost)
    if replace:
        notes.append(f"{len(index):,} draws with replacement chose {len(np.unique(index)):,} different rows")
    chosen_by = None if quality is None else quality[index]
    cluster = labels[index] if clusters.names is None else np.array(clusters.names, np.str_)[labels[index]]
    why = {"cluster": cluster, **{name: values[index] for name, values in decided.items()}}
    return pool.choice(index, chosen_by, why, notes)


def _logs(draw: Draw, quality: Values | None, rows: sl.Rows[sl.P]) -> Values:
    """The logarithm of each row's weight, but for a constant; NaN for none."""
    import numpy as np

    if draw == "random" or quality is None:
        return np.zeros(len(rows))
    if draw == "softmax":
        return quality
    negative = np.flatnonzero(quality < 0)
    if len(negative):
        row = rows.take(negative[:1]).ids()[0]
        raise sl.DataError(
            f"draw: weighted needs scores of at least 0, found {quality[negative[0]]:g} for row {row!r}; "
            "draw: softmax takes any scores"
        )
    with np.errstate(divide="ignore"):
        return np.log(quality)
