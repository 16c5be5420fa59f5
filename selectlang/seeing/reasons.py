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

    `reason` and `group` index `texts` and `groups`, group -1 being none; NaN and rank 0 are missing.
    """

    at: Ints
    texts: list[str]
    reason: Ints
    score: Floats
    rank: Ints
    line: Floats
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
    return Reasons(at, [text], none, nothing, none, nothing, none - 1)


def _beyond(found: Order, at: Ints) -> Reasons:
    """Rows on the wrong side of the line of their group."""
    import numpy as np

    labels, cost = found.groups.labels[at], found.cost[at]
    last = found.last[labels]
    what = found.groups.what
    of = f" of its {what}" if what else ""
    side = "below" if found.high else "above"
    line = "farther than the line" if found.key.what == "distance" else f"{side} the line"
    if found.key.what == "draw":
        line, of = "not drawn", of.replace(" of", " from")
    other = "above" if found.high else "below"
    texts = [
        line + of,
        f"no {found.key.what}",
        f"its {what or 'pool'} was given nothing",
        f"{other} the window",
    ]
    if found.window:
        texts[0] = f"{side} the window"
    reason = np.zeros(len(at), dtype=np.int64)
    reason[np.isinf(cost)] = 1
    reason[np.isnan(last)] = 2
    if found.window:
        reason[cost < found.first[labels]] = 3
    sign = -1.0 if found.high else 1.0
    value = np.where(np.isfinite(cost), sign * cost, np.nan)
    edge = np.where(np.isfinite(last), sign * last, np.nan)
    return Reasons(at, texts, reason, value, _ranks(found, at), edge, *_groups(found.groups, at))


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
    lines = np.empty(len(found.columns))
    near = np.full(len(at), np.inf)
    best, cost = np.full(len(at), -1, dtype=np.int64), np.full(len(at), np.inf)
    for column, values in found.lists():
        lines[column] = found.depth(values)[0]
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
    return Reasons(at, texts, (~known).astype(np.int64), score, rank, line, best, found.columns)
