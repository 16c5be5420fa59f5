"""Showing a run as it goes: a live display in a terminal, plain lines elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from threading import Timer
from typing import TYPE_CHECKING, Self, TextIO

from selectlang.faults import printable
from selectlang.tables import counted, dollars

if TYPE_CHECKING:
    from rich.progress import TaskID

    from selectlang.llm.tally import Tally

SOON = 1.0  # seconds after which a stage that is not done is told of
EVERY = 10.0  # seconds between two plain lines about one stage
READING = "reading "  # begins the name of what is read; no path of a stage holds a space


class PlainProgress:
    """One line when a stage ends; for one that takes a while, others when it has begun and now and then.

    Several stages may be under way, each told of in a thread of its own.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.started: dict[str, float] = {}
        self.spoke: dict[str, float] = {}
        self.before: dict[str, int] = {}  # rows that were kept before a stage began
        self.begun: dict[str, tuple[str, Timer]] = {}  # of stages not told of yet; who pops one tells

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for path in [*self.begun]:
            self._unsaid(path)

    def start(self, path: str, method: str, rows: int) -> None:
        """A stage begins."""
        self.started[path] = self.spoke[path] = time.monotonic()
        timer = Timer(SOON, self._tell, [path])
        timer.daemon = True
        self.begun[path] = f"{path}: {method} over {counted(rows, 'row')}", timer
        timer.start()

    def kept(self, path: str, done: int, total: int) -> None:
        """Some rows of the stage are done since a run that was ended."""
        self.before[path] = done
        self.say(f"{path}: going on, {done:,} of {total:,} rows are kept")

    def rows(self, path: str, done: int, total: int) -> None:
        """Some rows of the stage are done."""
        if done < total and self._due(path):
            new = max(done - self.before.get(path, 0), 1)
            left = self._since(path) / new * (total - done)
            self.say(f"{path}: {done:,} of {total:,} rows, about {clock(left)} left")

    def asked(self, path: str, tally: Tally) -> None:
        """Some calls of the stage are done."""
        if tally.done < tally.total and self._due(path):
            self.say(f"{path}: {spent(tally, self._since(path))}")

    def finish(self, path: str, seconds: float) -> None:
        """A stage has its result."""
        begun = self._unsaid(path)
        self.say(f"{begun}, done in {clock(seconds)}" if begun else f"{path}: done in {clock(seconds)}")

    def reading(self, name: str, rows: int) -> None:
        """Some rows of a data set are read."""
        if self._due(READING + name):
            self.say(f"{READING}{name}: {rows:,} rows")

    def say(self, text: str) -> None:
        """A line for people."""
        print(f"{printable(text)}\n", end="", file=self.stream, flush=True)  # in one piece

    def _unsaid(self, path: str) -> str:
        """The first line of a stage where it is not told yet, which it will not be; else nothing."""
        text, timer = self.begun.pop(path, ("", None))
        if timer is not None:
            timer.cancel()
        return text

    def _tell(self, path: str) -> None:
        if text := self._unsaid(path):
            self.say(text)

    def _due(self, name: str) -> bool:
        """Whether it is time for a line about something again."""
        now = time.monotonic()
        if now - self.spoke.setdefault(name, now) < EVERY:
            return False
        self.spoke[name] = now
        return True

    def _since(self, path: str) -> float:
        return time.monotonic() - self.started[path]


class LiveProgress(PlainProgress):
    """A bar for all that runs, and a line for each stage that is done."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().__init__(stream)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self.live = Progress(*columns, console=Console(file=self.stream), transient=True)
        self.bars: dict[str, TaskID] = {}
        self.shown: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def start(self, path: str, method: str, rows: int) -> None:
        """A new bar; what was read for the stage is read."""
        for name in [name for name in [*self.bars] if name.startswith(READING)]:
            self._hide(name)
        self._show(path, f"{path}: {method}", rows)

    def kept(self, path: str, done: int, total: int) -> None:
        """Move the bar, and say so."""
        super().kept(path, done, total)
        self.rows(path, done, total)

    def rows(self, path: str, done: int, total: int) -> None:
        """Move the bar."""
        self.live.update(self.bars[path], completed=done, total=total)

    def asked(self, path: str, tally: Tally) -> None:
        """Move the bar, and say what it took."""
        text = _escaped(f"{self.shown[path]}, {spent(tally)}")
        self.live.update(self.bars[path], completed=tally.done, total=tally.total, description=text)

    def reading(self, name: str, rows: int) -> None:
        """A bar without an end."""
        name = READING + name
        if name not in self.bars:
            self._show(name, name, None)
        self.live.update(self.bars[name], completed=rows)

    def finish(self, path: str, seconds: float) -> None:
        """Take the bar away, and leave a line."""
        self._hide(path)
        self.say(f"{path}: done in {clock(seconds)}")

    def say(self, text: str) -> None:
        """A line above the bars."""
        self.live.console.print(_escaped(text), highlight=False, soft_wrap=True)

    def _show(self, name: str, text: str, total: int | None) -> None:
        self.shown[name] = text
        self.bars[name] = self.live.add_task(_escaped(text), total=total)

    def _hide(self, name: str) -> None:
        if (bar := self.bars.pop(name, None)) is not None:  # of two stages that begin at once, one does it
            self.live.remove_task(bar)


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
    """The display for where this runs: live in a terminal or a notebook with widgets, else plain lines."""
    return LiveProgress() if sys.stderr.isatty() or _has_widgets() else PlainProgress()


def _has_widgets() -> bool:
    """Whether this is a notebook whose cells can change what they show, which rich needs ipywidgets for."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell" and find_spec("ipywidgets") is not None
