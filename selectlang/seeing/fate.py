"""What a budget made of one row: taken or not, the line it made or missed, and who stands at the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selectlang.engine.outputs import number
from selectlang.seeing.budgets import Budget
from selectlang.seeing.groups import Groups, groupings
from selectlang.seeing.orders import CHANCE, Order, order
from selectlang.seeing.rows import named
from selectlang.seeing.turns import Turns, turns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 5  # choices of one row, or columns, that are told


def fate(budget: Budget, at: int) -> dict[str, Any]:
    """What is known of the row at a position of the data set, as JSON."""
    import numpy as np

    stage, spots = budget.stage, np.flatnonzero(budget.positions == at)
    found: dict[str, Any] = {
        "stage": budget.path,
        "method": f"{stage['kind']} {stage['method']}",
        "chosen": len(spots) > 0,
        "candidates": budget.count,
        "taken": int(budget.taken.sum()),
        "notes": list(budget.selection.notes),
    }
    if len(spots):
        found["choices"] = [_choice(budget, spot) for spot in spots[:MOST].tolist()]
        found["times"] = len(spots)
    if outside := [each.text for each in budget.needed if not each.mask[at]]:
        return {**found, "outside": outside}
    if barred := [each.text for each in budget.barring if each.mask[at]]:
        return {**found, "barred": barred}
    if not len(budget.positions):
        return found
    taking = turns(budget)
    if taking is not None:
        return {**found, "turns": _turns(taking, at)}
    ranked = order(budget)
    return {**found, **({"order": _ranked(ranked, at)} if ranked is not None else _drawn(budget, at))}


def _choice(budget: Budget, spot: int) -> dict[str, Any]:
    scores = budget.selection.scores
    score = {} if scores is None else {"score": number(float(scores[spot]))}
    why = {name: number(values[spot].item()) for name, values in budget.selection.why.items()}
    return {"rank": spot + 1, **score, "why": why}


def _ranked(found: Order, at: int) -> dict[str, Any]:
    """The row in the order of its group: its rank, and the rows on both sides of the line."""
    import numpy as np

    budget, label = found.budget, int(found.groups.labels[at])
    group = np.flatnonzero(budget.among & (found.groups.labels == label))
    taken, cost, own = budget.taken[group], found.cost[group], found.cost[at]
    said: dict[str, Any] = {
        "by": found.key.what,
        "of": found.key.source,
        "highest_first": found.high,
        **_group(found.groups, label),
        "rows": len(group),
        "taken": int(taken.sum()),
        "value": number(found.value(own)),
        "rank": int((cost < own).sum()) + 1 if np.isfinite(own) else None,
    }
    if taken.any():
        chosen = budget.positions[found.groups.labels[budget.positions] == label]
        last = chosen[found.cost[chosen] == found.last[label]][-1:]
        said["line"] = number(found.value(found.last[label]))
        said |= {"bounds": found.bounds} if found.bounds else {}
        said["last_taken"] = _at(budget, last, found)
        if found.window:
            said["window"] = [number(found.value(found.first[label])), said["line"]]
            said["above"] = bool(own < found.first[label])
    tie, first = _tie(found, group[cost == found.last[label]])
    if found.window and own == found.first[label]:
        tie = _tie(found, group[cost == own], begins=True)[0] or tie
    behind = group[~taken & (cost > found.last[label])] if first is None else first
    if len(behind):
        said["next"] = _at(budget, behind[[np.argmin(found.cost[behind])]], found)
    return {**said, **tie}


def _tie(
    found: Order, alike: NDArray[np.int64], begins: bool = False
) -> tuple[dict[str, Any], NDArray[np.int64] | None]:
    """Of rows with the number of the line, some taken and some not: how many, and what decided if that shows.

    And the first of those not taken. Where a window `begins`, the last of the rows are taken.
    """
    taken = found.budget.taken[alike]
    if not taken.any() or taken.all():
        return {}, None
    ties = {name: keys for name, keys in found.ties.items() if _apart(keys[alike], taken != begins)}
    decided = next(iter(ties)) if len(ties) == 1 else None
    left = alike[~taken]
    first = left if decided is None else left[[ties[decided][left].argmin()]]
    return {"tie": {"rows": len(alike), "taken": int(taken.sum()), "by": decided}}, first[:1]


def _apart(keys: NDArray[Any], first: NDArray[np.bool_]) -> bool:
    """Whether some rows all have lower numbers than the others."""
    return bool(keys[first].max() < keys[~first].min())


def _drawn(budget: Budget, at: int) -> dict[str, Any]:
    """Where no order shows: how many of the row's group were taken, of those with higher and lower scores."""
    import numpy as np

    groups = groupings(budget)[0]
    label = int(groups.labels[at])
    group = np.flatnonzero(budget.among & (groups.labels == label))
    taken = budget.taken[group]
    said: dict[str, Any] = {
        "by_chance": CHANCE in budget.selection.why,
        **_group(groups, label),
        "rows": len(group),
        "taken": int(taken.sum()),
        "choices": int((groups.labels[budget.positions] == label).sum()),
    }
    scored = Order.of_scores(budget, groups)
    if scored is not None:
        cost, own = scored.cost[group], scored.cost[at]
        above, below = cost < own, cost > own
        said |= {
            "of": scored.key.source,
            "value": number(scored.value(own)),
            "rank": int(above.sum()) + 1 if np.isfinite(own) else None,
            "above": [int((above & taken).sum()), int(above.sum())],
            "below": [int((below & taken).sum()), int(below.sum())],
        }
    chosen = budget.positions[groups.labels[budget.positions] == label]
    if len(chosen):
        said["last_taken"] = _at(budget, chosen[-1:], scored)
    return {"drawn": said}


def _turns(found: Turns, at: int) -> list[dict[str, Any]]:
    """The columns that come nearest to the row: its rank in their lists, and how far these were taken."""
    import numpy as np

    budget = found.budget
    candidates = np.flatnonzero(budget.among)
    own = int(np.searchsorted(candidates, at))
    told = []
    for column, cost in found.lists():
        if not np.isfinite(cost[own]):
            continue
        line, depth = found.depth(cost)
        rank = int((cost < cost[own]).sum()) + 1
        told.append((rank - depth, column, rank, depth, line, float(cost[own]), int((cost < np.inf).sum())))
    told = sorted(told)[:MOST]
    return [
        {
            "column": found.columns[column],
            "value": number(-value),
            "rank": rank,
            "rows": rows,
            "depth": depth,
            "line": number(-line),
            "choices": int((found.by == column).sum()),
            "turns": found.last_turn(column),
            "last_taken": _last_of(found, column),
        }
        for _, column, rank, depth, line, value, rows in told
    ]


def _last_of(found: Turns, column: int) -> dict[str, Any] | None:
    """The last row that a column took."""
    import numpy as np

    spots = np.flatnonzero(found.by == column)[-1:]
    return _at(found.budget, found.budget.positions[spots], None, spots)


def _at(
    budget: Budget, places: NDArray[np.int64], by: Order | None, spots: NDArray[np.int64] | None = None
) -> dict[str, Any] | None:
    """A row as it is told of: its id, its first words, and the number it was ranked by."""
    if not len(places):
        return None
    told = named(budget.data, places)[0]
    if by is not None:
        return {**told, "value": number(by.value(by.cost[places[0]]))}
    if spots is not None and budget.selection.scores is not None:
        return {**told, "value": number(float(budget.selection.scores[spots[0]]))}
    return told


def _group(groups: Groups, label: int) -> dict[str, Any]:
    return {"group": {"what": groups.what, "name": groups.name(label)}} if groups.what else {}
