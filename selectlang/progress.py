"""Showing a run as it goes: a live display in a terminal, plain lines elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self, TextIO

from selectlang.faults import printable
from selectlang.tables import dollars

if TYPE_CHECKING:
    from rich.progress import TaskID

    from selectlang.llm.tally import Tally

EVERY = 10.0  # seconds between two plain lines about one stage


class PlainProgress:
    """One line when a stage starts, one when it ends, and now and then one in between."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.started = self.spoke = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def start(self, path: str, method: str, rows: int) -> None:
        """A stage begins."""
        self.started = self.spoke = time.monotonic()
        self.say(f"{path}: {method} over {rows:,} rows")

    def rows(self, path: str, done: int, total: int) -> None:
        """Some rows of the stage are done."""
        now = time.monotonic()
        if now - self.spoke >= EVERY and done < total:
            self.spoke = now
            left = (now - self.started) / max(done, 1) * (total - done)
            self.say(f"{path}: {done:,} of {total:,} rows, about {clock(left)} left")

    def asked(self, path: str, tally: Tally) -> None:
        """Some calls of the stage are done."""
        now = time.monotonic()
        if now - self.spoke >= EVERY and tally.done < tally.total:
            self.spoke = now
            self.say(f"{path}: {spent(tally, now - self.started)}")

    def finish(self, path: str, seconds: float) -> None:
        """A stage has its result."""
        self.say(f"{path}: done in {clock(seconds)}")

    def reading(self, name: str, rows: int) -> None:
        """Some rows of a data set are read."""
        now = time.monotonic()
        if now - self.spoke >= EVERY:
            self.spoke = now
            self.say(f"reading {name}: {rows:,} rows")

    def say(self, text: str) -> None:
        """A line for people."""
        print(printable(text), file=self.stream, flush=True)


class LiveProgress(PlainProgress):
    """A bar for what runs, and a line for each stage that is done."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().__init__(stream)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self.bars = Progress(*columns, console=Console(file=self.stream), transient=True)
        self.bar: TaskID | None = None
        self.shown = ""

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def start(self, path: str, method: str, rows: int) -> None:
        """A new bar."""
        self._show(f"{path}: {method}", rows)

    def rows(self, path: str, done: int, total: int) -> None:
        """Move the bar."""
        if self.bar is not None:
            self.bars.update(self.bar, completed=done, total=total)

    def asked(self, path: str, tally: Tally) -> None:
        """Move the bar, and say what it took."""
        if self.bar is not None:
            text = f"{self.shown}, {spent(tally)}"
            self.bars.update(self.bar, completed=tally.done, total=tally.total, description=_escaped(text))

    def reading(self, name: str, rows: int) -> None:
        """A bar without an end."""
        if self.shown != f"reading {name}":
            self._show(f"reading {name}", None)
        if self.bar is not None:
            self.bars.update(self.bar, completed=rows)

    def finish(self, path: str, seconds: float) -> None:
        """Take the bar away, and leave a line."""
        self._hide()
        self.say(f"{path}: done in {clock(seconds)}")

    def say(self, text: str) -> None:
        """A line above the bar."""
        self.bars.console.print(_escaped(text), highlight=False, soft_wrap=True)

    def _show(self, text: str, total: int | None) -> None:
        self._hide()
        self.shown = text
        self.bar = self.bars.add_task(_escaped(text), total=total)

    def _hide(self) -> None:
        if self.bar is not None:
            self.bars.remove_task(self.bar)
        self.bar, self.shown = None, ""


def spent(tally: Tally, seconds: float | None = None) -> str:
    """What calls to a model took so far: 120 of 500 calls, 3 failed, 51,204 tokens, $0.12 of about $0.50."""
    parts = [f"{tally.done:,} of {tally.total:,} calls"]
    if tally.failed:
        parts.append(f"{tally.failed.total():,} failed")
    parts.append(f"{tally.tokens_in + tally.tokens_out:,} tokens")
    if tally.cost is None:
        parts.append("price unknown")
    elif tally.cost:
        parts.append(f"{dollars(tally.cost)} of about {dollars(tally.cost_in_all or 0)}")
    if seconds is not None and tally.done:
        parts.append(f"about {clock(seconds / tally.done * (tally.total - tally.done))} left")
    return ", ".join(parts)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(printable(text))


def clock(seconds: float) -> str:
    """Seconds as people say them: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def progress() -> PlainProgress:
    """The display for stderr as it is: live in a terminal, plain lines in a pipe."""
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()
