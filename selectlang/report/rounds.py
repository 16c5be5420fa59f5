"""Loops as curves: what each round gave, a point a round. A single point is a curve too, and so are zeros."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from selectlang.engine.opened import Opened, base
from selectlang.errors import DataError
from selectlang.ports import Weights
from selectlang.report.text import shown

CURVES = 48  # of one loop; a page says how many more there are
SPEND = ("calls", "cost")  # metrics of a stage that asks models, which are added up by themselves
LINES = 8  # clusters whose weights are drawn: those that change most
ALL_ANSWERS = "of all answers that the run used, those that earlier runs paid for among them"


def loops(opened: Opened) -> list[dict[str, Any]]:
    """Each loop that had more than one round, with its curves."""
    found = []
    for loop in opened.record["loops"]:
        rounds = _rounds(opened, loop)
        curves = [*_spend(rounds), *_weights(opened, rounds), *_numbers(rounds)] if len(rounds) > 1 else []
        if curves:
            names = {"path": shown(loop["path"]), "ended": shown(loop["ended"] or "")}
            more = max(0, len(curves) - CURVES)
            found.append({**loop, **names, "curves": curves[:CURVES], "more": more})
    return found


def _rounds(opened: Opened, loop: dict[str, Any]) -> list[dict[str, dict[str, Any]]]:
    """The stages of each round of a loop, by their paths within it; not those of loops inside of it."""
    path, _, outer = loop["path"].partition("#")
    rounds: list[dict[str, dict[str, Any]]] = [{} for _ in range(loop["rounds"])]
    for stage_path, stage in opened.by_path.items():
        name, _, numbers = stage_path.partition("#")
        around, _, last = numbers.rpartition("#")
        inside = name.startswith(f"{path}/") and around == outer and last.isdecimal()
        if inside and 0 < int(last) <= len(rounds):
            rounds[int(last) - 1][name[len(path) + 1 :]] = stage
    return rounds


def _curve(
    name: str, rounds: int, lines: dict[str, list[float | None]], unit: str = "", about: str = ""
) -> dict[str, Any]:
    return {
        "name": shown(name),
        "rounds": rounds,
        "unit": unit,
        "about": about,
        "lines": {shown(k, 40): v for k, v in lines.items()},
    }


def _numbers(rounds: list[dict[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The metrics of stages, such as the share of hard rows, and how many rows budgets chose.

    Each names its `stage`, without the loop, and its `metric`, by which a page finds words for it.
    """
    found: dict[tuple[str, str], list[float | None]] = {}
    for i, stages in enumerate(rounds):
        for name, stage in stages.items():
            told = SPEND if stage.get("asked") else ()
            numbers = {(name, what): value for what, value in stage["metrics"].items() if what not in told}
            if stage["kind"] == "budget" and stage["rows_out"]:
                numbers[name, ""] = next(iter(stage["rows_out"].values()))
            for what, value in numbers.items():
                found.setdefault(what, [None] * len(rounds))[i] = value
    curves = []
    for (path, metric), values in found.items():
        name = f"{path}.{metric}" if metric else f"{path}: rows"
        if any(value is not None for value in values):
            curves.append({**_curve(name, len(rounds), {name: values}), "stage": path, "metric": metric})
    return curves


def _spend(rounds: list[dict[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """What models were asked and what that cost, added up over the rounds; None once a price is unknown."""
    asked = [[tally for stage in stages.values() for tally in stage.get("asked", ())] for stages in rounds]
    found = [("calls", "calls, added up", ""), ("cost", "cost of all answers, added up", "$")]
    curves = []
    for what, name, unit in found:
        so_far: list[float | None] = []
        for tallies in asked:
            known = [*so_far[-1:], *(tally[what] for tally in tallies)]
            so_far.append(None if None in known else float(sum(known)))
        if any(so_far):
            curves.append(_curve(name, len(rounds), {name: so_far}, unit, ALL_ANSWERS))
    return curves


def _weights(opened: Opened, rounds: list[dict[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The weights of clusters: of those that change most between the rounds."""
    found = []
    for name in rounds[0]:
        values: list[list[float] | None] = []
        for stages in rounds:
            values.append(None)
            stage = stages.get(name)
            if (
                stage is None
                or stage["kind"] != "merge"
                or stage["state"] == "not needed"
                or stage["rows_out"]
            ):
                continue
            with suppress(DataError):
                value = opened.value(stage["path"])
                if isinstance(value, Weights):
                    values[-1] = value.values.tolist()
        known = [each for each in values if each is not None]
        if len({len(each) for each in known}) != 1:
            continue
        change = [max(each) - min(each) for each in zip(*known, strict=True)]
        most = sorted(range(len(change)), key=lambda i: (-change[i], i))[:LINES]
        lines = {f"cluster {i}": [None if each is None else each[i] for each in values] for i in sorted(most)}
        some = f"of the {LINES} clusters whose weights change most" if len(change) > LINES else ""
        found.append(_curve(f"{base(name)}: weights", len(rounds), lines, about=some))
    return found
