"""Running a checked program: the stages, then the run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from selectlang.engine.datasets import Datasets
from selectlang.engine.folder import prepare, write
from selectlang.engine.plan import require_params
from selectlang.engine.record import record
from selectlang.engine.task import Task, Watcher
from selectlang.engine.walk import Walk
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
class Observers(Watcher):
    """Tells the display and the plugins what happens.

    A plugin that raises is reported once, and cannot break the run.
    """

    registry: Registry
    show: PlainProgress
    warn: Callable[[str], None]
    failed: set[str] = field(default_factory=set)

    def start(self, task: Task, rows: int) -> None:
        """Say so, and tell the plugins."""
        self.show.start(task.path, task.name, rows)
        self.tell("stage_started", path=task.path, method=task.name, rows=rows)

    def rows(self, task: Task, done: int, total: int) -> None:
        """Move the bar."""
        self.show.rows(task.path, done, total)

    def finish(self, task: Task) -> None:
        """Say so, and tell the plugins."""
        self.show.finish(task.path, task.seconds)
        self.finished(task)

    def wait(self, task: Task) -> None:
        """Say what is waited for."""
        self.show.say(f"{task.path}: another run is making this; waiting for it")

    def finished(self, task: Task) -> None:
        """Tell the plugins of a task that has its result."""
        cached = not task.ran
        self.tell("stage_finished", path=task.path, method=task.name, seconds=task.seconds, cached=cached)

    def tell(self, hook: str, **values: Any) -> None:
        """Call a hook of every plugin that has it, each with values of its own."""
        for implementation in getattr(self.registry.manager.hook, hook).get_hookimpls():
            try:
                implementation.function(*(deepcopy(values[name]) for name in implementation.argnames))
            except (Exception, SystemExit) as error:
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
    observers = Observers(registry, show, notes.append)
    store.on_corrupt = lambda key, why: show.say(f"store: {key[:12]} is damaged ({why}); making it again")
    sets = Datasets(store, show.reading)
    walk = Walk(store, sets.handle, sets.open, run=True, seed=program.seed, watcher=observers)
    try:
        with store.in_use(), show:
            handles = walk.program(program, {})
            walk.demand(list(handles.values()))
            values = {name: walk.value(handle) for name, handle in handles.items()}
            for task in walk.order:
                if task.cached and not task.ran:
                    observers.finished(task)
            origins = {name: _origin(handle, walk) for name, handle in handles.items()}

            def recorded(outputs: dict[str, dict[str, Any]]) -> dict[str, Any]:
                return record(program, registry, walk, sets, outputs, started, time.perf_counter() - clock)

            found = write(folder, values, origins, recorded)
    except BaseException:
        if out is None:
            with suppress(OSError):  # it stays if something is in it
                folder.rmdir()
        raise
    notes += [f"{stage['path']}: {note}" for stage in found["stages"] for note in stage["notes"]]
    notes += [f"data '{name}': {note}" for name, data in found["data"].items() for note in data["notes"]]
    observers.tell("run_finished", record=found)
    return Run(folder, found, list(dict.fromkeys(notes)))


def _origin(handle: Any, walk: Walk) -> dict[str, str]:
    """The stage and method that gave an output, for the `why` of its rows."""
    task = walk.tasks.get(getattr(handle, "key", ""))
    return {"stage": task.path, "method": task.name} if task else {}
