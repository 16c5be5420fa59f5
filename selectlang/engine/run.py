"""Running a checked program: the stages, then the run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from selectlang.engine.ahead import require
from selectlang.engine.datasets import Datasets
from selectlang.engine.folder import held, write
from selectlang.engine.handles import Handle, ResultHandle
from selectlang.engine.opened import Opened
from selectlang.engine.plan import plan
from selectlang.engine.record import about, record
from selectlang.engine.results import Results
from selectlang.engine.task import Task, Watcher
from selectlang.engine.walk import Walk
from selectlang.errors import DataError, described
from selectlang.language.program import Program
from selectlang.llm.calls import Calls
from selectlang.llm.door import Door
from selectlang.llm.options import Options
from selectlang.llm.tally import Tally
from selectlang.plugins import Registry
from selectlang.progress import PlainProgress
from selectlang.store.store import Store

if TYPE_CHECKING:
    from selectlang.engine.cluster import Cluster

    Note = Callable[[str], None]
    Report = Callable[[Opened, Program, Path, Note], dict[str, Any]]
    """Writes into a folder what people look at; returns what the record says of it."""


@dataclass
class Run:
    """What a run did: its folder, its record, the sentences people should read, and a way to its values."""

    folder: Path
    record: dict[str, Any]
    notes: list[str]
    opened: Opened


@dataclass
class Observers(Watcher):
    """Tells the display and the plugins what happens.

    A plugin that raises is reported once, and cannot break the run.
    """

    registry: Registry
    show: PlainProgress
    warn: Callable[[str], None]
    failed: set[str] = field(default_factory=set)
    guard: Lock = field(default_factory=Lock)  # no plugin need know of threads

    def start(self, task: Task, rows: int) -> None:
        """Say so, and tell the plugins."""
        self.show.start(task.path, task.name, rows)
        self.tell("stage_started", path=task.path, method=task.name, rows=rows)

    def kept(self, task: Task, done: int, total: int) -> None:
        """Say so."""
        self.show.kept(task.path, done, total)

    def rows(self, task: Task, done: int, total: int) -> None:
        """Move the bar."""
        self.show.rows(task.path, done, total)

    def asked(self, task: Task, tally: Tally) -> None:
        """Say what calls to a model took so far."""
        self.show.asked(task.path, tally)
        failed = tally.failed.total()
        model, calls, cost = tally.model, tally.calls, tally.cost
        self.tell("judge_called", path=task.path, model=model, calls=calls, failed=failed, cost=cost)

    def finish(self, task: Task) -> None:
        """Say so, and tell the plugins."""
        self.show.finish(task.path, task.seconds)
        self.finished(task)

    def fail(self, task: Task) -> None:
        """Say why the run will end."""
        self.show.say(f"{task.path}: failed; the run ends when what is under way is kept")

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
                with self.guard:
                    implementation.function(*(deepcopy(values[name]) for name in implementation.argnames))
            except (Exception, SystemExit) as error:
                name = f"{implementation.plugin_name}: {hook}"
                if name not in self.failed:
                    self.failed.add(name)
                    self.warn(f"observer {name} failed: {described(error)}")


def run(
    program: Program,
    registry: Registry,
    store: Store,
    out: Path | None,
    show: PlainProgress,
    options: Options,
    report: Report,
    cluster: Cluster | None = None,
) -> Run:
    """Run a program and write its run folder; `out` None makes one under `runs/`.

    `report` writes what people look at into the folder, when all else is there. `cluster`, which this closes,
    maps the shards of classes; without it they are mapped here.
    """
    require(program, options)
    started, clock = datetime.now(UTC), time.perf_counter()
    notes: list[str] = []
    observers = Observers(registry, show, notes.append)
    store.on_corrupt = lambda key, why: show.say(f"store: {key[:12]} is damaged ({why}); making it again")
    sets = Datasets(store, show.reading)
    with (
        ExitStack() as stack,
        held(out, program, started) as folder,
        store.in_use(),
        show,
        Calls(store.scratch) as calls,
        Door(calls, options.within(program.limits)) as door,
    ):
        if ends := plan(program, sets, options).ends:  # before anything is made or paid
            raise DataError("\n".join(f"{why}; lower k, or give more rows" for why in ends))
        results = Results(sets, observers, door, stack.enter_context(cluster) if cluster else None)
        stack.callback(results.claims.close)
        handles = Walk(results, program.seed, run=True).program(program, {})
        results.demand(list(handles.values()))
        values = {name: results.value(handle) for name, handle in handles.items()}
        for task in results.tasks.values():
            if not task.ran and store.has(task.key):
                observers.finished(task)
        origins = {name: _origin(handle, results) for name, handle in handles.items()}

        def recorded(outputs: dict[str, dict[str, Any]], new: Path) -> dict[str, Any]:
            said = {name: {**what, "result": handles[name].identity} for name, what in outputs.items()}
            found = record(program, registry, results, said, started, time.perf_counter() - clock)
            opened = Opened(folder, found, store, program, sets.dataset)
            found |= report(opened, program, new, notes.append)
            return {**found, "seconds": round(time.perf_counter() - clock, 3)}

        found = write(folder, values, origins, recorded)
    notes += [f"{stage['path']}: {note}" for stage in found["stages"] for note in stage["notes"]]
    notes += [
        f"{loop['path']}: ended after round {loop['rounds']:,}: {loop['ended']}"
        for loop in found["loops"]
        if loop["ended"]
    ]
    notes += [note for name, key in sets.named.items() for note in about(name, sets.dataset(key).info)]
    observers.tell("run_finished", record=found)
    opened = Opened(folder, found, store, program, sets.dataset)
    return Run(folder, found, list(dict.fromkeys(notes)), opened)


def _origin(handle: Handle, results: Results) -> dict[str, str]:
    """The stage and method that gave an output, for the `why` of its rows."""
    task = results.tasks.get(handle.key) if isinstance(handle, ResultHandle) else None
    return {"stage": task.path, "method": task.name} if task else {}
