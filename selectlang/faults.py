"""Faults: what is wrong in a spec, where, and how it is shown."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from heapq import nsmallest
from itertools import islice
from unicodedata import combining, east_asian_width

WIDTH = 100  # characters of a source line that are shown around the caret
_SECRET = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]*(?=@)|(?<=https://)[^\s/@]+(?=@)|(?<=http://)[^\s/@]+(?=@)")
BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # what YAML counts as the end of a line


@dataclass(frozen=True)
class Source:
    """A spec file: the name people know it by, its text, and where a file beside it is on this machine."""

    name: str
    text: str = field(repr=False, default="")
    beside: Callable[[str], str] | None = field(repr=False, default=None, compare=False)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without their ends."""
        return BREAK.split(self.text)

    def line(self, number: int) -> str:
        """Line `number`, from 1; empty past the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


@dataclass(frozen=True)
class Place:
    """A stretch of one line: `line` and `column` count from 1, `end` is the column after it."""

    source: Source
    line: int = 1
    column: int = 1
    end: int = 1

    def __str__(self) -> str:
        return f"{file_name(self.source.name)}:{self.line}:{self.column}"

    @property
    def order(self) -> tuple[str, int, int]:
        """By file, then from top to bottom."""
        return self.source.name, self.line, self.column

    def snippet(self) -> list[str]:
        """The line and a caret under the stretch; nothing when the line is empty."""
        text = self.source.line(self.line)
        if not text.strip():
            return []
        text = unsaid(text)
        start = max(0, self.column - 1 - WIDTH // 2) if len(text) > WIDTH else 0
        shown = printable(text[start : start + WIDTH].replace("\t", "→"))
        before = shown[: self.column - 1 - start]
        marked = shown[len(before) : min(self.end, start + WIDTH + 1) - 1 - start]
        caret = " " * cells(before) + "^" * max(1, cells(marked))
        return [f"{self.line:>5} | {shown.rstrip()}", f"{'':>5} | {caret}"]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: a stable code, a sentence, a place, and a second place where two disagree."""

    code: str
    message: str
    place: Place
    also: tuple[str, Place] | None = None
    hint: str = ""

    def text(self) -> str:
        """The fault for people."""
        lines = [f"{self.place}: {printable(self.message)}  [{self.code}]", *self.place.snippet()]
        if self.also:
            what, place = self.also
            lines += [f"  {place}: {printable(what)}", *place.snippet()]
        lines += [f"  {printable(line)}" for line in self.hint.splitlines()]
        return "\n".join(lines)

    def json(self) -> dict[str, object]:
        """The fault for programs."""
        found: dict[str, object] = {"code": self.code, "message": self.message, **_json(self.place)}
        if self.also:
            found["also"] = {"message": self.also[0], **_json(self.also[1])}
        if self.hint:
            found["hint"] = self.hint
        return found

    def github(self) -> str:
        """The fault as a workflow command of GitHub Actions, which shows it beside the line."""
        file = _escape(file_name(self.place.source.name)).replace(":", "%3A").replace(",", "%2C")
        where = f"file={file},line={self.place.line},col={self.place.column}"
        message = self.message + (f" ({self.also[0]}: {self.also[1]})" if self.also else "")
        message = "\n".join(map(printable, f"{message} {self.hint}".strip().splitlines()))
        return f"::error {where},title={self.code}::{_escape(message)}"


def _json(place: Place) -> dict[str, object]:
    file = file_name(place.source.name)
    return {"file": file, "line": place.line, "column": place.column, "end_column": place.end}


def _escape(text: str) -> str:
    for char, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(char, code)
    return text


def unsaid(text: str) -> str:
    """A text with every password in a URL of it made unreadable; it is as long as before."""
    return _SECRET.sub(lambda found: "*" * len(found[0]), text)


def printable(text: str) -> str:
    """Text that cannot steer a terminal: control characters become a visible stand-in of the same width."""
    return "".join(
        char if char.isprintable() or char == " " else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def file_name(name: str) -> str:
    """The name of a file as it can be printed: a byte that is not UTF-8 is shown by its number."""
    with suppress(UnicodeEncodeError):  # a text that is the name of no file
        name = os.fsencode(name).decode("utf-8", "backslashreplace")
    return printable(name)


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def quoted(value: object) -> str:
    """A value found in a spec, shortened and safe to print; a text in quotes."""
    return f"'{brief(value)}'" if isinstance(value, str) else brief(value)


def brief(value: object) -> str:
    """A value found in a spec, shortened and safe to print."""
    text = printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 60 else text[:57] + "..."


def nearest(name: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` when a known name is close, else nothing."""
    found = closest(name, known)
    return "" if found is None else f", did you mean {quoted(found)}?"


def closest(name: str, known: Iterable[str]) -> str | None:
    """The one of the first thousand known names that is closest, if one is close."""
    found = get_close_matches(name[:100], list(islice(known, 1000)), n=1, cutoff=0.6)
    return found[0] if found else None


def listing(names: Iterable[str]) -> str:
    """Names for a hint, at most a dozen."""
    names = list(names)
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(quoted(name) for name in nsmallest(12, names)) + more


def render(faults: Sequence[Fault], style: str) -> str:
    """All faults as text, json, or GitHub workflow commands."""
    if style == "json":
        return json.dumps([fault.json() for fault in faults], indent=2)
    if style == "github":
        return "\n".join(fault.github() for fault in faults)
    return "\n".join(fault.text() for fault in faults)
