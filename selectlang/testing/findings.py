"""Findings: what a check found, what it expected, and what to do."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from selectlang.tables import counted

WIDTH = 80
PROMISED = "a value as its signature promises, or a DataError that says what is wrong with the data"


@dataclass(frozen=True)
class Finding:
    """One thing that a method does not keep to. `check` is the name of the check that found it."""

    check: str
    found: str
    expected: str
    advice: str

    def text(self) -> str:
        """The finding for people."""
        head = f"{self.check}: {self.found}"
        parts = [("", head), ("expected ", self.expected), ("to do    ", self.advice)]
        return "\n".join(
            textwrap.fill(
                text,
                WIDTH,
                initial_indent=f"  {label}" if label else "",
                subsequent_indent=" " * (len(label) + 2),
                break_long_words=False,
                break_on_hyphens=False,
            )
            for label, text in parts
        )


def report(name: str, findings: Sequence[Finding]) -> str:
    """All findings about a method."""
    count = counted(len(findings), "finding")
    return "\n\n".join([f"{name}: {count}", *(finding.text() for finding in findings)])


def place(file: str, line: int | None) -> str:
    """A line of a file, from the working folder where it is below that."""
    near = os.path.relpath(file)
    return f"{file if near.startswith('..') else near}:{line}"


def mending(found: str) -> str:
    """What to do about a failure."""
    if "infinite" in found:
        return "return NaN for a row of which nothing is known, and bound what grows without end"
    if found.startswith("returned"):
        return "give one entry for each row, in the order of the rows, with None or NaN where one is missing"
    return "mend it; where the data is at fault, raise sl.DataError: where, what was found, what was expected"
