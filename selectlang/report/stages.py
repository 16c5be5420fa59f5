"""What is said of stages: the calls they made, their rows and seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from selectlang.engine.opened import base
from selectlang.report.text import shown
from selectlang.tables import dollars

MOST = 1000  # stages in the table


def asked(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Calls to models by stage, the rounds of a loop together, and their sum."""
    rows: dict[tuple[str, str], list[float | None]] = {}
    for stage in record["stages"]:
        for tally in stage.get("asked", ()):
            new = [
                tally["calls"],
                tally["paid"] if stage["state"] == "ran" else 0,
                sum(tally["failed"].values()),
                tally["tokens_in"],
                tally["tokens_out"],
                tally["cost"],
                _spent(tally) if stage["state"] == "ran" else 0,
            ]
            old = rows.setdefault((tally["model"], base(stage["path"])), [0] * len(new))
            rows[tally["model"], base(stage["path"])] = [
                None if a is None or b is None else a + b for a, b in zip(old, new, strict=True)
            ]
    found: list[dict[str, Any]] = [
        {"model": shown(model), "stage": shown(stage), "cells": list(_cells(numbers)), "total": False}
        for (model, stage), numbers in rows.items()
    ]
    if len(rows) > 1:
        sums = [
            None if None in column else sum(n or 0 for n in column)
            for column in zip(*rows.values(), strict=True)
        ]
        found.append({"model": "all", "stage": "", "cells": list(_cells(sums)), "total": True})
    return found


def _spent(tally: dict[str, Any]) -> float | None:
    """Dollars for the answers that a run asked for itself; None where its record does not say."""
    if not tally["paid"]:
        return 0
    known: float | None = tally["cost"] if tally["paid"] == tally["calls"] else tally.get("spent")
    return known


def _cells(numbers: list[float | None]) -> Iterator[str]:
    *counts, cost, spent = numbers
    yield from ("?" if count is None else f"{count:,.0f}" for count in counts)
    yield from ("unknown" if money is None else dollars(money) for money in (cost, spent))


def stages(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The first MOST stages, each round of a loop by itself."""
    return [
        {
            "path": shown(stage["path"]),
            "method": shown(f"{stage['kind']} {stage['method']}"),
            "rows_in": _count(stage["rows_in"]),
            "rows_out": " / ".join(_count(rows) for rows in stage["rows_out"].values()),
            "state": stage["state"],
            "seconds": f"{stage['seconds']:.1f}" if stage["state"] == "ran" else "",
        }
        for stage in record["stages"][:MOST]
    ]


def notes(record: dict[str, Any]) -> dict[str, str]:
    """What stands under each stage of the graph: rows and seconds, the rounds of a loop together."""
    seconds: dict[str, float] = {}
    rows: dict[str, str] = {}
    states: dict[str, set[str]] = {}
    for stage in record["stages"]:
        for path in map(base, [stage["path"], *stage.get("also", ())]):
            seconds[path] = seconds.get(path, 0.0) + stage["seconds"]
            states.setdefault(path, set()).add(stage["state"])
            if stage["state"] != "not needed":
                out = next(iter(stage["rows_out"].values()), None)
                rows[path] = f"{_count(stage['rows_in'])} → {_count(out)}" if out is not None else ""
    found = {}
    for path, kinds in states.items():
        time = f"{seconds[path]:.1f} s" if "ran" in kinds else "kept" if "cached" in kinds else "not needed"
        found[path] = ", ".join(part for part in (rows.get(path, ""), time) if part)
    return found


def _count(rows: int | None) -> str:
    return "" if rows is None else f"{rows:,}"
