"""The random control in a few lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from selectlang.report.tables import beyond, named, number
from selectlang.report.text import shown
from selectlang.tables import counted

WIDTH, LINES = 79, 2
FIRST = ("vendi", "near_duplicates", "score", "tokens of the response", "reached", "entropy", "missing")
"""Which measures are told, where not all can be: the first named here of those beyond the draws."""


def summary(control: dict[str, dict[str, Any]]) -> Iterator[str]:
    """For each selection what it was compared with, and where it lies beyond all random draws."""
    for name, found in control.items():
        draws = max((each["draws"] for each in found["measures"]), default=0)
        told = sorted(filter(beyond, found["measures"]), key=_rank)
        how_many = f"{len(told)} of {counted(len(found['measures']), 'measure')}" if told else "no measure"
        span = "(the range)" if told else "the range"
        yield f"{shown(name, 20)}: {how_many} outside {span} of {counted(draws, 'random draw')}"
        yield from _lines(_said(each) for each in told)


def _lines(parts: Iterable[str]) -> Iterator[str]:
    """As many whole parts as fit into LINES lines."""
    lines = [""]
    for part in parts:
        longer = f"{lines[-1]}; {part}" if lines[-1] else part
        if len(longer) + 2 <= WIDTH:
            lines[-1] = longer
        elif len(lines) < LINES and len(part) + 2 <= WIDTH:
            lines.append(part)
    yield from (f"  {line}" for line in lines if line)


def _rank(each: dict[str, Any]) -> int:
    return FIRST.index(each["measure"]) if each["measure"] in FIRST else len(FIRST)


def _said(each: dict[str, Any]) -> str:
    what = each["measure"]
    low, high = number(each["lowest"], what), number(each["highest"], what)
    draws = low if low == high else f"{low} to {high}"
    return f"{named(each, brief=True)} {number(each['chosen'], what)} ({draws})"
