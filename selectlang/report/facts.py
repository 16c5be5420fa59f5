"""All that a report shows of results: computed once, and kept in the store by what it follows from."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selectlang.digests import file_digest, json_digest
from selectlang.engine.opened import Opened
from selectlang.errors import DataError
from selectlang.ports import Clusters
from selectlang.report.control import control as random_control
from selectlang.report.control import labels
from selectlang.report.ground import Ground, ground
from selectlang.report.line import line
from selectlang.report.points import points
from selectlang.report.rounds import loops
from selectlang.report.scene import CHARTED, Found, Groups, Scene, groups_of, scenes
from selectlang.report.space import Space, of_vectors
from selectlang.report.spread import distribution, reasons, shares
from selectlang.report.words import told_apart
from selectlang.store.store import Store

FACTS, MAP = "facts.json", "map.json.gz"


@dataclass(frozen=True)
class Facts:
    """What is shown: `about` as JSON, and the points of the map as JSON in gzip, empty if there are none."""

    about: dict[str, Any]
    map: bytes


def facts(opened: Opened, control: bool) -> Facts:
    """The facts of a run, out of the store where it has them."""
    key = _key(opened, control)
    folder = opened.store.path(key)
    if folder is not None:
        return Facts(json.loads((folder / FACTS).read_bytes()), (folder / MAP).read_bytes())
    found = _facts(opened, control)
    if found.about["outputs"] or found.about["loops"]:
        with suppress(DataError), opened.store.writing(key, {"path": "report", "method": "report"}) as folder:
            _write(found, folder)
    return found


def _write(found: Facts, folder: Path) -> None:
    (folder / FACTS).write_text(json.dumps(found.about), encoding="ascii")
    (folder / MAP).write_bytes(found.map)


def _key(opened: Opened, control: bool) -> str:
    """What facts follow from: the code, and the results that there are."""
    record, has = opened.record, opened.store.has
    # A result with failed calls may be made anew under its key: then it has another content.
    told = ("path", "key", "content", "metrics", "asked")
    stages = [[has(stage["key"]), *map(stage.get, told)] for stage in opened.stages]
    outputs = [[name, output.get("result")] for name, output in record["outputs"].items()]
    data = [[name, each["key"]] for name, each in record["data"].items()]
    code = [file_digest(path) for path in sorted(Path(__file__).parent.glob("*.py"))]
    return json_digest(["report", code, stages, outputs, data, record["loops"], record["seed"], control])


def _facts(opened: Opened, control: bool) -> Facts:
    from threadpoolctl import threadpool_limits

    # Threads of small products wait for each other more than they compute.
    with threadpool_limits(1), _without_damaged(opened.store):
        return _computed(opened, control)


@contextmanager
def _without_damaged(store: Store) -> Iterator[None]:
    """Say nothing of damaged results, which a run would make again and a report goes without."""
    said, store.on_corrupt = store.on_corrupt, lambda key, why: None
    try:
        yield
    finally:
        store.on_corrupt = said


def _computed(opened: Opened, control: bool) -> Facts:
    found = scenes(opened)
    about: dict[str, Any] = {"outputs": [], "loops": loops(opened), "map": None}
    seed, shown = opened.record["seed"], b""
    for number, scene in enumerate(found):
        rows = ground(scene.pool, scene.selection.rows.positions, seed)
        space = _space(scene)
        if about["map"] is None and space:
            others = [other for other in found[:CHARTED] if other is not scene]
            if drawn := points([scene, *others], rows, space, seed):
                about["map"] = drawn.pop("about")
                shown = gzip.compress(json.dumps(drawn).encode(), 4, mtime=0)
        about["outputs"].append(_output(scene, rows, space, seed, control, number < CHARTED))
    about["lost"] = sorted({path for scene in found for path in scene.lost})
    return Facts(about, shown)


def _space(scene: Scene) -> Space | None:
    return of_vectors(scene.vectors.title, scene.vectors.value) if scene.vectors else None


def _output(
    scene: Scene, rows: Ground, space: Space | None, seed: int, control: bool, charted: bool
) -> dict[str, Any]:
    """What there is to see of one selection: all of it, or the control alone."""
    chosen, groups = scene.selection.rows, groups_of(rows.rows)
    return {
        "name": scene.name,
        "data": scene.data,
        "rows": len(chosen),
        "unique": int(scene.chosen.sum()),
        "pool": len(scene.pool),
        "stands_for": len(rows.frame),
        "control": random_control(scene, rows, groups, space, seed) if control else None,
        "charted": charted,
        **(_charts(scene, rows, groups) if charted else _NOTHING),
    }


_NOTHING: dict[str, Any] = {"scores": [], "shares": [], "reasons": [], "line": None}


def _charts(scene: Scene, rows: Ground, groups: Groups) -> dict[str, Any]:
    spreads = [each for found in scene.scores if (each := distribution(scene, found))]
    return {
        "scores": spreads,
        "shares": [*_fields(groups, rows), *(_clusters(scene, rows, each) for each in scene.clusters)],
        "reasons": reasons(scene),
        "line": line(scene),
    }


def _fields(groups: Groups, rows: Ground) -> list[dict[str, Any]]:
    return [
        shares(name, "field", codes[rows.frame], codes[rows.chosen], names)
        for name, (names, codes) in groups.items()
    ]


def _clusters(scene: Scene, rows: Ground, found: Found) -> dict[str, Any]:
    value: Clusters[Any] = found.value
    names = told_apart(value, rows.rows, rows.frame)
    return shares(found.title, "cluster", value.labels, labels(value, scene.selection.rows), names)
