"""What a run would do: its tasks in order, rows in and out, and what the store already holds."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from selectlang.engine.ahead import require
from selectlang.engine.datasets import Datasets
from selectlang.engine.estimate import Estimates
from selectlang.engine.price import price
from selectlang.engine.record import about
from selectlang.engine.results import Results
from selectlang.engine.walk import Walk
from selectlang.language.program import Program
from selectlang.llm.calls import Calls
from selectlang.llm.options import Options
from selectlang.tables import dollars


@dataclass(frozen=True)
class Line:
    """One task of a plan. Rows are None where only the run can tell.

    `rows_out` is an upper bound where `most`, `rows_in` where `most_in`.
    """

    path: str
    method: str
    rows_in: int | None
    rows_out: int | None
    most: bool
    most_in: bool
    state: str  # cached | run | not needed | same as <stage>


@dataclass(frozen=True)
class Ask:
    """What one task asks of a model: the most it can be. Dollars are None where a price is not known.

    `stored` is the share of the answers that are there already: exactly where `read`, which says that every
    prompt was read, else as far as a sample can tell. `most` says that there may be fewer calls.
    """

    path: str
    model: str
    calls: int
    tokens_in: int
    tokens_out: int
    dollars: float | None
    stored: float
    read: bool
    most: bool


@dataclass
class Plan:
    """A plan: what is known of each data set, and a line for each task.

    `unpriced` are tasks that ask a model, of which only the run can tell how often. `ends` says why a run is
    sure to fail, if it is.
    """

    data: dict[str, str]
    lines: list[Line]
    asks: list[Ask]
    unpriced: list[str]
    notes: list[str]
    ends: list[str]


def plan(program: Program, sets: Datasets, options: Options) -> Plan:
    """Walk a program without running it, and without asking a model."""
    require(program, options)
    results = Results(sets)
    outputs = Walk(results, program.seed, run=False).program(program, {})
    needed = {task.key for task in results.needed(list(outputs.values()))}
    estimates = Estimates(results)
    lines: list[Line] = []
    asks: list[Ask] = []
    unpriced: list[str] = []
    notes: list[str] = []
    ends: list[str] = []
    for task in results.tasks.values():
        rows_in, rows_out = estimates.rows_in(task), estimates.rows_out(task)
        if task.key in needed:
            why = estimates.ends(task)
            notes += [f"{reason}; a run would end there" for reason in why] + estimates.notes(task)
            ends += [] if any(task.rounds) else why  # a loop may end before a later round
        if task.key in needed and "llm" in task.method.given and rows_in.rows != 0:
            with Calls(sets.store.scratch) as calls:
                found = price(task, rows_in.rows or 0, results, calls, program.seed)
            if found is None:
                unpriced.append(task.path)
            else:
                asks.append(Ask(task.path, **asdict(found), most=rows_in.most))
        state = "cached" if task.cached else "run" if task.key in needed else "not needed"
        name = f"{task.method.kind}: {task.method.name}"
        for path in (task.path, *task.also):
            known = state if path == task.path else f"same as {task.path}"
            line = Line(path, name, rows_in.rows, rows_out.rows, rows_out.most, rows_in.most, known)
            lines.append(line)
    data = {}
    for name, key in sets.named.items():
        info = sets.dataset(key).info
        data[name] = f"{info.rows:,} rows, {info.shape}"
        notes += about(name, info)
    notes += _caps(asks, _taken(results), options.within(program.limits))
    return Plan(data, lines, asks, unpriced, notes, ends)


def _taken(results: Results) -> tuple[int, float]:
    """Calls and dollars of the stages whose results are in the store: a run counts them."""
    tasks = (task for task in results.tasks.values() if task.cached and "llm" in task.method.given)
    tallies = [tally for task in tasks for tally in (results.store.meta(task.key) or {}).get("asked", ())]
    return sum(tally["calls"] for tally in tallies), math.fsum(tally["cost"] or 0 for tally in tallies)


def _caps(asks: list[Ask], taken: tuple[int, float], options: Options) -> list[str]:
    """Which bounds a run may come up to."""
    calls, cost = taken[0] + sum(ask.calls for ask in asks), taken[1] + sum(ask.dollars or 0 for ask in asks)
    ran = " with what stages took that have run" if taken[0] else ""
    found = []
    if options.max_calls is not None and calls > options.max_calls:
        found.append(f"a run may stop at max_calls {options.max_calls:,}: it makes up to {calls:,}{ran}")
    if options.max_cost is not None and cost > options.max_cost:
        most = dollars(options.max_cost)
        found.append(f"a run may stop at max_cost {most}: it costs up to {dollars(cost)}{ran}")
    return found
