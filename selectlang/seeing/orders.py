"""The order by which a budget took its candidates, found again from numbers that are stored.

An order is only told where it fits: in every group, no row that was left out comes before one that was taken
(or, for a window, between two of them). So what is said of a line is true, whichever method drew it.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from selectlang.ports import Clusters, Scores
from selectlang.rows import Rows
from selectlang.seeing.budgets import Budget, spread
from selectlang.seeing.groups import Groups, groupings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CHANCE = "probability"
"""A reason of this name says that rows were drawn by chance, each with this probability at first."""

BOUNDS = {"at_least": operator.ge, "above": operator.gt, "at_most": operator.le, "below": operator.lt}
"""Settings of these names are bounds of what may be taken."""


@dataclass(frozen=True)
class Key:
    """A number for each row of a data set, NaN for none: `what` it is, and the stage it comes from."""

    what: str
    source: str
    values: Floats
    high: bool  # whether the highest are taken first, as far as its kind tells


@dataclass
class Order:
    """Candidates in an order, in groups. `cost` is the number that rows are ranked upwards by."""

    budget: Budget
    key: Key
    groups: Groups
    high: bool
    window: bool

    @classmethod
    def of_scores(cls, budget: Budget, groups: Groups) -> Order | None:
        """The scores that the choices say they were made by, or else the first, whether they fit or not."""
        keys = [key for key in _keys(budget) if key.what == "score"]
        keys.sort(key=lambda key: not _said(key, budget))
        return cls(budget, keys[0], groups, True, False) if keys else None

    @cached_property
    def cost(self) -> Floats:
        """Shape (len(data),): infinite where the number is missing."""
        return costs(self.key.values, self.high)

    @cached_property
    def last(self) -> Floats:
        """The cost of the last row taken from each group; NaN where none was."""
        return _edge(self.cost, self.groups, self.budget.taken, last=True)

    @cached_property
    def first(self) -> Floats:
        """The cost of the first row taken from each group; NaN where none was."""
        return _edge(self.cost, self.groups, self.budget.taken, last=False)

    @cached_property
    def ties(self) -> dict[str, NDArray[Any]]:
        """What may decide between equal numbers: keys in whose order the choices of a group stand.

        `draw` is by the seed, `order` that of the data set.
        """
        import numpy as np

        budget, seed = self.budget, self.budget.stage.get("seed")
        keys: dict[str, NDArray[Any]] = {"order": np.arange(len(budget.data))}
        if isinstance(seed, int):
            keys["draw"] = Rows[Any](budget.data).draws(seed)
        labels = self.groups.labels[budget.positions]
        chosen = budget.positions[np.argsort(labels, kind="stable")]
        before, after = chosen[:-1], chosen[1:]
        alike = self.groups.labels[before] == self.groups.labels[after]
        alike &= (self.cost[before] == self.cost[after]) & (before != after)
        before, after = before[alike], after[alike]
        return {name: key for name, key in keys.items() if (key[before] < key[after]).all()}

    @cached_property
    def bounds(self) -> dict[str, float]:
        """The settings that name bounds, where what lies within all of them is what was taken."""
        settings, budget = self.budget.stage["settings"], self.budget
        found = {name: settings[name] for name in BOUNDS if isinstance(settings.get(name), float)}
        inside = budget.among.copy()
        for name, bound in found.items():
            inside &= BOUNDS[name](self.key.values, bound)
        return found if found and (inside == budget.taken).all() else {}

    def value(self, cost: float) -> float:
        """The number that a cost stands for; NaN for a missing one."""
        import numpy as np

        return float(np.nan if not np.isfinite(cost) else -cost if self.high else cost)


def order(budget: Budget) -> Order | None:
    """The first order that fits, of those that the choices speak of if they do, or else of all."""
    if not len(budget.selection.rows):
        return None
    keys = list(_keys(budget))
    said = [key for key in keys if _said(key, budget)]
    keys = said or keys
    for window in (False, True):
        for groups in groupings(budget):
            for key in keys:
                if (key.what == "draw" and window) or not _may(key, groups, budget):
                    continue
                for high in (key.high, not key.high):
                    tried = Order(budget, key, groups, high, window)
                    if _fits(tried, bool(said)):
                        return tried
    return None


def _keys(budget: Budget) -> Iterator[Key]:
    """The numbers that may have ranked the candidates: scores, distances to centres, and draws."""
    import numpy as np

    for each in budget.inputs:
        if isinstance(each.value, Scores):
            best = spread(np.asarray(each.value.best(), dtype=np.float64), each.rows, np.nan)
            yield Key("score", each.source, best, True)
            cut = Key("score, cut to a whole number", each.source, np.trunc(best), True)
            if (cut.values != best)[budget.positions].any() and _said(cut, budget):
                yield cut
    for each in budget.inputs:
        if isinstance(each.value, Clusters) and each.value.distances is not None:
            far = np.asarray(each.value.distances, dtype=np.float64)
            yield Key("distance", each.source, spread(far, each.rows, np.nan), False)
    seed = budget.stage.get("seed")
    if isinstance(seed, int):
        yield Key("draw", "", Rows[Any](budget.data).draws(seed), False)


def _said(key: Key, budget: Budget) -> bool:
    """Whether the choices say of themselves that they were ranked by these numbers."""
    import numpy as np

    values = key.values[budget.positions]
    scores = budget.selection.scores
    said = [each for each in budget.selection.why.values() if each.dtype.kind == "f"]
    said += [] if scores is None else [np.asarray(scores)]
    return any(np.array_equal(values, np.asarray(each, np.float64), equal_nan=True) for each in said)


def _may(key: Key, groups: Groups, budget: Budget) -> bool:
    """Whether numbers may be an order at all: of what was drawn by chance only equal draws."""
    import numpy as np

    chance = budget.selection.why.get(CHANCE)
    if chance is None:
        return True
    if key.what != "draw" or chance.dtype.kind != "f":
        return False
    labels = groups.labels
    rooms = np.bincount(labels[budget.among & (labels >= 0)], minlength=groups.count)
    return bool(np.allclose(chance * rooms[labels[budget.positions]], 1, rtol=1e-6))


def _fits(tried: Order, said: bool) -> bool:
    """Whether what was taken comes first; of numbers that choices do not speak of, some must come after."""
    import numpy as np

    budget, labels = tried.budget, tried.groups.labels
    if (labels[budget.among] < 0).any():
        return False
    left = np.flatnonzero(budget.among & ~budget.taken)
    last, cost = tried.last[labels[left]], tried.cost[left]
    before = cost < last
    if tried.window:
        before &= cost > tried.first[labels[left]]
    return not before.any() and (said or not len(left) or bool((cost > last).any()))


def costs(values: Floats, high: bool) -> Floats:
    """Numbers to rank upwards by; a missing one ranks last, with those that are infinitely bad."""
    import numpy as np

    return np.where(np.isnan(values), np.inf, -values if high else values)


def _edge(cost: Floats, groups: Groups, taken: NDArray[np.bool_], last: bool) -> Floats:
    """The highest (`last`) or lowest cost of the rows taken from each group, NaN where none was."""
    import numpy as np

    chosen = np.flatnonzero(taken & (groups.labels >= 0))
    labels = groups.labels[chosen]
    found = np.full(groups.count, -np.inf if last else np.inf)
    (np.maximum if last else np.minimum).at(found, labels, cost[chosen])
    found[np.bincount(labels, minlength=groups.count) == 0] = np.nan
    return found
