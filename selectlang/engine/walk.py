"""Walking a program: every call gets its key, and what is missing is run in order.

Planning and running walk the same way. A walk first lays out tasks, whose keys follow from the keys of
their inputs alone; `demand` then runs those that an output, or the end of a loop, really needs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selectlang.data.dataset import Dataset
from selectlang.engine.claim import claimed
from selectlang.engine.execute import Execution, inputs_of, rows_in
from selectlang.engine.handles import (
    DataHandle,
    EmptyHandle,
    Handle,
    ResultHandle,
    empty,
    nothing,
    with_default,
)
from selectlang.engine.keys import call_key
from selectlang.engine.standing import Standing
from selectlang.engine.task import Task, Watcher, seed_of, setting
from selectlang.language.program import Call, Nested, Program, Ref, Rounds, Step, Until
from selectlang.ports import Labels
from selectlang.rows import Rows
from selectlang.store.codec import decode
from selectlang.store.store import Store

if TYPE_CHECKING:
    from selectlang.llm.door import Door, Stage

Scope = dict[str, dict[str | None, Handle]]


@dataclass
class Walk:
    """A walk over one program. With `run` False nothing is executed."""

    store: Store
    data: Callable[[str, dict[str, Any]], DataHandle]
    open_data: Callable[[str], Dataset]
    run: bool
    seed: int
    watcher: Watcher = field(default_factory=Watcher)
    door: Door | None = None
    tasks: dict[str, Task] = field(default_factory=dict)
    order: list[Task] = field(default_factory=list)
    sets: dict[str, DataHandle] = field(default_factory=dict)
    datasets: dict[str, Dataset] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.standing = Standing(self.store)

    def program(
        self, program: Program, bound: dict[str, Handle], prefix: str = "", rounds: tuple[int, ...] = ()
    ) -> dict[str, Handle]:
        """Walk a program, and return the handle of each output."""
        scope: Scope = {}
        for name, settings in program.data.items():
            handle = self.data(f"{prefix}{name}", settings)
            self.sets[f"{prefix}{name}"] = handle
            scope[name] = {None: handle}
        scope |= {name: {None: handle} for name, handle in bound.items()}
        self.steps(program.steps, scope, rounds)
        return {name: self.handle(ref, scope) for name, ref in program.outputs.items()}

    def steps(self, steps: list[Step], scope: Scope, rounds: tuple[int, ...]) -> None:
        """Walk the steps of a scope in order."""
        for step in steps:
            if isinstance(step, Call):
                scope[step.name] = self.call(step, scope, rounds)
            elif isinstance(step, Rounds):
                scope[step.name] = self.loop(step, scope, rounds)
            else:
                scope[step.name] = self.nested(step, scope, rounds)

    def nested(self, step: Nested, scope: Scope, rounds: tuple[int, ...]) -> dict[str | None, Handle]:
        """Walk a recipe, in a scope of its own."""
        bound = {name: self.handle(ref, scope) for name, ref in step.data.items()}
        outputs = self.program(step.program, bound, f"{step.path}/", rounds)
        return with_default(outputs)

    def handle(self, ref: Ref, scope: Scope) -> Handle:
        """The handle that a reference stands for."""
        handle = scope[ref.name][ref.port]
        if ref.verdict is None:
            return handle
        if isinstance(handle, EmptyHandle):
            return EmptyHandle("Selection", handle.data)
        assert isinstance(handle, ResultHandle)
        return ResultHandle(handle.key, handle.port, ref.verdict)

    def call(self, step: Call, scope: Scope, rounds: tuple[int, ...]) -> dict[str | None, Handle]:
        """Lay out one call. Its seed follows from the spec's seed, the stage's path and the round."""
        settings = {name: setting(step, name, value, rounds) for name, value in step.settings.items()}
        inputs = {port: [self.handle(ref, scope) for ref in refs] for port, refs in step.wires.items()}
        seed = seed_of(step, self.seed, rounds) if step.method.seeded else None
        identities = {port: [handle.identity for handle in handles] for port, handles in inputs.items()}
        key = call_key(step.method, settings, identities, seed)
        path = step.path + "".join(f"#{index + 1}" for index in rounds)
        task = self.tasks.get(key)
        if task is None:
            task = Task(path, step.method, settings, inputs, seed, key, self.standing.has(key), rounds)
            self.tasks[key] = task
            self.order.append(task)
            if task.cached and self.door is not None and "llm" in step.method.given:
                self.door.count(self.store.meta(key) or {})
        elif path != task.path:
            task.also.append(path)
        outputs: dict[str | None, Handle] = {
            port.name: ResultHandle(key, port.name) for port in step.method.outputs
        }
        return {**outputs, None: ResultHandle(key, step.method.outputs[0].name)}

    def loop(self, step: Rounds, scope: Scope, rounds: tuple[int, ...]) -> dict[str | None, Handle]:
        """Rounds of a loop: each starts from what the last handed on."""
        seen: list[list[float]] = [[] for _ in step.until]
        carried: dict[str, Handle] = {
            name: self.handle(carry.start, scope) if carry.start else nothing(carry.type, self.sets)
            for name, carry in step.carry.items()
        }
        for index in range(step.rounds):
            inner: Scope = {**scope, **{name: {None: handle} for name, handle in carried.items()}}
            self.steps(step.steps, inner, (*rounds, index))
            carried = {name: self.handle(carry.next, inner) for name, carry in step.carry.items()}
            for until, values in zip(step.until, seen, strict=True):
                values += self.metric(until, inner)
            if any(until.holds(values) for until, values in zip(step.until, seen, strict=True)):
                break
        return with_default(carried)

    def metric(self, until: Until, scope: Scope) -> list[float]:
        """The number a round gave; nothing in a plan that cannot know it, which goes on to the last round."""
        handle = self.handle(until.metric, scope)
        if not isinstance(handle, ResultHandle):
            return []
        if self.run:
            return [self.value(handle)]
        meta = self.store.meta(handle.key)
        return [] if meta is None else [meta["metrics"][handle.port]]

    def demand(self, handles: list[Handle]) -> None:
        """Run, in order, what these handles need and the store does not hold."""
        for task in self.needed(handles):
            if not self.standing.has(
                task.key
            ):  # it may, now that what it was made from has come out the same
                self.execute(task)

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
        return [task for task in self.order if task.key in wanted]

    def execute(self, task: Task) -> None:
        """Run one task, unless its result is there by now, made by another run."""
        given = {port: [self.given(task, one) for one in handles] for port, handles in task.inputs.items()}
        with claimed(self.store.scratch / "cache", task.key, lambda: self.watcher.wait(task)):
            if self.store.path(task.key) is None or not self.standing.has(task.key):
                self.make(task, inputs_of(task.method, given))

    def make(self, task: Task, inputs: dict[str, Any]) -> None:
        """Run the method of a task on its inputs."""
        rows = rows_in(inputs)
        self.watcher.start(task, rows)
        started = time.perf_counter()
        execution = Execution(
            task.key, task.path, task.method, inputs, task.settings, task.seed, self.store, self.dataset,
            lambda done, total: self.watcher.rows(task, done, total), self.asked(task),
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
        value = self.value(handle)
        if task.method.kind == "merge" and isinstance(handle, ResultHandle):
            return self.tasks[handle.key].marked(value)
        return value

    def value(self, handle: Handle) -> Any:
        """The value a handle stands for; a result that turns out damaged is made again."""
        if isinstance(handle, DataHandle):
            return Rows(self.dataset(handle.key))
        if isinstance(handle, EmptyHandle):
            return empty(handle.kind, self.dataset(handle.data) if handle.data else None)
        folder = self.store.path(handle.key) if self.standing.has(handle.key) else None
        if folder is None:
            self.standing.lost(handle.key)
            self.demand([handle])
            folder = self.store.path(handle.key)
            assert folder is not None
        value = decode(folder / f"port_{handle.port}", self.dataset)
        if handle.verdict is not None and isinstance(value, Labels):
            return value.having(handle.verdict)
        return value

    def dataset(self, key: str) -> Dataset:
        """A data set by its key, opened once."""
        if key not in self.datasets:
            self.datasets[key] = self.open_data(key)
        return self.datasets[key]
