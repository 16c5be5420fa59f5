"""Why a budget left rows out, for all of its candidates at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selectlang.seeing.budgets import Budget
from selectlang.seeing.groups import Groups, groupings
from selectlang.seeing.orders import Order, order
from selectlang.seeing.turns import Turns, turns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass
class Reasons:
    """What is said of the rows at `at`: one entry a row in each array.

    `reason` and `group` index `texts` and `groups`, group -1 being none; NaN and rank 0 are missing. `far` is
    how many ranks lie between a row and its line, infinite where that is not known.
    """

    at: Ints
    texts: list[str]
    reason: Ints
    score: Floats
    rank: Ints
    line: Floats
    far: Floats
    group: Ints
    groups: list[str] = field(default_factory=list)


def reasons(budget: Budget, at: Ints) -> Reasons:
    """Why candidates at these positions were left out."""
    if not len(budget.positions):
        return alike("nothing was taken", at)
    taking = turns(budget)
    if taking is not None:
        return _turned(taking, at)
    ranked = order(budget)
    return _beyond(ranked, at) if ranked is not None else _undrawn(budget, at)


def alike(text: str, at: Ints) -> Reasons:
    """The same reason for all these rows, and nothing else."""
    import numpy as np

    nothing, none = np.full(len(at), np.nan), np.zeros(len(at), dtype=np.int64)
    return Reasons(at, [text], none, nothing, none, nothing, nothing + np.inf, none - 1)


def _beyond(found: Order, at: Ints) -> Reasons:
    """Rows on the wrong side of the line of their group, or level with it; above a window its first line."""
    import numpy as np

    labels, cost = found.groups.labels[at], found.cost[at]
    first, last = found.first[labels], found.last[labels]
    what = found.groups.what
    of = f" of its {what}" if what else ""
    side = "below" if found.high else "above"
    beyond = "farther than the line" if found.key.what == "distance" else f"{side} the line"
    if found.key.what == "draw":
        beyond, of = "not drawn", of.replace(" of", " from")
    other = "above" if found.high else "below"
    texts = [
        beyond + of,
        f"no {found.key.what}",
        f"its {what or 'pool'} was given nothing",
        f"{other} the window",
        f"at {'an edge of the window' if found.window else 'the line'}{of}",
    ]
    if found.window:
        texts[0] = f"{side} the window"
    above = (cost <= first) & (cost < last) & found.window
    edge = np.where(above, first, last)
    reason = np.where(cost == edge, 4, np.where(above, 3, 0))
    if (reason == 4).any():
        texts[4] += _decided(found)
    reason[np.isinf(cost)] = 1
    reason[np.isnan(last)] = 2
    sign = -1.0 if found.high else 1.0
    value = np.where(np.isfinite(cost), sign * cost, np.nan)
    line = np.where(np.isfinite(edge), sign * edge, np.nan)
    rank = _ranks(found, at)
    far = _far(found, at, rank, above)
    return Reasons(at, texts, reason, value, rank, line, far, *_groups(found.groups, at))


def _decided(found: Order) -> str:
    """What left some of the rows with the number of the line, where only one thing may have."""
    if len(found.ties) != 1:
        return ""
    return ", not drawn" if "draw" in found.ties else ", by the order of the file"


def _far(found: Order, at: Ints, rank: Ints, above: NDArray[np.bool_]) -> Floats:
    """How many ranks rows are away from the line of their group, those `above` a window from its first."""
    import numpy as np

    taken = np.flatnonzero(found.budget.taken & found.budget.among)
    ranks, groups = _ranks(found, taken), found.groups
    lines = np.full((2, groups.count), np.inf)
    np.minimum.at(lines[0], groups.labels[taken], ranks)
    lines[1, groups.labels[taken]] = 0
    np.maximum.at(lines[1], groups.labels[taken], ranks)
    first, last = lines[:, groups.labels[at]]
    return np.where(rank > 0, np.where(above, first - rank, np.abs(rank - last)), np.inf)


def _undrawn(budget: Budget, at: Ints) -> Reasons:
    """Rows that were not drawn: no line is told, but the rank of their score in their group."""
    import numpy as np

    groups = groupings(budget)[0]
    scored = Order.of_scores(budget, groups)
    found = alike(f"not drawn{f' from its {groups.what}' if groups.what else ''}", at)
    if scored is not None:
        cost = scored.cost[at]
        found.score, found.rank = np.where(np.isfinite(cost), -cost, np.nan), _ranks(scored, at)
    found.group, found.groups = _groups(groups, at)
    empty = np.bincount(groups.labels[budget.positions], minlength=groups.count)[groups.labels[at]] == 0
    found.texts.append(f"its {groups.what or 'pool'} was given nothing")
    found.reason = empty.astype(np.int64)
    return found


def _ranks(found: Order, at: Ints) -> Ints:
    """The rank of rows among the candidates of their group, equal ones sharing the best; 0 for no number."""
    import numpy as np

    candidates = np.flatnonzero(found.budget.among)
    labels, cost = found.groups.labels[candidates], found.cost[candidates]
    by = np.lexsort((cost, labels))
    labels, cost = labels[by], cost[by]
    fresh = np.ones(len(by), dtype=bool)  # where a number begins that the row before has not
    fresh[1:] = (labels[1:] != labels[:-1]) | (cost[1:] != cost[:-1])
    starts = np.searchsorted(labels, np.arange(found.groups.count))
    places = np.arange(len(by))
    rank = np.maximum.accumulate(np.where(fresh, places, 0)) - starts[labels] + 1
    ranks = np.zeros(len(found.budget.data), dtype=np.int64)
    ranks[candidates[by]] = np.where(np.isfinite(cost), rank, 0)
    return ranks[at]


def _groups(groups: Groups, at: Ints) -> tuple[Ints, list[str]]:
    import numpy as np

    if not groups.what:
        return np.full(len(at), -1, dtype=np.int64), []
    names = groups.names if groups.names is not None else list(map(str, range(groups.count)))
    return groups.labels[at].astype(np.int64), names


def _turned(found: Turns, at: Ints) -> Reasons:
    """Rows that no column came down to: what is told is of the column whose line is nearest."""
    import numpy as np

    own = np.searchsorted(np.flatnonzero(found.budget.among), at)
    lines, depths = np.empty((2, len(found.columns)))
    near = np.full(len(at), np.inf)
    best, cost = np.full(len(at), -1, dtype=np.int64), np.full(len(at), np.inf)
    for column, values in found.lists():
        lines[column], depths[column] = found.depth(values)
        mine = values[own]
        with np.errstate(invalid="ignore"):
            short = np.where(np.isinf(mine), np.inf, mine - lines[column])
        nearer = (short < near) | ((best < 0) & np.isfinite(mine))
        near[nearer], best[nearer], cost[nearer] = short[nearer], column, mine[nearer]
    rank = np.zeros(len(at), dtype=np.int64)
    for column, values in found.lists():
        rows = np.flatnonzero(best == column)
        if len(rows):
            rank[rows] = np.searchsorted(np.sort(values), cost[rows]) + 1
    known = best >= 0
    score = np.where(known, -cost, np.nan)
    line = np.where(known & np.isfinite(lines[best]), -lines[best], np.nan)
    texts = ["no turn came down to it", "no score"]
    far = np.where(known, rank - depths[best], np.inf)
    return Reasons(at, texts, (~known).astype(np.int64), score, rank, line, far, best, found.columns)
