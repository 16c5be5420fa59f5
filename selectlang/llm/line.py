"""The requests of one `ask` that are on their way. What runs in the loop of the door is here."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from selectlang.errors import DataError
from selectlang.llm.calls import Answer, Calls
from selectlang.llm.client import Client
from selectlang.llm.failure import Failure
from selectlang.llm.library import calling_off
from selectlang.llm.options import Options
from selectlang.llm.pace import Pace, delay
from selectlang.llm.price import tokens
from selectlang.llm.request import Request

CALL = "call of a model"  # the name of tasks
POLL = 0.2  # seconds between two looks for an answer that another process is asking for
LONGEST_WAIT = 600.0  # seconds a server may ask to wait; more than that is a failure

Outcome = Answer | Failure | Exception | None
"""An answer that is on disk, why there is none, a fault of ours, or None when it was called off."""


@dataclass
class Road:
    """What the lines of a door share: the way to each model."""

    calls: Calls
    client: Client
    options: Options
    slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    requests: dict[str, Pace] = field(default_factory=dict)
    tokens: dict[str, Pace] = field(default_factory=dict)

    def open(self, model: str, in_process: bool) -> None:
        """Make the way to a model, unless it is there. One in this process likes many prompts at a time."""
        if model not in self.slots:
            options = self.options
            self.slots[model] = asyncio.Semaphore(
                max(64, options.concurrency) if in_process else options.concurrency
            )
            self.requests[model] = Pace(None if in_process else options.requests_per_minute)
            self.tokens[model] = Pace(None if in_process else options.tokens_per_minute)


class Line:
    """Sends requests, many at a time. Each that was sent arrives once: `arrived` holds what became of it.

    A try that failed and is made again is there too, as a Failure without a request.
    """

    def __init__(self, road: Road, loop: asyncio.AbstractEventLoop) -> None:
        self.arrived: queue.SimpleQueue[tuple[Request | None, Outcome]] = queue.SimpleQueue()
        self._road, self._loop = road, loop
        self._tasks: set[asyncio.Task[Outcome]] = set()
        self._asking: set[asyncio.Task[Any]] = set()  # those whose prompt the model has
        self._claims: set[str] = set()  # keys that this line asks for, and no other
        self._ended = False

    def send(self, requests: Sequence[tuple[Request, int]]) -> None:
        """Ask these, as soon as there is room, each not too soon after so many tries that were in vain."""
        self._loop.call_soon_threadsafe(self._begin, requests)

    def end(self, *, now: bool) -> None:
        """Call off what is not asked yet and, with `now`, what is; the others arrive in their time."""
        self._loop.call_soon_threadsafe(self._end, now)

    def _begin(self, requests: Sequence[tuple[Request, int]]) -> None:
        if self._ended:
            for request, _ in requests:
                self.arrived.put((request, None))
            return
        calls = self._road.calls
        claimed = {request.key for request, _ in requests if calls.claims.take(request.key)}
        self._claims |= claimed
        try:
            # Another process may have kept some since they were looked up: one look for all, for each costs.
            found = calls.find(claimed)
        except DataError as error:
            for request, _ in requests:
                self._give_back(request.key)
                self.arrived.put((request, error))
            return
        for request, tried in requests:
            task = self._loop.create_task(self._claimed(request, tried, found.get(request.key)), name=CALL)
            self._tasks.add(task)
            task.add_done_callback(partial(self._finished, request))

    def _end(self, now: bool) -> None:
        self._ended = True
        calling_off()
        for task in self._tasks if now else self._tasks - self._asking:
            task.cancel()

    def _finished(self, request: Request, task: asyncio.Task[Outcome]) -> None:
        self._tasks.discard(task)
        outcome: Outcome = None
        if not task.cancelled():
            error = task.exception()  # of the store, or a fault of ours: the thread that asked raises it
            outcome = error if isinstance(error, Exception) else task.result()
        if isinstance(outcome, Answer) and not outcome.stored:
            self._claims.discard(request.key)  # it ends, and the answer arrives, when that is on disk
        else:
            self._give_back(request.key)
            self.arrived.put((request, outcome))

    def _give_back(self, key: str) -> None:
        if key in self._claims:
            self._claims.discard(key)
            self._road.calls.claims.give_back(key)

    async def _claimed(self, request: Request, tried: int, found: Answer | None) -> Outcome:
        """Ask, unless the answer is there or another process is asking the same."""
        calls, key = self._road.calls, request.key
        while key not in self._claims and found is None:
            await asyncio.sleep(POLL)
            if calls.claims.take(key):
                self._claims.add(key)
            found = calls.find([key]).get(key)
        if found is not None:
            return found
        outcome = await self._tries(request, tried)
        if isinstance(outcome, Answer):
            calls.keep(key, request.asked.model, outcome, partial(self._kept, request, outcome))
        return outcome

    def _kept(self, request: Request, answer: Answer, error: DataError | None) -> None:
        """An answer is on disk: only now it gives its slot back, so no more than these can ever be lost."""
        self.arrived.put((request, error or answer))
        with suppress(RuntimeError):  # the door is closed
            self._loop.call_soon_threadsafe(self._road.slots[request.asked.model].release)

    async def _tries(self, request: Request, tried: int) -> Answer | Failure:
        """Ask until there is an answer, a failure that is for good, or one that may have to be paid for.

        Whether another try may be paid for is not for this thread to say.
        """
        if tried:
            await asyncio.sleep(delay(tried - 1, None))
        while True:
            outcome = await self._try(request)
            if isinstance(outcome, Answer) or not outcome.retry or outcome.answered or self._ended:
                return outcome
            if tried == self._road.options.retries or (outcome.wait or 0) > LONGEST_WAIT:
                return outcome
            self.arrived.put((None, outcome))
            seconds = delay(tried, outcome.wait)
            if outcome.kind == "rate_limit":
                self._road.requests[request.asked.model].hold(seconds)
            await asyncio.sleep(seconds)
            tried += 1

    async def _try(self, request: Request) -> Answer | Failure:
        slots = self._road.slots[request.asked.model]
        await slots.acquire()
        outcome: Answer | Failure | None = None
        try:
            outcome = await self._call(request)
            return outcome
        finally:
            if not isinstance(outcome, Answer):
                slots.release()

    async def _call(self, request: Request) -> Answer | Failure:
        """Ask once, at the pace of the model."""
        road, asked, task = self._road, request.asked, asyncio.current_task()
        assert task is not None
        size = tokens(request.messages) + asked.max_tokens if road.options.tokens_per_minute else 0
        await road.tokens[asked.model].wait(size)
        await road.requests[asked.model].wait()
        self._asking.add(task)
        try:
            outcome = await road.client.call(request)
        finally:
            self._asking.discard(task)
        if size and isinstance(outcome, Answer):
            road.tokens[asked.model].give_back(size - outcome.tokens_in - outcome.tokens_out)
        return outcome
