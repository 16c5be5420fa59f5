"""What clusters are about: the words that set their rows apart."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from selectlang.ports import Clusters
from selectlang.report.scene import cluster_names
from selectlang.report.space import LETTERS
from selectlang.rows import Rows
from selectlang.seeing.budgets import standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS = 20  # of each cluster
SAMPLE = 10_000  # rows in all
WORDS = 3
APART = 2  # times as frequent in a cluster as in all is a word that tells of it
_WORD = re.compile(r"[^\W\d_]{3,}")


def told_apart(clusters: Clusters[Any], rows: Rows[Any], order: NDArray[np.int64]) -> list[str]:
    """The name of each cluster: its own, or its number and a few words of its rows.

    Of each cluster a few rows are read, the first in `order`, an index into `rows` in random order.
    """
    import numpy as np

    if clusters.names is not None:
        return clusters.names
    place = standing(clusters.rows)[rows.positions[order]]
    labels = np.where(place >= 0, clusters.labels[place], -1)
    by_label = np.argsort(labels, kind="stable")
    ranks = np.arange(len(labels)) - np.searchsorted(labels[by_label], labels[by_label])
    room = max(1, min(ROWS, SAMPLE // max(1, clusters.k)))
    kept = by_label[(ranks < room) & (labels[by_label] >= 0)][:SAMPLE]
    sizes = np.bincount(labels[kept], minlength=clusters.k)
    words: list[Counter[str]] = [Counter() for _ in range(clusters.k)]
    for label, text in zip(labels[kept].tolist(), rows.take(order[kept]).texts(), strict=True):
        words[label].update(set(_WORD.findall(text[:LETTERS].lower())))
    return [
        f"{name}: {', '.join(some)}" if some else name
        for name, some in zip(cluster_names(clusters), _distinctive(words, sizes.tolist()), strict=True)
    ]


def _distinctive(words: list[Counter[str]], sizes: list[int]) -> list[list[str]]:
    """The words of each cluster that are frequent in it and rare elsewhere.

    `words` counts the rows of each cluster that have a word, of as many as `sizes` says were read.
    """
    import math

    rows, everywhere = sum(sizes), Counter(word for one in words for word in one.elements())
    found = []
    for one, size in zip(words, sizes, strict=True):
        weight = {
            word: count * math.log(rows / everywhere[word])
            for word, count in one.items()
            if count > 1 and count * rows >= APART * everywhere[word] * size
        }
        found.append(sorted(weight, key=lambda word: (-weight[word], word))[:WORDS])
    return found
