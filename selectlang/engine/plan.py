"""What a run would do: its tasks in order, rows in and out, and what the store already holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from selectlang.engine.datasets import Datasets
from selectlang.engine.estimate import Estimates
from selectlang.engine.price import price
from selectlang.engine.record import about
from selectlang.engine.results import Results
from selectlang.engine.walk import Walk
from selectlang.errors import UsageError
from selectlang.language.program import Call, Nested, Program, Step
from selectlang.llm.calls import Calls
from selectlang.llm.options import Options
from selectlang.store.store import Store


@dataclass(frozen=True)
class Line:
    """One task of a plan. `rows_out` is None where only the run can tell, an upper bound where `most`."""

    path: str
    method: str
    rows_in: int | None
    rows_out: int | None
    most: bool
    state: str  # cached | run | not needed | same as <stage>


@dataclass(frozen=True)
class Ask:
    """What one task asks of a model: the most it can be. Dollars are None where a price is not known.

    `stored` is the share of the answers that are there already, as far as its sample of rows can tell.
    """

    path: str
    model: str
    calls: int
    tokens_in: int
    tokens_out: int
    dollars: float | None
    stored: float


@dataclass
class Plan:
    """A plan: what is known of each data set, and a line for each task.

    `unpriced` are tasks that ask a model, of which only the run can tell how often.
    """

    data: dict[str, str]
    lines: list[Line]
    asks: list[Ask]
    unpriced: list[str]
    notes: list[str]


def require_params(program: Program) -> None:
    """A UsageError when a param has no value."""
    if program.missing:
        flags = " ".join(f"--set {name}=..." for name in program.missing)
        names = ", ".join(f"'{name}'" for name in program.missing)
        raise UsageError(f"no value for param {names}: give {flags}")


def plan(program: Program, store: Store, options: Options) -> Plan:
    """Walk a program without running it, and without asking a model."""
    require_params(program)
    sets = Datasets(store)
    results = Results(sets)
    outputs = Walk(results, program.seed, run=False).program(program, {})
    needed = {task.key for task in results.needed(list(outputs.values()))}
    estimates = Estimates(results)
    lines: list[Line] = []
    asks: list[Ask] = []
    unpriced: list[str] = []
    notes: list[str] = []
    for task in results.tasks.values():
        rows_in, rows_out = estimates.rows_in(task), estimates.rows_out(task)
        if task.key in needed:
            notes += estimates.notes(task)
        if task.key in needed and "llm" in task.method.given:
            with Calls(store.scratch) as calls:
                found = price(task, rows_in.rows or 0, results, calls, program.seed)
            if found is None:
                unpriced.append(task.path)
            else:
                asks.append(Ask(task.path, **asdict(found)))
        state = "cached" if task.cached else "run" if task.key in needed else "not needed"
        name = f"{task.method.kind}: {task.method.name}"
        for path in (task.path, *task.also):
            known = state if path == task.path else f"same as {task.path}"
            lines.append(Line(path, name, rows_in.rows, rows_out.rows, rows_out.most, known))
    data = {}
    for name, key in sets.named.items():
        info = sets.dataset(key).info
        data[name] = f"{info.rows:,} rows, {info.shape}"
        notes += about(name, info)
    notes += _caps(asks, options.within(program.limits))
    return Plan(data, lines, asks, unpriced, notes)


def asks_models(steps: Iterable[Step]) -> bool:
    """Whether any of these steps asks a language model."""
    return any(
        "llm" in step.method.given
        if isinstance(step, Call)
        else asks_models(step.program.steps if isinstance(step, Nested) else step.steps)
        for step in steps
    )


def _caps(asks: list[Ask], options: Options) -> list[str]:
    """Which bounds a run may come up to."""
    calls, cost = sum(ask.calls for ask in asks), sum(ask.dollars or 0 for ask in asks)
    found = []
    if options.max_calls is not None and calls > options.max_calls:
        found.append(f"a run may stop at max_calls {options.max_calls:,}: it makes up to {calls:,}")
    if options.max_cost is not None and cost > options.max_cost:
        found.append(f"a run may stop at max_cost ${options.max_cost:,.2f}: it costs up to ${cost:,.2f}")
    return found
