"""Identity: what makes a row that row. A given id, or else a hash of its conversation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from selectlang.render import Turn


def digest(turns: Sequence[Turn]) -> bytes:
    """Eight bytes that follow from the roles and contents of a conversation alone.

    Lengths stand before contents, so that no two conversations are written alike. A UnicodeEncodeError
    is raised for half of a surrogate pair.
    """
    written = "".join([f"{role}:{len(content)}:{content}" for role, content in turns])
    return hashlib.blake2b(written.encode(), digest_size=8).digest()


def flat(turns: list[Turn]) -> tuple[str | None, str | None, str | None, list[Turn] | None]:
    """A conversation as its system turn, request and response where it begins with them, and the rest."""
    parts: list[str | None] = []
    at = 0
    for role in ("system", "user", "assistant"):
        if at < len(turns) and turns[at][0] == role:
            parts.append(turns[at][1])
            at += 1
        else:
            parts.append(None)
    return parts[0], parts[1], parts[2], turns[at:] or None


def numbered(digests: Sequence[bytes], first: NDArray[np.int64], copies: Counter[str]) -> list[str]:
    """An id for each digest: itself, and -2, -3 and so on after it where it was seen (`first` is not -1)."""
    ids = [value.hex() for value in digests]
    for i in (first >= 0).nonzero()[0].tolist():
        copies[ids[i]] += 1
        ids[i] += f"-{copies[ids[i]] + 1}"
    return ids


class Seen:
    """The keys of the rows so far, with the place of each: 16 bytes a row, in sorted runs that are merged."""

    def __init__(self) -> None:
        self._runs: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []

    def add(self, keys: NDArray[np.uint64], places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take in the keys of some rows; for each, the place where it was first seen before, or -1."""
        import numpy as np

        first = np.full(len(keys), -1, np.int64)
        for known, where in self._runs:
            at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            hit = known[at] == keys
            first[hit] = where[at[hit]]
        _, index, inverse = np.unique(keys, return_index=True, return_inverse=True)
        earliest = index[inverse]
        again = (first < 0) & (earliest != np.arange(len(keys)))
        first[again] = places[earliest[again]]
        fresh = index[first[index] < 0]
        if len(fresh):
            self._runs.append((keys[fresh], places[fresh]))
            self._merge()
        return first

    def _merge(self) -> None:
        import numpy as np

        while len(self._runs) > 1 and 2 * len(self._runs[-1][0]) > len(self._runs[-2][0]):
            (keys, places), (more, others) = self._runs[-2:]
            keys, places = np.concatenate([keys, more]), np.concatenate([places, others])
            order = np.argsort(keys, kind="stable")
            self._runs[-2:] = [(keys[order], places[order])]
