"""Running a checked program: the stages, then the run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from selectlang.engine.datasets import Datasets
from selectlang.engine.folder import prepare, write_outputs, write_record
from selectlang.engine.plan import require_params
from selectlang.engine.record import record
from selectlang.engine.walk import Task, Walk
from selectlang.language.program import Program
from selectlang.plugins import Registry
from selectlang.progress import PlainProgress
from selectlang.store.store import Store


@dataclass
class Run:
    """What a run did: its folder, its record, and the sentences people should read."""

    folder: Path
    record: dict[str, Any]
    notes: list[str] = field(default_factory=list)


@dataclass
class Observers:
    """Tells plugins what happens. One that raises is reported once, and cannot break the run."""

    registry: Registry
    warn: Callable[[str], None]
    failed: set[str] = field(default_factory=set)

    def tell(self, hook: str, **values: Any) -> None:
        for implementation in getattr(self.registry.manager.hook, hook).get_hookimpls():
            try:
                implementation.function(*(values[name] for name in implementation.argnames))
            except Exception as error:
                name = f"{implementation.plugin_name}: {hook}"
                if name not in self.failed:
                    self.failed.add(name)
                    self.warn(f"observer {name} failed: {type(error).__name__}: {error}")


def run(program: Program, registry: Registry, store: Store, out: Path | None, show: PlainProgress) -> Run:
    """Run a program and write its run folder; `out` None makes one under `runs/`."""
    require_params(program)
    started, clock = datetime.now(UTC), time.perf_counter()
    folder = prepare(out, program.name, started)
    notes: list[str] = []
    observers = Observers(registry, notes.append)
    store.on_corrupt = lambda key, reason: show.say(f"store: entry {key[:12]} is damaged ({reason}); making it again")

    def on_start(task: Task, rows: int) -> None:
        method = f"{task.method.kind} {task.method.name}"
        show.start(task.path, method, rows)
        observers.tell("stage_started", path=task.path, method=method, rows=rows)

    def on_finish(task: Task) -> None:
        show.finish(task.path, task.seconds)
        told(task)

    def told(task: Task) -> None:
        method = f"{task.method.kind} {task.method.name}"
        observers.tell("stage_finished", path=task.path, method=method, seconds=task.seconds, cached=not task.ran)

    sets = Datasets(store, show.reading)
    with store.in_use(), show:
        walk = Walk(
            store, sets.handle, sets.open, run=True, seed=program.seed,
            on_start=on_start, on_rows=lambda task, done, total: show.rows(task.path, done, total), on_finish=on_finish,
        )  # fmt: skip
        handles = walk.program(program, {})
        walk.demand(list(handles.values()))
        values = {name: walk.value(handle) for name, handle in handles.items()}
        for task in walk.order:
            if task.cached and not task.ran:
                told(task)
        written = write_outputs(folder, values, {name: _origin(handle, walk) for name, handle in handles.items()})
        found = record(program, registry, walk, sets, written, started, time.perf_counter() - clock)
    notes += [f"{stage['path']}: {note}" for stage in found["stages"] for note in stage["notes"]]
    notes += [f"data '{name}': {note}" for name, data in found["data"].items() for note in data["notes"]]
    write_record(folder, found)
    observers.tell("run_finished", record=found)
    return Run(folder, found, list(dict.fromkeys(notes)))


def _origin(handle: Any, walk: Walk) -> dict[str, str]:
    """The stage and method that gave an output, for the `why` of its rows."""
    task = walk.tasks.get(getattr(handle, "key", ""))
    return {"stage": task.path, "method": f"{task.method.kind} {task.method.name}"} if task else {}
