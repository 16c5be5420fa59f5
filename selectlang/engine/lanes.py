"""Running tasks as their inputs come to be: those that wait on a network beside those that compute.

What computes takes the whole machine, so that is done one task at a time, in the thread that calls. What
waits for the answers of models elsewhere takes next to nothing, and each such task has a thread, which at its
end starts those that waited for it: whatever computes, they need not wait for that. Under a cap these go one
after another, in an order that is always the same: what a run took before it was stopped is then counted by
the next one before anything is paid.
"""

from __future__ import annotations

from threading import Condition, Thread
from typing import TYPE_CHECKING

from selectlang.engine.handles import ResultHandle
from selectlang.engine.standing import Lost
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
        self.left: dict[str, Task] = {}  # what is not done yet, what is under way too
        self.needs: dict[str, set[str]] = {}
        self.computing: Task | None = None
        self.asking: dict[str, Thread] = {}
        self.moved = Condition()  # held to read or change any of these; told of when a thread is at its end
        self.add(tasks)

    def add(self, tasks: list[Task]) -> None:
        """Take tasks in, at their place in the order."""
        keys = self.left.keys() | {task.key for task in tasks}
        self.left = {key: task for key, task in self.results.tasks.items() if key in keys}
        self.needs |= {task.key: self._needs(task) for task in tasks}

    def _needs(self, task: Task) -> set[str]:
        """The keys that a task waits for: what it is made from, and what its stored result rests on."""
        handles = (handle for handles in task.inputs.values() for handle in handles)
        made_from = {handle.key for handle in handles if isinstance(handle, ResultHandle)}
        return made_from | set(self.results.standing.sources(task.key))

    def run(self) -> None:
        """Run them all."""
        try:
            while task := self.next():
                self.work(task)
        except BaseException as error:
            with self.moved:
                self.results.stop(error)
            for thread in [*self.asking.values()]:  # with an error, none is started any more
                if thread.ident is not None:
                    thread.join()
        if self.results.error is not None:
            raise self.results.error

    def next(self) -> Task | None:
        """The next task to compute, as soon as there is one; None when all is done."""
        with self.moved:
            self.computing = None
            while True:
                self.computing = self.start()
                if self.computing is not None or not self.asking:
                    return self.computing
                self.moved.wait()

    def start(self) -> Task | None:
        """Start what waits on a network and is ready, and return the first task that can compute."""
        self.results.check()
        computing = None
        door = self.results.door
        capped = door is not None and door.caps.bounded
        full = capped and bool(self.asking)
        for key, task in [*self.left.items()]:
            if key in self.asking:
                continue
            if not self.left.keys().isdisjoint(self.needs[key]):
                full |= capped and waits(task)
            elif self.results.standing.has(key):  # what it was made from has come out the same
                del self.left[key]
            elif not waits(task):
                computing = computing or task
            elif not full:
                full = capped
                thread = Thread(target=self.ask, args=(task,), name=task.path, daemon=True)
                self.asking[key] = thread
                thread.start()
        return computing

    def work(self, task: Task) -> None:
        """Run a task. Where what it is made from turns out damaged, that is to be made again first."""
        try:
            self.results.execute(task)
        except Lost:
            handles = [handle for handles in task.inputs.values() for handle in handles]
            with self.moved:
                self.add(self.results.needed(handles))
        else:
            with self.moved:  # a thread at its end may have found the result already
                self.left.pop(task.key, None)

    def ask(self, task: Task) -> None:
        """Run a task in its thread, and start what waited for it."""
        try:
            self.work(task)
            with self.moved:
                del self.asking[task.key]
                self.start()
        except BaseException as error:  # the thread that calls raises it, if it is the first
            with self.moved:
                first = self.results.error is None
                self.results.stop(error)
                if first and task.key in self.left and (self.computing or len(self.asking) > 1):
                    self.results.watcher.fail(task)
        finally:
            with self.moved:
                self.asking.pop(task.key, None)
                self.moved.notify()
