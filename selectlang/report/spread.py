"""How scores are distributed, and what each group of rows gave: the chosen rows against the pool."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from selectlang.report.scene import Found, Scene
from selectlang.report.text import shown
from selectlang.seeing.budgets import standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNTOLD = ("cluster", "turn")  # clusters have their shares, and of each turn there is a row a group
BINS = 40
VALUES = 25  # different numbers that each have a bar of their own
EDGE = 0.5  # percent of the rows at each end that share a bar with all beyond
WHOLE = 1e9  # from where numbers are no longer told apart by halves
BARS = 30  # groups of one kind that are shown


def distribution(scene: Scene, scores: Found) -> dict[str, Any] | None:
    """The shares of the pool and of the chosen rows in each bar; None where no score is known.

    `edges` begin and end the bars, of which the first and the last hold all beyond; or `values` has one each.
    Between `whole` numbers they end in .5.
    """
    import numpy as np

    values = np.asarray(scores.value.best(), np.float64)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    place = standing(scores.value.rows)[scene.selection.rows.positions]
    chosen = np.where(place >= 0, values[place], np.nan)
    known = chosen[np.isfinite(chosen)]
    columns = scores.value.values.shape[1] if scores.value.values.ndim > 1 else 1
    found: dict[str, Any] = {
        "name": shown(scores.title),
        "round": scores.round,
        "columns": columns,
        "pool_missing": int(len(scene.pool) - len(finite)),
        "chosen_missing": int(len(chosen) - len(known)),
    }
    distinct = np.unique(finite)
    if _few(distinct):
        counts = [np.array([(part == value).sum() for value in distinct]) for part in (finite, known)]
        found["values"] = distinct.tolist()
    else:
        low, high = np.percentile(finite, [EDGE, 100 - EDGE])
        found["whole"] = whole = bool(
            np.abs(distinct).max() < WHOLE and (distinct == np.rint(distinct)).all()
        )
        edges = _whole(low, high) if whole else np.linspace(low, high if high > low else low + 1, BINS + 1)
        counts = [np.histogram(np.clip(part, edges[0], edges[-1]), edges)[0] for part in (finite, known)]
        found["edges"] = edges.tolist() if whole else _digits(edges)
    found["pool"], found["chosen"] = (_digits(part / max(1, part.sum())) for part in counts)
    return found


def _whole(low: float, high: float) -> NDArray[np.float64]:
    """Edges between whole numbers: bars of another width would hold now more of them, now fewer."""
    import numpy as np

    low, high = np.floor(low), np.ceil(high)
    width = np.ceil((high - low + 1) / BINS)
    found: NDArray[np.float64] = np.arange(low - 0.5, high + width, width)
    return found


def _few(distinct: NDArray[np.float64]) -> bool:
    """Whether so few numbers, none of them close to another, can each have a bar."""
    import numpy as np

    if not 1 < len(distinct) <= VALUES:
        return len(distinct) == 1
    return bool(np.diff(distinct).min() * 2 * VALUES >= distinct[-1] - distinct[0])


def shares(
    name: str,
    kind: str,
    pool: NDArray[np.integer[Any]],
    chosen: NDArray[np.integer[Any]],
    names: list[str],
) -> dict[str, Any]:
    """What groups gave: their shares of the pool and of what was chosen, those that differ most if many.

    `pool` and `chosen` have the number of each row's group, -1 for none, and `names` are theirs.
    """
    import numpy as np

    of_pool, of_chosen = (np.bincount(part[part >= 0], minlength=len(names)) for part in (pool, chosen))
    parts = of_pool / max(1, of_pool.sum()), of_chosen / max(1, of_chosen.sum())
    there = np.flatnonzero(of_pool + of_chosen)
    gap = np.abs(parts[1] - parts[0])[there]
    most = there[np.argsort(-gap, kind="stable")[:BARS]]
    most = most[np.argsort(-(parts[1] - parts[0])[most], kind="stable")]
    return {
        "name": shown(name),
        "kind": kind,
        "groups": len(there),
        "reached": int(np.count_nonzero(of_chosen)),
        "names": [shown(names[i], 40) or "(none)" for i in most.tolist()],
        "pool": _digits(parts[0][most]),
        "chosen": _digits(parts[1][most]),
        "pool_rows": of_pool[most].tolist(),
        "chosen_rows": of_chosen[most].tolist(),
    }


def reasons(scene: Scene) -> list[dict[str, Any]]:
    """What was chosen for each reason that the budget gives, such as a task, where these are few.

    Where the groups are known, as columns of the scores, those that got nothing are there too; of many those
    that got most. `even` is the share of each, were it the same for all; None where there may be others.
    """
    import numpy as np

    found = []
    for name, values in scene.selection.why.items():
        if name in UNTOLD or np.asarray(values).dtype.kind not in "OUSiub":
            continue
        counts = Counter(map(str, np.asarray(values).tolist()))
        known = _groups(scene, set(counts)) if name == "group" else []
        counts.update(dict.fromkeys(known, 0))
        if len(counts) > 1 and (known or len(counts) <= BARS):
            ranked = counts.most_common(BARS)
            if all(each.isdecimal() for each, _ in ranked):  # such as rounds
                ranked.sort(key=lambda each: int(each[0]))
            found.append(
                {
                    "name": name,
                    "names": [shown(each, 40) for each, _ in ranked],
                    "rows": [rows for _, rows in ranked],
                    "groups": len(counts),
                    "even": counts.total() / len(counts) if known else None,
                }
            )
    return found


def _groups(scene: Scene, some: set[str]) -> list[str]:
    """All groups, of which some are known: the columns of the nearest scores that have these, or clusters."""
    columns = [each.value.columns for each in scene.scores]
    names = [each.value.names for each in scene.clusters]
    return next((every for every in [*columns, *names] if every and set(every) >= some - {""}), [])


def _digits(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.5g}") for value in values.tolist()]
