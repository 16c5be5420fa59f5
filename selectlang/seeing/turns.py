"""Columns of scores that took turns to choose: how far down its list each of them came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from selectlang.ports import Scores
from selectlang.seeing.budgets import Budget, Input, standing
from selectlang.seeing.orders import costs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BLOCK = 32  # columns that are read together

TURN, GROUP = "turn", "group"
"""The reasons that say which column chose a row, and in which of its turns."""


@dataclass
class Turns:
    """Scores with several columns, of which each choice names one; `by` is the column of each choice."""

    budget: Budget
    input: Input
    columns: list[str]
    by: NDArray[np.int64]

    @property
    def scores(self) -> Scores[Any]:
        """The scores that were chosen by."""
        scores: Scores[Any] = self.input.value
        return scores

    @cached_property
    def inside(self) -> NDArray[np.int64]:
        """Where in the scores each candidate stands: shape (number of candidates,)."""
        import numpy as np

        return standing(self.input.rows)[np.flatnonzero(self.budget.among)]

    def lists(self) -> Iterator[tuple[int, Floats]]:
        """Each column, and the number by which it ranks each candidate upwards: infinite where it has none.

        All candidates have a place in the scores: rows without are none.
        """
        import numpy as np

        for start in range(0, len(self.columns), BLOCK):
            block = np.ascontiguousarray(self.scores.values[self.inside, start : start + BLOCK].T)
            for column, values in enumerate(block, start):
                yield column, costs(values.astype(np.float64), high=True)

    def last_turn(self, column: int) -> int:
        """The last turn in which a column chose a row, from 1; 0 if it chose none."""
        return int(self.budget.selection.why[TURN][self.by == column].max(initial=0))

    @cached_property
    def taken(self) -> NDArray[np.bool_]:
        """Which of the candidates were chosen, by any column."""
        return self.budget.taken[self.budget.among]

    def depth(self, cost: Floats) -> tuple[float, int]:
        """How far down a column's list everything is taken: the cost of the last row there, and their number.

        The cost is minus infinity where its first row is left.
        """
        import numpy as np

        left = cost[~self.taken].min(initial=np.inf)
        above = self.taken & (cost <= left) & (cost < np.inf)
        strictly = self.taken & (cost < left)
        return float(cost[above].max(initial=-np.inf)), int(strictly.sum())


def turns(budget: Budget) -> Turns | None:
    """The columns that took turns, if the choices say which of them chose each."""
    import numpy as np

    said, scores = budget.selection.why.get(GROUP), budget.selection.scores
    turn = budget.selection.why.get(TURN)
    if turn is None or turn.dtype.kind not in "iu" or said is None or scores is None or not len(scores):
        return None
    for each in budget.inputs:
        value = each.value
        if not isinstance(value, Scores) or value.values.ndim != 2 or value.columns is None:
            continue
        number = {name: i for i, name in enumerate(value.columns)}
        by = np.array([number.get(name, -1) for name in said.tolist()], dtype=np.int64)
        if (by < 0).any():
            continue
        found = Turns(budget, each, value.columns, by)
        place = standing(each.rows)[budget.positions]
        if (place >= 0).all() and np.array_equal(value.values[place, by], scores, equal_nan=True):
            return found
    return None
