"""All rows that an input holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import selectlang as sl

from .._align import firsts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Index = NDArray[np.int64]


def _joined(inputs: Sequence[type[Any]]) -> None:
    kinds = (sl.Rows, sl.Selection, sl.Labels, sl.Replies)
    if other := [kind.__name__ for kind in inputs if kind not in kinds]:
        raise sl.DataError(f"it joins rows, selections, labels or replies; found {other[0]}")


@sl.merge(check=_joined)
def union(inputs: list[sl.T]) -> sl.T:
    """Join rows, selections, verdicts or replies: every row once, in the order of first appearance.

    A selected row keeps the score and the reasons of its first appearance: the budget that chose it, the
    round if that was in a loop, and those of the budget. What an input has no score or reason for is
    missing: NaN, -1 or no text. Of several verdicts about a row, or several replies to it, the last counts.
    """
    parts: list[Any] = list(inputs)
    kinds = {type(part) for part in parts}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is sl.Rows:
        rows, _ = _join(parts, last=False)
        result: Any = rows
    elif kind is sl.Selection:
        rows, index = _join([part.rows for part in parts], last=False)
        result = _selections(parts, rows, index)
    elif kind is sl.Labels:
        rows, index = _join([part.rows for part in parts], last=True)
        result = _labels(parts, rows, index)
    elif kind is sl.Replies:
        rows, _ = _join([part.rows for part in parts], last=True)
        result = sl.Replies(rows)
    else:
        found = ", ".join(type(part).__name__ for part in parts) or "nothing"
        raise sl.DataError(f"union joins rows, selections, labels or replies, all of one type; found {found}")
    return result  # type: ignore[no-any-return]


def _join(views: list[sl.Rows[sl.P]], last: bool) -> tuple[sl.Rows[sl.P], Index]:
    """Every row once, and where in the views, laid end to end, it was taken from."""
    import numpy as np

    positions = np.concatenate([view.positions for view in views])
    data = views[0].data
    index = firsts(positions, len(data))
    if last:
        seen = np.empty(len(data), dtype=np.int64)
        seen[positions] = np.arange(len(positions))
        index = seen[positions[index]]
    with_replies = [view for view in views if view.replies is not None]
    replies = None
    if with_replies:
        if len(with_replies) < len(views):
            raise sl.DataError("some rows have a model's replies, some their own; union joins like with like")
        every = [reply for view in views for reply in view.replies or ()]
        replies = [every[at] for at in index.tolist()]
    return sl.Rows(data, positions[index], replies), index


def _selections(parts: list[sl.Selection[sl.P]], rows: sl.Rows[sl.P], index: Index) -> sl.Selection[sl.P]:
    sizes = [len(part.rows) for part in parts]
    scores = None
    if any(part.scores is not None for part in parts):
        scores = _stack([part.scores for part in parts], sizes)[index]
    notes = list(dict.fromkeys(note for part in parts for note in part.notes))
    return sl.Selection(rows, scores, _why(parts, index), notes)


def _why(parts: list[sl.Selection[sl.P]] | list[sl.Labels[sl.P]], index: Index) -> dict[str, NDArray[Any]]:
    sizes = [len(part.rows) for part in parts]
    names = dict.fromkeys(name for part in parts for name in part.why)
    return {name: _stack([part.why.get(name) for part in parts], sizes)[index] for name in names}


def _stack(pieces: list[NDArray[Any] | None], sizes: list[int]) -> NDArray[Any]:
    """Pieces end to end; one that is None is missing: NaN, -1 or "", by the type of the others."""
    import numpy as np

    kinds = {piece.dtype.kind for piece in pieces if piece is not None}
    if kinds == {"f"}:
        missing: Any = np.nan
    elif kinds <= {"i", "u"}:
        missing = -1
    else:
        missing = ""
        pieces = [None if piece is None else piece.astype(np.str_) for piece in pieces]
    pairs = zip(pieces, sizes, strict=True)
    return np.concatenate([np.full(n, missing) if piece is None else piece for piece, n in pairs])


def _labels(parts: list[sl.Labels[sl.P]], rows: sl.Rows[sl.P], index: Index) -> sl.Labels[sl.P]:
    import numpy as np

    values = list(dict.fromkeys(value for part in parts for value in part.values))
    codes = [
        np.array([*map(values.index, part.values), -1], dtype=np.int8)[part.codes] for part in parts
    ]  # the -1 at the end is what code -1, no verdict, becomes
    complete = all(part.complete for part in parts)
    return sl.Labels(rows, np.concatenate(codes)[index], values, _why(parts, index), complete)
