"""Random numbers that follow from a seed and an id, never from an order."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def id_hash(identifier: str) -> int:
    """A stable 64-bit number for an id."""
    return int.from_bytes(hashlib.blake2b(identifier.encode(), digest_size=8).digest(), "little")


def id_hashes(identifiers: Sequence[str]) -> NDArray[np.uint64]:
    """The number of each id, shape (len(identifiers),)."""
    import numpy as np

    hashed = [hashlib.blake2b(one.encode(), digest_size=8).digest() for one in identifiers]
    return np.frombuffer(b"".join(hashed), "<u8").astype(np.uint64)


def derive(seed: int, *path: object) -> int:
    """The seed of a stage (or round) from the spec's seed and the path to it; below 2**31."""
    text = "/".join([str(seed), *map(str, path)])
    return id_hash(text) & 0x7FFF_FFFF


def uniform(hashes: NDArray[np.uint64], seed: int) -> NDArray[np.float64]:
    """One draw in (0, 1) for each 64-bit hash: the finaliser of splitmix64 over hash and seed."""
    import numpy as np

    mixed = np.uint64(id_hash(str(seed)))
    with np.errstate(over="ignore"):
        x = hashes.astype(np.uint64) ^ mixed
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    # 52 bits, for with one more the half would be rounded away, and the largest draw would be 1.
    return ((x >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
