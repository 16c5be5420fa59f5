"""What a run would do: its tasks in order, rows in and out, and what the store already holds."""

from __future__ import annotations

from dataclasses import dataclass

from selectlang.amount import Amount
from selectlang.engine.datasets import Datasets
from selectlang.engine.handles import DataHandle, EmptyHandle, Handle
from selectlang.engine.walk import Task, Walk
from selectlang.errors import UsageError
from selectlang.language.program import Program
from selectlang.store.store import Store


@dataclass(frozen=True)
class Line:
    """One task of a plan. `rows_out` is None where only the run can tell, an upper bound where `most`."""

    path: str
    method: str
    rows_in: int | None
    rows_out: int | None
    most: bool
    state: str  # cached | run | not needed


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
    rows: dict[str, tuple[int | None, bool]] = {}
    lines = []
    for task in walk.order:
        rows_in = _rows_in(task, rows, walk)
        rows_out = _rows_out(task, rows_in, rows, walk)
        rows[task.key] = rows_out
        state = "cached" if task.cached else "run" if task.key in needed else "not needed"
        name = f"{task.method.kind}: {task.method.name}"
        lines.append(Line(task.path, name, rows_in[0], rows_out[0], rows_out[1], state))
    data, notes = {}, []
    for name, key in sets.named.items():
        info = walk.dataset(key).info
        data[name] = f"{info.rows:,} rows, {info.shape}"
        notes += [f"data '{name}': {note}" for note in info.notes]
    return Plan(data, lines, notes)


def _estimate(handle: Handle, rows: dict[str, tuple[int | None, bool]], walk: Walk) -> tuple[int | None, bool]:
    """Rows of a value, and whether that is an upper bound."""
    if isinstance(handle, DataHandle):
        return len(walk.dataset(handle.key)), False
    if isinstance(handle, EmptyHandle):
        return 0, False
    found, most = rows[handle.key]
    return found, most or handle.verdict is not None


def _rows_in(task: Task, rows: dict[str, tuple[int | None, bool]], walk: Walk) -> tuple[int | None, bool]:
    port = task.method.inputs[0].name if task.method.inputs else ""
    handles = task.inputs.get(port, [])
    return _estimate(handles[0], rows, walk) if handles else (None, False)


def _rows_out(
    task: Task, rows_in: tuple[int | None, bool], rows: dict[str, tuple[int | None, bool]], walk: Walk
) -> tuple[int | None, bool]:
    meta = walk.store.meta(task.key) if task.cached else None
    if meta is not None:
        counts = list(meta["rows"].values())
        return (counts[0], False) if counts else (None, False)
    if task.method.kind == "merge" and task.method.inputs[0].many:
        parts = [_estimate(handle, rows, walk) for handle in next(iter(task.inputs.values()))]
        known = [count for count, _ in parts if count is not None]
        return (sum(known), True) if len(known) == len(parts) and len(parts) > 1 else rows_in
    amount = next((value for value in task.settings.values() if isinstance(value, Amount)), None)
    if task.method.kind != "budget" or rows_in[0] is None:
        return rows_in
    if amount is None or amount.unit == "tokens":
        return rows_in[0], True
    within = task.inputs.get("within")
    total = _estimate(within[0], rows, walk)[0] if within else rows_in[0]
    return min(amount.count(total or 0), total or 0), bool(task.inputs.get("skip")) or rows_in[1]
