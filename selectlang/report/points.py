"""The points of the map: rows of the pool with what people see of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selectlang.draws import derive
from selectlang.report.ground import Ground, first
from selectlang.report.projection import plane
from selectlang.report.scene import Scene, fields
from selectlang.report.space import BLOCK, Space
from selectlang.report.text import shortened, shown
from selectlang.report.words import told_apart
from selectlang.seeing.budgets import standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

POINTS = 60_000
SCALE = 9_999  # coordinates are whole numbers from -SCALE to SCALE
IDS = 200  # characters of an id, by which a row is searched for
SCORES = 4  # that points can be coloured by


def points(scenes: list[Scene], ground: Ground, space: Space, seed: int) -> dict[str, Any] | None:
    """The points, column by column; None where there are none.

    All chosen rows, or a random sample where they are more than two thirds of POINTS; and of the others as
    many as there is room for, at random.
    """
    import numpy as np

    pool = scenes[0].pool
    scenes = [scene for scene in scenes if scene.pool.data.key == pool.data.key]
    known = space.known(np.arange(len(pool)))
    positions = _shown(scenes, ground, known, seed)
    if not len(positions):
        return None
    flat, share = plane(space, positions)
    largest = float(np.abs(flat).max()) or 1.0
    x, y = np.rint(flat.T * (SCALE / largest)).astype(int).tolist()
    view = pool.take(positions)
    return {
        "about": {
            "points": len(positions),
            "rows": len(pool),
            "without": int(np.count_nonzero(~known)),
            "all_chosen": bool(np.isin(np.flatnonzero(scenes[0].chosen), positions).all()),
            "stage": shown(space.stage),
            "share": round(share, 4),
        },
        "x": x,
        "y": y,
        "id": [shortened(identifier, IDS) for identifier in view.ids()],
        "text": _texts(view.positions, scenes[0]),
        "chosen": {scene.name: np.flatnonzero(scene.chosen[positions]).tolist() for scene in scenes},
        "colours": [
            *_clusters(scenes[0], ground, positions),
            *_fields(scenes[0], positions),
            *_scores(scenes[0], positions),
        ],
    }


def _shown(scenes: list[Scene], ground: Ground, known: NDArray[np.bool_], seed: int) -> Index:
    """The rows to show, by position: first those that stand for the pool, in random order."""
    import numpy as np

    pool, frame = scenes[0].pool, ground.rows.positions[ground.frame]
    frame = frame[known[frame]]
    most = min(POINTS, max(len(frame), 1))
    chosen = np.logical_or.reduce([scene.chosen for scene in scenes]) & known
    kept = np.flatnonzero(chosen)
    if len(kept) > 2 * most // 3 and len(pool) > most:
        kept = kept[first(pool.take(kept).draws(derive(seed, "report", "map")), 2 * most // 3)]
    wanted = np.zeros(len(pool), dtype=bool)
    wanted[kept] = True
    others = frame[~chosen[frame]][: most - len(kept)]
    wanted[others] = True
    inside = frame[wanted[frame]]
    wanted[inside] = False
    return np.concatenate([inside, kept[wanted[kept]]])


def _texts(positions: Index, scene: Scene) -> list[str]:
    """The first words of each row."""
    found = []
    for start in range(0, len(positions), BLOCK):
        turns = scene.pool.data.turns(positions[start : start + BLOCK])
        found += [shown(" ".join([text for _, text in conversation])) for conversation in turns]
    return found


def _clusters(scene: Scene, ground: Ground, positions: Index) -> list[dict[str, Any]]:
    import numpy as np

    found = []
    for each in scene.clusters:
        place = standing(each.value.rows)[positions]
        labels = np.where(place >= 0, each.value.labels[place], -1)
        names = told_apart(each.value, ground.rows, ground.frame)
        found.append(_groups(each.title, [names[i] if i >= 0 else "(none)" for i in labels.tolist()]))
    return found


def _fields(scene: Scene, positions: Index) -> list[dict[str, Any]]:
    return [_groups(name, values) for name, values in fields(scene.pool.take(positions)).items()]


def _groups(name: str, values: list[str]) -> dict[str, Any]:
    """Names by number, the most frequent first."""
    import numpy as np

    names, codes, counts = np.unique(np.array(values, dtype=object), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    return {"name": shown(name), "names": [shown(names[i], 40) for i in order], "codes": rank[codes].tolist()}


def _scores(scene: Scene, positions: Index) -> list[dict[str, Any]]:
    import numpy as np

    found = []
    for each in scene.scores[:SCORES]:
        place = standing(each.value.rows)[positions]
        values = np.where(place >= 0, each.value.best()[place], np.nan)
        known = [float(f"{value:.5g}") if np.isfinite(value) else None for value in values.tolist()]
        found.append({"name": shown(each.title), "values": known})
    return found
