"""Where the rows of a pool stand to each other: the vectors of the run, or the words of the rows."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from selectlang.ports import Vectors
from selectlang.render import render
from selectlang.rows import Rows
from selectlang.seeing.budgets import standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    Index = NDArray[np.int64]
    Matrix = NDArray[np.float32]

WIDTH = 256  # numbers that stand for the words of a row
LETTERS = 2000  # characters of a row whose words count
BLOCK = 4096  # rows at a time
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Space:
    """Unit vectors of rows: `take(positions)` is float32 of shape (len(positions), width), zero for none.

    `stage` made the vectors; empty for words. `known(positions)` says which rows have one.
    """

    stage: str
    width: int
    known: Callable[[Index], NDArray[np.bool_]]
    take: Callable[[Index], Matrix]


def of_vectors(stage: str, vectors: Vectors[Any]) -> Space:
    """The space of vectors that a stage made."""
    return _space(stage, vectors.rows, vectors.matrix.shape[1], lambda place: unit(vectors.matrix[place]))


def of_words(rows: Rows[Any]) -> Space:
    """The space of the words of some rows, each once: the only rows it knows."""
    starts = range(0, len(rows), BLOCK)
    parts = (rows.data.turns(rows.positions[start : start + BLOCK]) for start in starts)
    matrix = hashed_words(render(turns) for part in parts for turns in part)
    return _space("", rows, WIDTH, lambda place: matrix[place])


def _space(stage: str, rows: Rows[Any], width: int, vectors: Callable[[Index], Matrix]) -> Space:
    import numpy as np

    where = standing(rows)

    def take(positions: Index) -> Matrix:
        place = where[positions]
        found = np.zeros((len(positions), width), np.float32)
        found[place >= 0] = vectors(place[place >= 0])
        return found

    return Space(stage, width, lambda positions: where[positions] >= 0, take)


def hashed_words(texts: Iterable[str]) -> Matrix:
    """A unit vector for each text, shape (number of texts, WIDTH): of its words, the rare ones for more.

    Words are hashed with a sign (Weinberger et al. 2009, arXiv:0902.2206), so that products of vectors are
    those of the words, about. scikit-learn does the same, and takes a second to be imported.
    """
    import numpy as np

    number: dict[str, int] = {}
    found = []  # the words of each text, by number
    for text in texts:
        words = dict.fromkeys(_WORD.findall(text[:LETTERS].lower()))
        found.append([number.setdefault(word, len(number)) for word in words])
    hashes = np.fromiter((zlib.crc32(word.encode()) for word in number), np.uint32, len(number))
    slots, signs = (hashes >> 1) % WIDTH, np.where(hashes & 1, 1.0, -1.0)
    counts = np.fromiter(map(len, found), np.int64, len(found))
    words_of_all = np.fromiter(chain.from_iterable(found), np.int64, int(counts.sum()))
    rarity = np.log(1 + len(found) / np.bincount(words_of_all, minlength=len(number)).clip(1))
    ends = np.concatenate([[0], np.cumsum(counts)])
    matrix = np.zeros((len(found), WIDTH), np.float32)
    for start in range(0, len(found), BLOCK):
        stop = min(start + BLOCK, len(found))
        part = words_of_all[ends[start] : ends[stop]]
        row = np.repeat(np.arange(stop - start), counts[start:stop])
        cells = row * WIDTH + slots[part]
        flat = np.bincount(cells, (signs * rarity)[part], minlength=(stop - start) * WIDTH)
        matrix[start:stop] = flat.reshape(-1, WIDTH)
    return unit(matrix)


def unit(matrix: NDArray[Any]) -> Matrix:
    """Each row scaled to length 1; one of zeros stays so, and what is not finite counts as zero."""
    import numpy as np

    found = np.nan_to_num(np.asarray(matrix, np.float32), posinf=0, neginf=0)
    largest = np.abs(found).max(
        axis=1, keepdims=True, initial=0
    )  # the squares of large numbers may not be finite
    found /= np.where(largest > 0, largest, 1)
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    found /= np.where(norms > 0, norms, 1)
    return found
