"""One `ask`: prompts in, values out, in the thread of the method. The network is in another."""

from __future__ import annotations

import math
import queue
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Generic

from selectlang.errors import DataError, UsageError
from selectlang.llm.ask import A, Prompt
from selectlang.llm.calls import Answer
from selectlang.llm.failure import Failure, quoted, shown
from selectlang.llm.line import Line, Outcome
from selectlang.llm.price import most, price
from selectlang.llm.request import Asked, Request

if TYPE_CHECKING:
    from selectlang.llm.door import Stage

LOOK_UP = 256  # prompts read, and looked up in the call store, at a time
TELL = 0.5  # seconds between two tellings of how far it is


class Asking(Generic[A]):
    """The state of one `ask`. What is on its way is bounded, so memory is that of the results."""

    def __init__(
        self,
        stage: Stage,
        asked: Asked,
        prompts: Iterable[Prompt],
        parse: Callable[[str], A],
        total: int,
        again: int,
        max_failed: float,
    ) -> None:
        self.stage, self.asked, self.parse = stage, asked, parse
        self.total, self.again, self.max_failed = total, again, max_failed
        self.prompts = enumerate(prompts)
        self.results: list[A | None] = [None] * total
        self.read = 0  # prompts read so far
        self.failed, self.unread = 0, 0  # `unread` of the prompts that failed have an answer
        self.wanted: dict[str, list[Request]] = {}  # not answered yet, by key: the same call is made once
        self.waiting = 0  # how many these are
        self.ready: deque[Request] = deque()  # those of `wanted` that are not sent yet
        self.sent: dict[str, float] = {}  # those that are, with the most they may cost
        self.tried: Counter[str] = Counter()  # tries that came to nothing and may be paid for all the same
        self.line: Line | None = None
        self.calls, self.caps = stage.door.calls, stage.door.caps
        self.tally = stage.tally(asked.model)
        self.tally.total += total
        self.spoke = 0.0

    def run(self) -> list[A | None]:
        """Ask everything."""
        try:
            while True:
                self.read_on()
                if self.stage.door.stopped is not None:
                    raise self.stage.door.stopped
                self.send()
                if not self.sent and not self.ready:
                    break
                self.settle()
                self.tell(TELL)
            if self.read != self.total:
                raise ValueError(f"ask was told of {self.total} prompts, and given {self.read}")
        except Exception:
            self.end(now=False)
            raise
        except BaseException:  # interrupted
            self.end(now=True)
            raise
        finally:
            self.tell(0)
        return self.results

    def read_on(self) -> None:
        """Read prompts until enough wait for an answer; what is in the call store is taken at once."""
        enough = max(LOOK_UP, 2 * self.stage.door.options.concurrency)
        while self.waiting < enough and self.stage.door.stopped is None:
            batch = [Request.of(self.asked, index, prompt) for index, prompt in islice(self.prompts, LOOK_UP)]
            self.read += len(batch)
            if not batch:
                return
            if self.read > self.total:
                raise ValueError(f"ask was told of {self.total} prompts, and given more")
            self.want(batch)

    def want(self, requests: list[Request]) -> None:
        """Take these from the call store, or note them to be sent."""
        while requests:
            found = self.calls.find({request.key for request in requests} - self.wanted.keys())
            unread = []
            for request in requests:
                if request.key in found:
                    if again := self.take(request, found[request.key]):
                        unread.append(again)
                    continue
                if request.key not in self.wanted:
                    self.ready.append(request)
                self.wanted.setdefault(request.key, []).append(request)
                self.waiting += 1
            requests = unread
            self.tell(TELL)

    def send(self) -> None:
        """Send what is ready, as far as the caps allow; CapReached when they allow nothing."""
        going: list[tuple[Request, int]] = []
        try:
            while self.ready and self.room():
                request = self.ready.popleft()
                going.append((request, self.tried[request.key]))
        finally:
            for start in range(0, len(going), LOOK_UP):
                assert self.line is not None
                self.line.send(going[start : start + LOOK_UP])

    def room(self) -> bool:
        """Whether the caps allow the next call, whose room is then taken."""
        if self.line is None:
            self.calls.begin()
            self.line = self.stage.door.line(self.asked)
            if self.caps.max_cost is not None and price(self.asked.model) is None:
                raise UsageError(
                    f"{self.tally.stage}: the price of {self.asked.model} is not known, so max_cost "
                    "cannot be kept; cap it by max_calls instead"
                )
        worth = most(self.ready[0]) or 0.0 if self.caps.max_cost is not None else 0.0
        room = self.caps.take(worth)
        if room is None:
            raise self.caps.reached(self.tally, worth)
        if room:
            self.sent[self.ready[0].key] = worth
        return room

    def settle(self) -> None:
        """Wait for what arrives next, and use it."""
        arrived = self.next()
        if arrived is None:
            return
        request, outcome = arrived
        if isinstance(outcome, Failure) and self.once_more(request, outcome):
            return
        asking = self.wanted.pop(request.key)
        self.waiting -= len(asking)
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Answer):
            self.want([again for each in asking if (again := self.take(each, outcome))])
        elif isinstance(outcome, Failure):
            for each in asking:
                self.fail(each, outcome.kind, outcome.reason, outcome)

    def next(self) -> tuple[Request, Outcome] | None:
        """What arrives next; None when it is a try that is made again, or nothing for a while."""
        assert self.line is not None
        try:
            request, outcome = self.line.arrived.get(timeout=TELL)
        except queue.Empty:
            return None
        if request is None:
            assert isinstance(outcome, Failure)
            self.tally.retried[outcome.kind] += 1
            return None
        worth = self.sent.pop(request.key)
        if isinstance(outcome, Answer):
            self.count(request, outcome)
        elif isinstance(outcome, Failure) and outcome.answered:
            self.caps.use(1, worth)
        self.caps.give(worth)  # now that it is counted: another stage may take the room at once
        return request, outcome

    def once_more(self, request: Request, outcome: Failure) -> bool:
        """Whether to try again, as far as the caps allow, what was answered by nothing that can be used."""
        if not (outcome.answered and outcome.retry):
            return False
        self.tried[request.key] += 1
        if self.tried[request.key] > self.stage.door.options.retries:
            return False
        self.tally.retried[outcome.kind] += 1
        self.ready.append(request)
        return True

    def take(self, request: Request, answer: Answer) -> Request | None:
        """Read an answer; the request to make again when it cannot be read."""
        self.count(request, answer)
        try:
            if not answer.text.strip():
                raise ValueError("the answer is empty")
            self.results[request.index] = self.parse(answer.text)
        except ValueError as error:
            if request.attempt < self.again:
                return request.again()
            kind = "unparsed" if answer.text.strip() else "bad_answer"
            self.unread += 1
            cut = "cut at max_tokens, " if answer.finish == "length" else ""
            self.fail(request, kind, f"{cut}{shown(error)}: {quoted(answer.text)}")
        else:
            self.tally.done += 1
        return None

    def count(self, request: Request, answer: Answer) -> None:
        """Count an answer, once for all prompts it is for."""
        if self.stage.first_use(request.key):
            self.tally.use(answer)
            self.caps.use(1, answer.cost)

    def fail(self, request: Request, kind: str, reason: str, failure: Failure | None = None) -> None:
        """Count a prompt that failed for good; a DataError when there is no sense in asking on."""
        self.failed += 1
        self.tally.done += 1
        self.tally.fail(kind, f"Call {request.index + 1:,}: {kind}: {reason}")
        if failure is not None and failure.advice and not (failure.status == 403 and self.tally.calls):
            raise DataError(f"model {self.asked.model} cannot be asked: {reason}. {failure.advice}.")
        if self.failed > self.max_failed * self.total:
            raise DataError(self.tally.too_many(self.failed, self.unread, self.total, self.max_failed))

    def end(self, *, now: bool) -> None:
        """Ask no more, and wait until what is asked has arrived and is kept."""
        if self.line is None:
            return
        now = now or self.asked.in_process  # what is not paid for may be lost
        self.line.end(now=now)
        patience = 20 if now else math.inf  # an interrupt may have lost an arrival
        while self.sent and patience:
            arrived = self.next()
            if arrived is None:
                patience -= 1
            elif isinstance(arrived[1], Answer):
                self.count(arrived[0], arrived[1])

    def tell(self, after: float) -> None:
        """Say how far it is, unless that was said less than `after` seconds ago."""
        now = time.monotonic()
        if now - self.spoke >= after:
            self.spoke = now
            self.stage.tell(self.tally)
