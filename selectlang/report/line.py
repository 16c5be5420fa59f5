"""The rows nearest to the line: the last that were chosen by a score, and the first that were not."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectlang.engine.opened import base
from selectlang.errors import DataError
from selectlang.ports import Clusters, Scores, Selection
from selectlang.report.scene import Scene, cluster_names, round_of
from selectlang.report.text import shortened, shown
from selectlang.rows import Rows
from selectlang.seeing.budgets import Budget, choice, standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Index = NDArray[np.int64]
    Values = NDArray[np.float64]

NEAR = 8  # rows on each side of a line
GROUPS, EACH = 6, 2  # groups that are shown where each has a line of its own, and rows on each side
COLUMNS = 50  # the columns that chose most are looked at for a line: each ranks all rows


def line(scene: Scene) -> dict[str, Any] | None:
    """The line of the last budget that goes by scores; None where there is none.

    `kind` is "one" where a number divides the chosen rows from the others, on one side (top) or on two (a
    band), "each" where it does so within each group or cluster, and "none" where rows are drawn.
    """
    for stage in scene.stages:
        if stage["kind"] != "budget":
            continue
        with suppress(DataError):
            value = scene.opened.value(stage["path"])
            inputs = [one for many in scene.opened.inputs(stage["path"]).values() for one in many]
            scores = next((one for one in inputs if isinstance(one, Scores)), None)
            if isinstance(value, Selection) and scores is not None and len(scores.rows):
                clusters = next((one for one in inputs if isinstance(one, Clusters)), None)
                found = _line(scene, choice(scene.opened, stage, value), scores, clusters)
                of_round = round_of(scene.opened.record["loops"], stage)
                return found and {"stage": shown(base(stage["path"])), "round": of_round, **found}
    return None


def _line(
    scene: Scene, budget: Budget, scores: Scores[Any], clusters: Clusters[Any] | None
) -> dict[str, Any] | None:
    import numpy as np

    rows = scores.rows
    if rows.data.key != scene.pool.data.key:
        return None
    values = np.asarray(scores.best(), np.float64)
    known, mine = np.isfinite(values), budget.taken[rows.positions]
    chosen = np.flatnonzero(mine & known)
    left = np.flatnonzero(~mine & (budget.among & ~scene.chosen)[rows.positions] & known)
    if not len(chosen) or not len(left):
        return None
    grouping = _grouping(scores, clusters, budget.selection)
    tell = _Teller(rows, grouping)
    inside = int(((values[left] > values[chosen].min()) & (values[left] < values[chosen].max())).sum())
    if not inside:
        kind, sides = "one", list(_sides(tell, values, chosen, left))
    elif grouping and (sides := _each(tell, grouping, chosen, left)):
        kind = "each"
    else:
        kind = "none"
        sides = [tell.side(values, lowest(values, chosen, NEAR), lowest(-values, left, NEAR))]
    return {"kind": kind, "columns": [grouping.name] if grouping else [], "inside": inside, "sides": sides}


def _sides(tell: _Teller, values: Values, chosen: Index, left: Index) -> list[dict[str, Any]]:
    """Both sides of the line below the chosen rows, and of that above them, where others lie beyond it."""
    low, high = values[chosen].min(), values[chosen].max()
    below, above = left[values[left] <= low], left[(values[left] >= high) & (values[left] > low)]
    found = []
    if len(above):
        near, beyond = lowest(-values, chosen, NEAR), lowest(values, above, NEAR)[::-1]
        found.append({**tell.side(values, near, beyond), "above": True})
    if len(below):
        found.append(tell.side(values, lowest(values, chosen, NEAR)[::-1], lowest(-values, below, NEAR)))
    return found


def lowest(values: Values, index: Index, most: int) -> Index:
    """Those of `index` with the lowest values, rising."""
    import numpy as np

    count = min(most, len(index))
    some = index[np.argpartition(values[index], count - 1)[:count]] if count else index
    found: Index = some[np.argsort(values[some], kind="stable")]
    return found


@dataclass(frozen=True)
class _Grouping:
    """Groups that may each have a line: `of` is the group of each row, `values` its scores in each group.

    `apart` says that a row stands in one group alone, as in clusters; else every group ranks all rows.
    """

    name: str
    names: list[str]
    of: Index
    values: NDArray[Any]
    apart: bool

    def score(self, group: int) -> Values:
        """The score of each row in a group."""
        import numpy as np

        return np.asarray(self.values if self.values.ndim == 1 else self.values[:, group], np.float64)

    def bounds(self, chosen: Index, left: Index) -> tuple[Values, Values]:
        """The lowest score of the chosen rows in each group, and the highest of the others.

        Infinite if there is none. There may be thousands of clusters, so they are gone through at once.
        Columns go one by one, and those beyond the largest, of which nothing is told, are infinite too.
        """
        import numpy as np

        low, high = np.full(len(self.names), np.inf), np.full(len(self.names), -np.inf)
        if self.apart:
            for index, bound, best in ((chosen, low, np.minimum), (left, high, np.maximum)):
                inside = index[self.of[index] >= 0]
                best.at(bound, self.of[inside], self.score(0)[inside])
            return low, high
        counts = np.bincount(self.of[chosen])
        for group in np.argsort(-counts, kind="stable")[: min(COLUMNS, np.count_nonzero(counts))].tolist():
            values = self.score(group)
            mine, others = values[chosen[self.of[chosen] == group]], values[left]
            low[group] = mine[np.isfinite(mine)].min(initial=np.inf)
            high[group] = others[np.isfinite(others)].max(initial=-np.inf)
        return low, high


def _grouping(
    scores: Scores[Any], clusters: Clusters[Any] | None, selection: Selection[Any]
) -> _Grouping | None:
    """The clusters that a budget goes by, or else the columns of its scores."""
    import numpy as np

    rows = scores.rows
    if clusters is not None:
        place = standing(clusters.rows)[rows.positions]
        labels = np.where(place >= 0, clusters.labels[place], -1)
        return _Grouping("cluster", cluster_names(clusters), labels, scores.best(), apart=True)
    if scores.values.ndim < 2 or not scores.columns:
        return None
    of = scores.best_column()
    if "group" in selection.why:  # which group took a row that several want
        number = {name: i for i, name in enumerate(scores.columns)}
        place = standing(rows)[selection.rows.positions]
        for at, name in zip(place.tolist(), selection.why["group"].tolist(), strict=True):
            if at >= 0 and name in number:
                of[at] = number[name]
    return _Grouping("group", scores.columns, of, scores.values, apart=False)


def _each(tell: _Teller, grouping: _Grouping, chosen: Index, left: Index) -> list[dict[str, Any]]:
    """The sides of the line of each group, the largest first; nothing when one of the largest has no line."""
    import numpy as np

    low, high = grouping.bounds(chosen, left)
    both = np.isfinite(low) & np.isfinite(high)
    if (high > low)[both].any():
        return []
    of = grouping.of[chosen]
    counts = np.bincount(of[of >= 0], minlength=len(both))
    largest = np.argsort(-counts, kind="stable")
    found = []
    for group in largest[both[largest]][:GROUPS].tolist():
        values = grouping.score(group)
        mine = chosen[(of == group) & np.isfinite(values[chosen])]
        others = left[grouping.of[left] == group] if grouping.apart else left
        others = others[np.isfinite(values[others])]
        near, beyond = lowest(values, mine, EACH)[::-1], lowest(-values, others, EACH)
        found.append(tell.side(values, near, beyond, group))
    return found


class _Teller:
    """Tells of rows: their id, score, group or cluster, and first words."""

    def __init__(self, rows: Rows[Any], grouping: _Grouping | None) -> None:
        self.rows, self.grouping = rows, grouping

    def side(self, values: Values, chosen: Index, left: Index, group: int | None = None) -> dict[str, Any]:
        """Rows on both sides of a line, of one group or of those they stand in."""
        return {"chosen": self.tell(values, chosen, group), "left": self.tell(values, left, group)}

    def tell(self, values: Values, index: Index, group: int | None) -> list[dict[str, Any]]:
        view = self.rows.take(index)
        found = [
            {"id": shortened(identifier, 45), "score": float(f"{score:.6g}"), "text": shown(text)}
            for identifier, score, text in zip(view.ids(), values[index], view.texts(), strict=True)
        ]
        if self.grouping is not None:
            for row, i in zip(found, index.tolist(), strict=True):
                number = int(self.grouping.of[i]) if group is None else group
                row[self.grouping.name] = shown(self.grouping.names[number], 40) if number >= 0 else ""
        return found
