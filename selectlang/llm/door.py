"""The door to language models: all calls of a run go through it."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from selectlang.llm.ask import A, Prompt
from selectlang.llm.asking import Asking
from selectlang.llm.calls import Calls
from selectlang.llm.client import Client
from selectlang.llm.library import calling_off, closed
from selectlang.llm.line import CALL, Line, Road
from selectlang.llm.options import Options
from selectlang.llm.request import Asked
from selectlang.llm.tally import Caps, Tally
from selectlang.ports import Model


class Door:
    """One for a run, in a `with`. `stage` gives what a method asks.

    It starts its thread, and imports litellm, with the first call that is not in the store. A process has
    one at a time, for litellm keeps to one event loop. Several stages may ask at once, each in its thread;
    `stopped` is what they raise when they should end, None as long as they should not.
    """

    def __init__(self, calls: Calls, options: Options) -> None:
        self.calls = calls
        self.options = options
        self.caps = Caps(self.options)
        self.stopped: type[BaseException] | None = None
        self._guard = threading.Lock()
        self._road = Road(calls, Client(self.options), self.options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stage(self, name: str, tell: Callable[[Tally], None] = lambda tally: None) -> Stage:
        """The door as one stage has it; `tell` hears now and then how far it is, in the thread that asks."""
        return Stage(self, name, tell)

    def count(self, meta: Mapping[str, Any]) -> None:
        """Count, towards the caps, what a stage took whose result is in the store with this `meta`."""
        for tally in meta.get("asked", ()):
            self.caps.use(tally["calls"], tally["cost"])

    def line(self, asked: Asked) -> Line:
        """A line for one `ask`."""
        with self._guard:
            self._road.client.prepare(asked)
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="door", daemon=True)
                self._thread.start()
            self._road.open(asked.model, asked.in_process)
            return Line(self._road, self._loop)

    def close(self) -> None:
        """End what is on its way, and close all connections."""
        if self._loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._loop = self._thread = None

    async def _shut(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        await _cancelled({task for task in tasks if task.get_name() == CALL})
        await closed()
        await _cancelled(asyncio.all_tasks() - {asyncio.current_task()})


async def _cancelled(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait for their end."""
    calling_off()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Stage:
    """The door as one stage has it: the `llm` of its method."""

    def __init__(self, door: Door, name: str, tell: Callable[[Tally], None]) -> None:
        self.door, self.name, self.tell = door, name, tell
        self.tallies: dict[str, Tally] = {}
        self._used: set[int] = set()

    @property
    def calls(self) -> int:
        """Answers used so far."""
        return sum(tally.calls for tally in self.tallies.values())

    @property
    def cost(self) -> float:
        """Their price in dollars, whenever it was paid; NaN when it is not known."""
        costs = [tally.cost for tally in self.tallies.values()]
        return math.nan if None in costs else math.fsum(cost for cost in costs if cost is not None)

    @property
    def failed(self) -> int:
        """Prompts that failed for good."""
        return sum(tally.failed.total() for tally in self.tallies.values())

    def ask(
        self,
        model: str | Model,
        prompts: Iterable[Prompt],
        parse: Callable[[str], A],
        *,
        total: int,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        form: dict[str, Any] | None = None,
        again: int = 1,
        max_failed: float = 0.0,
    ) -> list[A | None]:
        """Ask all prompts: see `LLM`."""
        asked = Asked.of(model, max_tokens, temperature, top_p, seed, form)
        return Asking(self, asked, prompts, parse, total, again, max_failed).run()

    def record(self) -> list[dict[str, Any]]:
        """What it asked, by model, as JSON."""
        return [tally.as_dict() for tally in self.tallies.values()]

    def notes(self) -> list[str]:
        """Sentences for people about what failed."""
        return [note for tally in self.tallies.values() if (note := tally.note())]

    def tally(self, model: str) -> Tally:
        """The tally for a model."""
        if model not in self.tallies:
            self.tallies[model] = Tally(self.name, model)
        return self.tallies[model]

    def first_use(self, key: str) -> bool:
        """Whether the answer of a key is used here for the first time."""
        number = int(key[:16], 16)
        if number in self._used:
            return False
        self._used.add(number)
        return True
