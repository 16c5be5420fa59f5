"""What the value of a stage says about one row, by the type of the value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selectlang.engine.handles import rows_of
from selectlang.engine.opened import Opened
from selectlang.engine.outputs import number
from selectlang.ports import Clusters, Labels, Replies, Scores, Selection, Vectors, Weights
from selectlang.rows import Rows
from selectlang.seeing.budgets import inputs
from selectlang.seeing.rows import Found, named, short

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CELLS = 1 << 22  # numbers of vectors that are compared at once
COLUMNS = 5  # of scores with many, those that are told


def facts(
    opened: Opened, stage: dict[str, Any], value: Any, row: Found, chosen: NDArray[np.bool_] | None
) -> dict[str, Any] | None:
    """What a value says about a row, as JSON; None where it does not speak about rows of its data set.

    `chosen` are the rows of the first output that is a selection.
    """
    if isinstance(value, Weights):
        return _weight(opened, stage, value, row)
    rows = rows_of(value)
    if rows is None or rows.data.key != row.data.key:
        return None
    spots = _spots(rows, row.at)
    if isinstance(value, Selection):
        return {"chosen": len(spots) > 0, "rank": int(spots[0]) + 1 if len(spots) else None}
    if not len(spots):
        return {"among": False}
    at = int(spots[-1])
    if isinstance(value, Scores):
        return _score(value, at)
    if isinstance(value, Clusters):
        return _cluster(value, at, chosen)
    if isinstance(value, Vectors):
        return {"dimension": value.matrix.shape[1]}
    if isinstance(value, Labels):
        code = int(value.codes[at])
        why = {name: number(said[at].item()) for name, said in value.why.items()}
        return {"verdict": value.values[code] if code >= 0 else None, "why": why}
    if isinstance(value, Replies):
        return {"reply": short(value.rows.replies[at] if value.rows.replies else "")}
    return {"among": True}


def _spots(rows: Rows[Any], at: int) -> NDArray[np.int64]:
    import numpy as np

    return np.array([at]) if rows.whole else np.flatnonzero(rows.positions == at)


def _score(value: Scores[Any], at: int) -> dict[str, Any]:
    """The row's number, its rank among all that have one, and the share of these that are lower."""
    import numpy as np

    best = value.best()
    known = best[~np.isnan(best)]
    own = best[at]
    found: dict[str, Any] = {"score": number(float(own)), "rows": len(known)}
    if not np.isnan(own):
        found["rank"] = int((known > own).sum()) + 1
        found["above"] = float((known < own).mean())
    column: tuple[int, ...] = ()
    if value.values.ndim == 2:
        order = np.argsort(np.where(np.isnan(value.values[at]), np.inf, -value.values[at]), kind="stable")
        names = value.columns or [str(i) for i in range(value.values.shape[1])]
        told = order[:COLUMNS].tolist()
        found["columns"] = {names[i]: number(float(value.values[at, i])) for i in told}
        found["column_count"] = len(names)
        column = (int(order[0]),) if len(order) else ()
    if value.nearest is not None and value.nearest_ids and (column or value.values.ndim == 1):
        target = int(value.nearest[(at, *column)])
        found["nearest"] = value.nearest_ids[target] if target >= 0 else None
    return found


def _cluster(value: Clusters[Any], at: int, chosen: NDArray[np.bool_] | None) -> dict[str, Any]:
    """The row's cluster: its size, its share of all rows, and how much of it was chosen."""
    import numpy as np

    label = int(value.labels[at])
    inside = np.asarray(value.labels) == label
    size = int(inside.sum())
    found: dict[str, Any] = {
        "cluster": label,
        "name": value.names[label] if value.names is not None else None,
        "clusters": value.k,
        "size": size,
        "share": size / len(inside),
    }
    if chosen is not None:
        members = chosen[value.rows.positions]
        found["chosen"] = int((members & inside).sum())
        found["share_of_chosen"] = found["chosen"] / max(int(members.sum()), 1)
    if value.distances is not None:
        own = value.distances[at]
        found["distance"] = number(float(own))
        found["distance_rank"] = int((value.distances[inside] < own).sum()) + 1
    return found


def _weight(opened: Opened, stage: dict[str, Any], value: Weights[Any], row: Found) -> dict[str, Any] | None:
    """The weight of the row's cluster, of the clusters that came into the same stage."""
    for each in inputs(opened, stage, row.data):
        if isinstance(each.value, Clusters) and each.value.k == len(value.values):
            spots = _spots(each.rows, row.at)
            if len(spots):
                label = int(each.value.labels[spots[0]])
                return {"cluster": label, "weight": number(float(value.values[label]))}
    return None


def neighbours(value: Vectors[Any], row: Found, count: int) -> list[tuple[int, float]]:
    """The positions of the rows whose vectors are nearest, and the cosine of each, the nearest first.

    Vectors are read in blocks. A zero vector has cosine 0 to everything.
    """
    import numpy as np

    spots = _spots(value.rows, row.at)
    if not len(spots) or count < 1:
        return []
    own = _unit(value.matrix[spots[-1:]])[0]
    step = max(1, CELLS // max(1, value.matrix.shape[1]))
    cosines = np.empty(len(value.rows), dtype=np.float32)
    for start in range(0, len(cosines), step):
        cosines[start : start + step] = _unit(value.matrix[start : start + step]) @ own
    places = value.rows.positions
    cosines[places == row.at] = -np.inf
    most = min(count, int(np.isfinite(cosines).sum()))
    near = np.argpartition(-cosines, max(most - 1, 0))[:most] if most else np.empty(0, dtype=np.int64)
    near = near[np.lexsort((near, -cosines[near]))]
    return [(int(places[i]), min(1.0, max(-1.0, float(cosines[i])))) for i in near.tolist()]


def _unit(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    block = np.asarray(matrix, dtype=np.float32)
    lengths = np.linalg.norm(block, axis=1, keepdims=True)
    found: NDArray[np.float32] = np.divide(block, lengths, out=np.zeros_like(block), where=lengths > 0)
    return found


def told(row: Found, near: list[tuple[int, float]], chosen: NDArray[np.bool_] | None) -> list[dict[str, Any]]:
    """Neighbours for people: id, cosine, whether it was chosen, first words."""
    import numpy as np

    rows = named(row.data, np.array([at for at, _ in near], dtype=np.int64))
    return [
        {"cosine": round(cosine, 4), "chosen": None if chosen is None else bool(chosen[at]), **said}
        for (at, cosine), said in zip(near, rows, strict=True)
    ]
