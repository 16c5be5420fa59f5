"""What a run would do: its tasks in order, rows in and out, and what the store already holds."""

from __future__ import annotations

from dataclasses import dataclass

from selectlang.amount import Amount
from selectlang.engine.datasets import Datasets
from selectlang.engine.handles import DataHandle, EmptyHandle, Handle
from selectlang.engine.task import Task
from selectlang.engine.walk import Walk
from selectlang.errors import UsageError
from selectlang.language.program import Program
from selectlang.ports import Scores
from selectlang.store.store import Store

Estimate = tuple[int | None, bool]  # rows, if known, and whether that is an upper bound


@dataclass(frozen=True)
class Line:
    """One task of a plan. `rows_out` is None where only the run can tell, an upper bound where `most`."""

    path: str
    method: str
    rows_in: int | None
    rows_out: int | None
    most: bool
    state: str  # cached | run | not needed | same as <stage>


@dataclass
class Plan:
    """A plan: what is known of each data set, and a line for each task."""

    data: dict[str, str]
    lines: list[Line]
    notes: list[str]


def require_params(program: Program) -> None:
    """A UsageError when a param has no value."""
    if program.missing:
        flags = " ".join(f"--set {name}=..." for name in program.missing)
        names = ", ".join(f"'{name}'" for name in program.missing)
        raise UsageError(f"no value for param {names}: give {flags}")


def plan(program: Program, store: Store) -> Plan:
    """Walk a program without running it."""
    require_params(program)
    sets = Datasets(store)
    walk = Walk(store, sets.handle, sets.open, run=False, seed=program.seed)
    outputs = walk.program(program, {})
    needed = {task.key for task in walk.needed(list(outputs.values()))}
    rows: dict[str, Estimate] = {}
    lines = []
    for task in walk.order:
        rows_in = _rows_in(task, rows, walk)
        rows_out = _rows_out(task, rows_in, rows, walk)
        rows[task.key] = rows_out
        state = "cached" if task.cached else "run" if task.key in needed else "not needed"
        name = f"{task.method.kind}: {task.method.name}"
        for path in (task.path, *task.also):
            known = state if path == task.path else f"same as {task.path}"
            lines.append(Line(path, name, rows_in[0], *rows_out, known))
    data, notes = {}, []
    for name, key in sets.named.items():
        info = walk.dataset(key).info
        data[name] = f"{info.rows:,} rows, {info.shape}"
        notes += [f"data '{name}': {note}" for note in info.notes]
    return Plan(data, lines, notes)


def _estimate(handle: Handle, rows: dict[str, Estimate], walk: Walk) -> Estimate:
    """Rows of a value, and whether that is an upper bound."""
    if isinstance(handle, DataHandle):
        return len(walk.dataset(handle.key)), False
    if isinstance(handle, EmptyHandle):
        return 0, False
    found, most = rows[handle.key]
    return found, most or handle.verdict is not None


def _rows_in(task: Task, rows: dict[str, Estimate], walk: Walk) -> Estimate:
    port = task.method.inputs[0].name if task.method.inputs else ""
    handles = task.inputs.get(port, [])
    return _estimate(handles[0], rows, walk) if handles else (None, False)


def _rows_out(task: Task, rows_in: Estimate, rows: dict[str, Estimate], walk: Walk) -> Estimate:
    meta = walk.store.meta(task.key) if task.cached else None
    if meta is not None:
        counts = list(meta["rows"].values())
        return (counts[0], False) if counts else (None, False)
    if task.method.kind == "merge" and task.method.inputs[0].many:
        return _merged(task, rows, walk) or rows_in
    if task.method.kind != "budget" or rows_in[0] is None:
        return rows_in
    sizes = {name: value for name, value in task.settings.items() if isinstance(value, Amount)}
    if not sizes:
        return rows_in[0], True
    name, amount = next(iter(sizes.items()))
    within = task.inputs.get("within")
    known, bound = _estimate(within[0], rows, walk) if within else rows_in
    total = known or 0
    if amount.unit == "tokens":
        return total, True
    # A size that may be left out is a ceiling: other settings decide how much is chosen.
    most = not task.method.settings[name].required or bool(task.inputs.get("skip")) or bound
    return min(amount.count(total), total), most


def _merged(task: Task, rows: dict[str, Estimate], walk: Walk) -> Estimate | None:
    """Rows of several inputs together: scores are mostly about the same rows, selections are not."""
    port = task.method.inputs[0]
    parts = [_estimate(handle, rows, walk) for handle in task.inputs[port.name]]
    counts = [count for count, _ in parts if count is not None]
    if len(counts) < len(parts) or not counts:
        return None
    if port.kind is Scores:
        return max(counts), min(counts) < max(counts) or any(most for _, most in parts)
    return sum(counts), len(counts) > 1 or parts[0][1]
