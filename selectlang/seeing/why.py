"""Why a row was chosen or not: what every stage of a run says about it, as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from selectlang.engine.handles import rows_of
from selectlang.engine.opened import Opened, base
from selectlang.errors import DataError
from selectlang.ports import Selection, Vectors
from selectlang.seeing.budgets import budget, mask, source
from selectlang.seeing.facts import facts, neighbours, told
from selectlang.seeing.fate import fate
from selectlang.seeing.rows import Found, find, is_choice, short

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROUNDS = 50  # of each loop, the last ones, that are looked at
NEIGHBOURS = 5


def why(opened: Opened, given: str, data: str | None = None, near: int = NEIGHBOURS) -> dict[str, Any]:
    """What a run made of the row with an id, or with the only id that begins so.

    `data` names the data set to look in, `near` is the number of neighbours for each stage of vectors. A
    DataError names the nearest ids.
    """
    row = find(opened, given, data)
    outputs, chosen = _outputs(opened, row)
    stages, left = _recent(opened.stages)
    found: dict[str, Any] = {
        "id": row.id,
        "data": row.name,
        "asks": short(row.rows.instructions()[0]),
        "answers": short(row.rows.responses()[0]),
        **({"group": row.rows.groups()[0]} if row.data.info.grouped else {}),
        "outputs": outputs,
        "stages": [],
        "budgets": [],
        "neighbours": {},
        "rounds_left_out": left,
    }
    last = {base(stage["path"]): stage["path"] for stage in stages}
    for stage in stages:
        said = _stage(opened, stage, row, chosen)
        if said is None:
            continue
        found["stages"].append(said)
        if stage["kind"] == "budget" and "unknown" not in said:
            found["budgets"] += _fates(opened, stage, row)
        if near and "unknown" not in said and last[base(stage["path"])] == stage["path"]:
            found["neighbours"] |= _near(opened, stage, row, near, chosen)
    return found


def _outputs(opened: Opened, row: Found) -> tuple[dict[str, Any], NDArray[np.bool_] | None]:
    """Where the row stands in each output about its data set, and all rows of the first selection of them."""
    import numpy as np

    found: dict[str, Any] = {}
    values: dict[str, Any] = {}
    first = None
    for name, said in opened.record["outputs"].items():
        try:
            value = opened.output(name)
        except DataError as error:
            found[name] = {"unknown": str(error)}
            continue
        rows = rows_of(value)
        if rows is None or rows.data.key != row.data.key:
            continue
        spots = np.flatnonzero(rows.positions == row.at)
        found[name] = {
            "from": source(opened, said["result"]),
            "holds": len(spots) > 0,
            "rank": int(spots[0]) + 1 if len(spots) else None,
            "times": len(spots),
            "rows": len(rows),
        }
        chooses = is_choice(said["result"], value)
        values[name] = value if chooses or not isinstance(value, Selection) else rows
        first = mask(rows) if chooses and first is None else first
    for name, value in values.items():
        found[name]["says"] = facts(opened, {}, value, row, first)
    return found, first


def _recent(stages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The stages without those of early rounds, where there are many, and how many were left out."""
    many, seen = Counter(base(stage["path"]) for stage in stages), Counter[str]()
    kept = []
    for stage in stages:
        path = base(stage["path"])
        seen[path] += 1
        if many[path] - seen[path] < ROUNDS:
            kept.append(stage)
    return kept, len(stages) - len(kept)


def _stage(
    opened: Opened, stage: dict[str, Any], row: Found, chosen: NDArray[np.bool_] | None
) -> dict[str, Any] | None:
    """What each output of a stage says about the row; None where none says anything."""
    said: dict[str, Any] = {
        "path": stage["path"],
        "kind": stage["kind"],
        "method": stage["method"],
        "inputs": {port: [source(opened, each) for each in wired] for port, wired in stage["inputs"].items()},
    }
    ports = {}
    try:
        for port in stage["ports"]:
            found = facts(opened, stage, opened.value(stage["path"], port), row, chosen)
            if found is not None:
                ports[port] = found
    except DataError as error:
        return {**said, "unknown": "not needed by this run" if stage["state"] == "not needed" else str(error)}
    return {**said, "says": ports} if ports else None


def _fates(opened: Opened, stage: dict[str, Any], row: Found) -> Iterator[dict[str, Any]]:
    """What a budget made of the row, for each of its outputs that is a selection of such rows."""
    for port in stage["ports"]:
        try:
            found = budget(opened, stage, port)
            if found is not None and found.data.key == row.data.key:
                yield fate(found, row.at)
        except DataError as error:  # an input is no longer in the store
            method = f"{stage['kind']} {stage['method']}"
            yield {"stage": stage["path"], "method": method, "chosen": None, "unknown": str(error)}


def _near(
    opened: Opened, stage: dict[str, Any], row: Found, count: int, chosen: NDArray[np.bool_] | None
) -> dict[str, Any]:
    """The neighbours of the row by the vectors of a stage."""
    for port in stage["ports"]:
        value = opened.value(stage["path"], port)
        if isinstance(value, Vectors) and value.rows.data.key == row.data.key:
            near = neighbours(value, row, count)
            if near:
                return {stage["path"]: told(row, near, chosen)}
    return {}
