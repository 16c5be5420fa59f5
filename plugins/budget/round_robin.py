"""Groups, or single targets, take turns to choose rows."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from itertools import filterfalse
from typing import TYPE_CHECKING, Literal

import selectlang as sl

from .._align import lookup
from ._common import Choice, eligible
from ._ranks import Ties, costs, lowest, reasons, tie_keys

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Index = NDArray[np.int64]
    Best = Callable[[int, int], Index]  # column, depth -> its best rows, fewer if it has no more
    Turns = tuple[Index, Index, Index]  # the row, the column and the turn of each choice


@sl.budget
def round_robin(
    scores: sl.Scores[sl.P],
    within: sl.Selection[sl.P] | None = None,
    skip: sl.Selection[sl.P] | None = None,
    *,
    size: sl.Amount,
    duplicates: Literal["lose", "next", "repeat"] = "lose",
    ties: Ties = "seed",
    seed: int,
) -> Choice[sl.P]:
    """Let the columns of the scores take turns: on its turn a column chooses its highest row left.

    The selection of RDS+ (arXiv 2503.01807, Algorithm 1), over groups or over single target rows.
    Columns take turns in their order. A column never chooses a row that it has no score for, and has no
    more turns once it has been through all others. Rows that no column has a score for are not
    eligible; `left` counts the eligible rows not chosen.

    Settings:
        size: rows, a share of the rows before `skip`, or tokens
        duplicates: when a column's row is chosen already: `lose` the turn (the authors' code), choose
            the `next` best row instead, or `repeat` the row (Algorithm 1 as printed)
        ties: whether equal scores go by the seed or by the order of the data set
    """
    import numpy as np

    values = scores.values[:, None] if scores.values.ndim == 1 else scores.values
    pool = eligible(scores.rows, within, skip, strict=True)
    pool = pool.only(scores.best()[lookup(scores.rows, pool.rows)] > -np.inf)
    place = lookup(scores.rows, pool.rows)
    plain = scores.rows.whole and pool.rows.whole  # then `place` counts up, and no copy is needed
    ties_by = tie_keys(pool.rows, ties, seed)
    columns, total = values.shape[1], len(pool.rows)

    def best(column: int, depth: int) -> Index:
        cost = costs(values[:, column] if plain else values[place, column])
        return lowest([cost, ties_by], min(depth, int(np.count_nonzero(cost < np.inf))))

    take_turns = {"lose": _losing, "next": _next_best, "repeat": _repeating}[duplicates]
    turns: Turns

    def order(count: int) -> Index:
        nonlocal turns
        turns = take_turns(best, columns, count, total)
        return turns[0]

    index, notes = pool.choose(order, size)
    column, turn = turns[1][: len(index)], turns[2][: len(index)]
    why = {**reasons(scores, pool.rows.take(index), column), "turn": turn + 1}
    return pool.choice(index, values[place[index], column], why, notes)


def _losing(best: Best, columns: int, count: int, total: int) -> Turns:
    """The first `count` choices when a column whose row is chosen already loses its turn.

    Every column goes down its own list, so a row is chosen at the earliest of its places in them.
    """
    import numpy as np

    depth = min(-(-count // max(columns, 1)), total)
    while True:
        earliest = np.full(total, depth * columns, dtype=np.int64)
        for column in range(columns):
            rows = best(column, depth)
            earliest[rows] = np.minimum(earliest[rows], np.arange(len(rows)) * columns + column)
        index = np.flatnonzero(earliest < depth * columns)
        if len(index) >= count or depth == total:
            break
        depth = min(2 * depth, total)
    index = index[np.argsort(earliest[index])[:count]]
    turn, column_of = np.divmod(earliest[index], max(columns, 1))
    return index, column_of, turn


def _repeating(best: Best, columns: int, count: int, total: int) -> Turns:
    """The first `count` choices when several columns may choose one row."""
    import numpy as np

    depth = min(-(-count // max(columns, 1)), total)
    while True:
        turns = np.full((depth, columns), -1, dtype=np.int64)
        for column in range(columns):
            rows = best(column, depth)
            turns[: len(rows), column] = rows
        taken = np.flatnonzero(turns >= 0)[:count]
        if len(taken) == count or depth == total:
            break
        depth = min(2 * depth, total)
    return turns.ravel()[taken], taken % max(columns, 1), taken // max(columns, 1)


def _next_best(best: Best, columns: int, count: int, total: int) -> Turns:
    """The first `count` choices when every column passes over what others have chosen."""
    import numpy as np

    chosen = bytearray(total)
    rows, of, turns = array("q"), array("q"), array("q")  # millions of choices, one by one
    streams = {column: _unchosen(best, column, -(-count // columns), chosen) for column in range(columns)}
    turn = 0
    while streams and len(rows) < count:
        for column, stream in list(streams.items()):
            row = next(stream, None)
            if row is None:
                del streams[column]
                continue
            chosen[row] = 1
            rows.append(row)
            of.append(column)
            turns.append(turn)
        turn += 1
    found = [np.frombuffer(each, np.int64)[:count] for each in (rows, of, turns)]
    return found[0], found[1], found[2]


def _unchosen(best: Best, column: int, depth: int, chosen: bytearray) -> Iterator[int]:
    """The rows of a column from the best down, without those chosen by the time it is asked."""
    seen = 0
    while True:
        rows = best(column, depth)
        yield from filterfalse(chosen.__getitem__, rows[seen:].tolist())  # asked about each row in its turn
        if len(rows) < depth:
            return
        seen, depth = depth, 2 * depth
