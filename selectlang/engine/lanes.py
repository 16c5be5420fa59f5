"""Running tasks as their inputs come to be: those that wait on a network beside those that compute.

What computes takes the whole machine, so that is done one task at a time, in the thread that calls. What
waits for the answers of models elsewhere takes next to nothing, and each such task has a thread. Under a cap
these go one after another, in an order that is always the same: what a run took before it was stopped is then
counted by the next one before anything is paid.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from selectlang.engine.handles import ResultHandle
from selectlang.engine.task import Task
from selectlang.ports import Model

if TYPE_CHECKING:
    from selectlang.engine.results import Results

HERE = "local/"  # what the names of models begin with that compute in this process


def waits(task: Task) -> bool:
    """Whether a task waits on a network: it asks models, none of which computes in this process."""
    method = task.method
    trained = any(port.kind is Model and task.inputs.get(port.name) for port in method.inputs)
    names = [str(value) for name, value in task.settings.items() if method.settings[name].names_model]
    return "llm" in method.given and not trained and not any(name.startswith(HERE) for name in names)


class Lanes:
    """The tasks to run, in an order in which they could run one after another.

    The first error ends all: a task that asks models asks no more, and keeps what it has asked for; one that
    computes ends with its shard, or when it is done; and then that error is raised.
    """

    def __init__(self, results: Results, tasks: list[Task]) -> None:
        self.results = results
        self.waiting = {task.key: task for task in tasks}
        self.needs = {task.key: self._needs(task) for task in tasks}
        self.computing: Task | None = None
        self.asking: dict[str, Thread] = {}
        self.ended: SimpleQueue[str] = SimpleQueue()  # the keys of tasks whose threads are at their end

    def _needs(self, task: Task) -> set[str]:
        """The keys that a task waits for: what it is made from, and what its stored result rests on."""
        handles = (handle for handles in task.inputs.values() for handle in handles)
        made_from = {handle.key for handle in handles if isinstance(handle, ResultHandle)}
        return (made_from | set(self.results.standing.sources(task.key))) & self.waiting.keys()

    def run(self) -> None:
        """Run them all."""
        try:
            while self.waiting or self.asking:
                self.computing = self.ready()
                if self.computing is not None:
                    self.results.prepare(self.computing)()
                    del self.waiting[self.computing.key]
                elif self.asking:
                    del self.asking[self.ended.get()]
                while not self.ended.empty():
                    del self.asking[self.ended.get()]
                self.results.check()
        except BaseException as error:
            self.results.stop(error)
            for thread in self.asking.values():
                thread.join()
        if self.results.error is not None:
            raise self.results.error

    def ready(self) -> Task | None:
        """Start what waits on a network, and return the first task that can compute."""
        computing = None
        door = self.results.door
        capped = door is not None and door.caps.bounded
        full = capped and bool(self.asking)
        for key, task in [*self.waiting.items()]:
            if not self.needs[key].isdisjoint(self.waiting.keys() | self.asking.keys()):
                full |= capped and waits(task)
                continue
            if self.results.standing.has(key):  # what it was made from has come out the same
                del self.waiting[key]
            elif waits(task):
                if full:
                    continue
                full = capped
                thread = Thread(target=self.ask, args=(task, self.results.prepare(task)), daemon=True)
                del self.waiting[key]
                self.asking[key] = thread
                thread.start()
            elif computing is None:
                computing = task
        return computing

    def ask(self, task: Task, execute: Callable[[], None]) -> None:
        """Run a task in its thread."""
        try:
            execute()
        except BaseException as error:  # the thread that calls raises it, if it is the first
            first = self.results.error is None
            self.results.stop(error)
            if first and (self.computing or len(self.asking) > 1):
                self.results.watcher.fail(task)
        finally:
            self.ended.put(task.key)
