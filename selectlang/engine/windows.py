"""Windows: shards that are mapped at once, where a class says that more rows are done sooner."""

from __future__ import annotations

import reprlib
from operator import index
from typing import TYPE_CHECKING

from selectlang.errors import MethodError
from selectlang.methods import Method

if TYPE_CHECKING:
    from collections.abc import KeysView
    from typing import Any

    from selectlang.rows import Rows

    Spans = dict[str, tuple[int, int]]
    """Shards in the order of the rows: the key of each, and its rows, from and up to."""

TURNS = 4  # windows for each worker of a cluster, at least: all end at about the same time


def rows_at_once(method: Method, rows: Rows[Any], workers: int, gpus: float) -> int:
    """How many rows a class wants at once in each of some workers, which have so many GPUs; 0 for a shard."""
    if not len(rows):
        return 0
    given = method.call.window_rows(rows, gpus)  # type: ignore[attr-defined]
    try:
        found = index(given)
    except TypeError:
        raise MethodError(f"window_rows gave {reprlib.repr(given)}, expected a whole number") from None
    return found if workers == 1 else min(found, len(rows) // (workers * TURNS))


def windows(shards: Spans, missing: KeysView[str], rows: int) -> dict[str, list[str]]:
    """The keys of shards in windows of so many rows, or of one shard, by the first; those with one missing.

    Where a window begins does not depend on what is missing, and it is mapped whole: a run that was killed
    comes to the same numbers as another, to the last digit.
    """
    keys = list(shards)
    start, stop = shards[keys[0]]
    count = max(1, rows // max(1, stop - start))
    parts = [keys[first : first + count] for first in range(0, len(keys), count)]
    return {part[0]: part for part in parts if not missing.isdisjoint(part)}
