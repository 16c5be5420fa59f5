"""The results of a walk: which of its tasks must run, running them, and reading what they gave."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selectlang.engine.claim import claimed
from selectlang.engine.datasets import Datasets
from selectlang.engine.execute import Execution
from selectlang.engine.handles import DataHandle, EmptyHandle, Handle, ResultHandle, empty
from selectlang.engine.inputs import inputs_of, rows_in
from selectlang.engine.lanes import Lanes
from selectlang.engine.standing import Lost, Standing
from selectlang.engine.task import Task, Watcher
from selectlang.errors import DataError
from selectlang.llm.claims import Claims
from selectlang.ports import Labels
from selectlang.rows import Rows
from selectlang.store.codec import decode

if TYPE_CHECKING:
    from selectlang.engine.cluster import Cluster
    from selectlang.llm.door import Door, Stage


@dataclass
class Results:
    """The tasks that a walk has laid out, by their keys and in its order, and their results in the store.

    `door` is the way to language models; a plan, which runs nothing, has none. `cluster` maps the shards of
    classes; without it this process does.
    """

    sets: Datasets
    watcher: Watcher = field(default_factory=Watcher)
    door: Door | None = None
    cluster: Cluster | None = None
    tasks: dict[str, Task] = field(default_factory=dict)
    loops: list[dict[str, Any]] = field(default_factory=list)  # how long each was, and what ended it

    def __post_init__(self) -> None:
        self.store = self.sets.store
        self.standing = Standing(self.store)
        self.claims = Claims(self.store.folder / "cache" / "claims")
        self.error: BaseException | None = None  # the first, which ends the run

    def add(self, task: Task) -> None:
        """Take a task in; what it asked of models, if it has run before, counts towards the caps."""
        self.tasks[task.key] = task
        if task.cached and self.door is not None and "llm" in task.method.given:
            self.door.count(self.store.meta(task.key) or {})

    def needed(self, handles: list[Handle]) -> list[Task]:
        """The tasks that must run, in order. A result that is there hides all that led to it."""
        wanted, stack = set(), [handle.key for handle in handles if isinstance(handle, ResultHandle)]
        while stack:
            key = stack.pop()
            if key in wanted or self.standing.has(key):
                continue
            wanted.add(key)
            stack += self.standing.sources(key)
            for handle in (handle for handles in self.tasks[key].inputs.values() for handle in handles):
                if isinstance(handle, ResultHandle):
                    stack.append(handle.key)
        return [task for task in self.tasks.values() if task.key in wanted]

    def demand(self, handles: list[Handle]) -> None:
        """Run what these handles need and the store does not hold."""
        Lanes(self, self.needed(handles)).run()

    def execute(self, task: Task) -> None:
        """Run a task, in any thread, unless its result is there by then, made by another run.

        Lost when an input is damaged.
        """
        given = {port: [self.given(task, one) for one in handles] for port, handles in task.inputs.items()}
        with claimed(self.claims, task.key, lambda: self.watcher.wait(task), self.check):
            if self.store.path(task.key) is None or not self.standing.has(task.key):
                self.make(task, inputs_of(task.method, given))

    def stop(self, error: BaseException) -> None:
        """End what runs in other threads, because of an error; the first one is kept."""
        self.error = self.error or error
        if self.door is not None and self.door.stopped is not KeyboardInterrupt:
            self.door.stopped = CancelledError if isinstance(error, Exception) else KeyboardInterrupt

    def check(self) -> None:
        """A CancelledError when another task has failed."""
        if self.error is not None:
            raise CancelledError

    def told(self, task: Task, done: int, total: int) -> None:
        """Some rows of a task are done, and kept."""
        self.watcher.rows(task, done, total)
        self.check()

    def make(self, task: Task, inputs: dict[str, Any]) -> None:
        """Run the method of a task on its inputs."""
        rows = rows_in(inputs)
        self.watcher.start(task, rows)
        started = time.perf_counter()
        execution = Execution(
            task.key, task.path, task.method, inputs, task.settings, task.seed, self.store, self.sets.dataset,
            lambda done, total: self.told(task, done, total), self.cluster,
            lambda done, total: self.watcher.kept(task, done, total), self.asked(task),
        )  # fmt: skip
        provisional = self.standing.provisional(each for handles in task.inputs.values() for each in handles)
        execution.run({"path": task.path, "method": task.name, "rows_in": rows, "provisional": provisional})
        self.standing.made.add(task.key)
        task.seconds, task.inside, task.ran = time.perf_counter() - started, execution.inside, True
        self.watcher.finish(task)

    def asked(self, task: Task) -> Stage | None:
        """The door to language models, as a task has it that asks for it."""
        if self.door is None or "llm" not in task.method.given:
            return None
        return self.door.stage(task.path, lambda tally: self.watcher.asked(task, tally))

    def given(self, task: Task, handle: Handle) -> Any:
        """A value as an input of a task; what a merge joins says of each row which budget chose it."""
        value = self.read(handle)
        if task.method.kind == "merge" and isinstance(handle, ResultHandle):
            return self.tasks[handle.key].marked(value)
        return value

    def value(self, handle: Handle) -> Any:
        """The value a handle stands for; what the store does not hold, or holds damaged, is made first."""
        try:
            return self.read(handle)
        except Lost:
            self.demand([handle])
            return self.read(handle)

    def read(self, handle: Handle) -> Any:
        """The value a handle stands for; Lost when the store does not hold it, or holds it damaged."""
        dataset = self.sets.dataset
        if isinstance(handle, DataHandle):
            return Rows(dataset(handle.key))
        if isinstance(handle, EmptyHandle):
            return empty(handle.kind, dataset(handle.data) if handle.data else None)
        folder = self.store.path(handle.key) if self.standing.has(handle.key) else None
        if folder is None:
            self.standing.lost(handle.key)
            raise Lost(handle.key)
        value = decode(folder / f"port_{handle.port}", dataset)
        if handle.verdict is not None and isinstance(value, Labels):
            try:
                return value.having(handle.verdict)
            except DataError as error:
                raise DataError(f"{self.tasks[handle.key].path}.{handle.verdict}: {error}") from error
        return value
