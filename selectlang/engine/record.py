"""The record of a run: everything needed to say how a selection came about."""

from __future__ import annotations

import math
import platform
import resource
import sys
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import selectlang
from selectlang.engine.datasets import Datasets
from selectlang.engine.task import Task
from selectlang.engine.walk import Walk
from selectlang.language.program import Program
from selectlang.language.resolved import resolved
from selectlang.plugins import Registry

PACKAGES = ("numpy", "pyarrow", "scikit-learn", "faiss-cpu", "torch", "transformers", "sentence-transformers")


def record(
    program: Program,
    registry: Registry,
    walk: Walk,
    sets: Datasets,
    outputs: dict[str, dict[str, Any]],
    started: datetime,
    seconds: float,
) -> dict[str, Any]:
    """The record, as JSON. Times are UTC; seconds are wall time; memory is in bytes."""
    return {
        "selectlang": selectlang.__version__,
        "spec": resolved(program),
        "file": program.file,
        "params": program.params,
        "seed": program.seed,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "peak_memory": _peak_memory(),
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "packages": _versions(),
        "plugins": [asdict(plugin) for plugin in registry.plugins],
        "data": {name: _data(name, key, walk, sets) for name, key in sets.named.items()},
        "stages": [_stage(task, walk) for task in walk.order],
        "outputs": outputs,
    }


def _versions() -> dict[str, str]:
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


def _data(name: str, key: str, walk: Walk, sets: Datasets) -> dict[str, Any]:
    info, spec = walk.dataset(key).info, sets.specs[key]
    return {
        "path": list(spec.path),
        "key": key,
        "rows": info.rows,
        "format": info.format,
        "shape": info.shape,
        "skipped": {"count": info.skipped, "first": list(info.skipped_first)},
        "notes": list(info.notes),
    }


def _stage(task: Task, walk: Walk) -> dict[str, Any]:
    """One task. One whose result nothing asked for, because what follows was stored, has no counts."""
    meta = walk.store.meta(task.key) or {}
    return {
        "path": task.path,
        **({"also": task.also} if task.also else {}),
        "kind": task.method.kind,
        "method": task.method.name,
        "distribution": task.method.distribution,
        "version": task.method.version,
        "settings": {name: _plain(value) for name, value in task.settings.items()},
        "seed": task.seed,
        "inputs": {port: [handle.identity for handle in handles] for port, handles in task.inputs.items()},
        "key": task.key,
        "state": "ran" if task.ran else "cached" if meta else "not needed",
        "seconds": round(task.seconds, 3),
        "seconds_in_method": round(task.inside, 3),
        "rows_in": meta.get("rows_in"),
        "rows_out": meta.get("rows", {}),
        "metrics": {name: _number(value) for name, value in meta.get("metrics", {}).items()},
        "notes": meta.get("notes", []),
    }


def _number(value: float) -> float | None:
    """NaN and infinities are no JSON: missing is null."""
    return value if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)
