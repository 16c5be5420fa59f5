"""The record of a run: everything needed to say how a selection came about."""

from __future__ import annotations

import json
import platform
import resource
import sys
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import selectlang
from selectlang.data.info import DataInfo
from selectlang.digests import json_digest
from selectlang.engine.datasets import Datasets
from selectlang.engine.keys import canonical
from selectlang.engine.outputs import number
from selectlang.engine.request import request
from selectlang.engine.results import Results
from selectlang.engine.source import source_digest
from selectlang.engine.task import Task
from selectlang.language.program import Program
from selectlang.language.resolved import remaining, resolved
from selectlang.plugins import Registry
from selectlang.store.store import Store
from selectlang.store.trained import called

_ADDED = ("calls", "paid", "tokens_in", "tokens_out", "cost")
PACKAGES = (
    "numpy",
    "pyarrow",
    "scikit-learn",
    "faiss-cpu",
    "torch",
    "transformers",
    "sentence-transformers",
    "peft",
    "litellm",
)


def record(
    program: Program,
    registry: Registry,
    results: Results,
    outputs: dict[str, dict[str, Any]],
    started: datetime,
    seconds: float,
) -> dict[str, Any]:
    """The record, as JSON. Times are UTC; seconds are wall time; memory is in bytes.

    `spec` checks and runs again, to the same keys, with `spec_params` as the values of its params. `sealed`
    adds a hash of it all when it is written.
    """
    return {
        "selectlang": selectlang.__version__,
        "request": request(program),
        "spec": resolved(program),
        "file": program.file,
        "origins": [asdict(origin) for origin in program.origins],
        "spec_params": remaining(program),
        "params": program.params,
        "seed": program.seed,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "peak_memory": _peak_memory(),
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "packages": versions(),
        "plugins": [asdict(plugin) for plugin in registry.plugins],
        "data": {name: _data(key, results.sets) for name, key in results.sets.named.items()},
        "stages": (stages := [_stage(task, results.store) for task in results.tasks.values()]),
        "loops": results.loops,
        "asked": _asked(stages),
        "outputs": outputs,
    }


def sealed(found: dict[str, Any]) -> dict[str, Any]:
    """A record with a hash of all that is in it, as it will be read back."""
    return {**found, "sha256": json_digest(json.loads(json.dumps(found)))}


def versions() -> dict[str, str]:
    """The versions of the packages that decide the digits of numbers, of those that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _data(key: str, sets: Datasets) -> dict[str, Any]:
    info, spec = sets.dataset(key).info, sets.specs[key]
    return {
        "path": list(spec.path),
        "key": key,
        "rows": info.rows,
        "format": info.format,
        "shape": info.shape,
        "skipped": {"count": info.skipped, "first": list(info.skipped_first)},
        "notes": list(info.notes),
    }


def about(name: str, info: DataInfo) -> list[str]:
    """What people should know of how a data set was read: rows that were left out, each with its place."""
    found = list(info.notes)
    if info.skipped:
        shown = len(info.skipped_first)
        which = "" if info.skipped == shown else f", the first {shown} of them"
        rows = "bad row" if info.skipped == 1 else "bad rows"
        found += [f"{info.skipped:,} {rows} skipped{which}:", *info.skipped_first]
    return [f"data {name!r}: {note}" for note in found]


def _stage(task: Task, store: Store) -> dict[str, Any]:
    """One task. One whose result nothing asked for, because what follows was stored, has no counts."""
    meta = store.meta(task.key) or {}
    return {
        "path": task.path,
        **({"also": task.also} if task.also else {}),
        "kind": task.method.kind,
        "method": task.method.name,
        "distribution": task.method.distribution,
        "version": task.method.version,
        "source": source_digest(task.method.call),
        "settings": {name: _plain(value) for name, value in task.settings.items()},
        **({"in_key": others} if (others := _in_key(task)) else {}),
        "seed": task.seed,
        "inputs": {port: [handle.identity for handle in handles] for port, handles in task.inputs.items()},
        "key": task.key,
        "ports": [port.name for port in task.method.outputs],
        **({"content": store.content(task.key)} if meta.get("failed") or meta.get("provisional") else {}),
        "state": "ran" if task.ran else "cached" if meta else "not needed",
        "seconds": round(task.seconds, 3),
        "seconds_in_method": round(task.inside, 3),
        "rows_in": meta.get("rows_in"),
        "rows_out": meta.get("rows", {}),
        **({"asked": [_named(tally, store) for tally in meta["asked"]]} if "asked" in meta else {}),
        "metrics": {name: number(value) for name, value in meta.get("metrics", {}).items()},
        "notes": meta.get("notes", []),
    }


def _named(tally: dict[str, Any], store: Store) -> dict[str, Any]:
    return {**tally, "model": called(tally["model"], store)}


def _asked(stages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What all stages took of each model; `paid` are the calls that this run made. A null cost is unknown."""
    total: dict[str, dict[str, Any]] = {}
    for stage in stages:
        for tally in stage.get("asked", ()):
            found = total.setdefault(tally["model"], dict.fromkeys(_ADDED, 0))
            for name in _ADDED:
                new = tally[name] if name != "paid" or stage["state"] == "ran" else 0
                found[name] = None if None in (found[name], new) else found[name] + new
    return total


def _in_key(task: Task) -> dict[str, Any]:
    """The settings that are another value in the key: of a model that is a folder, what it holds."""
    found = canonical(task.method, task.settings)
    return {name: value for name, value in found.items() if value != _plain(task.settings[name])}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)
