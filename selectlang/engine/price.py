"""What the stages of a plan will ask of models: each is called on a sample, with a door that asks nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selectlang.engine.execute import Execution, inputs_of
from selectlang.engine.handles import DataHandle, EmptyHandle, Handle, ResultHandle, fit, rows_of
from selectlang.engine.task import Task
from selectlang.engine.walk import Walk
from selectlang.errors import DataError
from selectlang.llm.calls import Calls
from selectlang.llm.price import DryDoor, Estimate, Priced
from selectlang.methods import Port
from selectlang.ports import Model, Replies, Selection
from selectlang.rows import Rows

SAMPLE = 64
"""Rows of a sample. They are drawn by id, so that the same rows are priced in any order of the file."""


def price(task: Task, rows: int, walk: Walk, calls: Calls) -> Estimate | None:
    """What a task asks for `rows` rows; None where that cannot be known before other stages have run.

    Rows that are not chosen yet are stood for by a sample of their data set, and answers that are not given
    yet by the rows' own.
    """
    sample = _sample(task, walk)
    if sample is None or not rows:
        return None
    given = {
        port.name: [_value(port, handle, sample, walk) for handle in task.inputs[port.name]]
        for port in task.method.inputs
        if port.name in task.inputs
    }
    needed = [port.name for port in task.method.inputs if not port.optional]
    if any(value is None for name in needed for value in given[name]):
        return None
    execution = Execution(
        task.key, task.path, task.method, inputs_of(task.method, given), task.settings, task.seed,
        walk.store, walk.dataset, lambda done, total: None, DryDoor(calls),
    )  # fmt: skip
    try:
        execution.whole()
    except Priced as priced:
        return priced.estimate.scaled(rows / len(sample))
    except DataError as error:
        raise DataError(f"{task.path}: {error}", code=error.code) from error
    return None


def _sample(task: Task, walk: Walk) -> Rows[Any] | None:
    """Some of the rows that a task asks about, or else of their data set."""
    handles = [
        (port, handle)
        for port in task.method.inputs
        if port.kind in (Rows, Selection)
        for handle in task.inputs.get(port.name, ())
    ]
    for port, handle in handles:
        if not isinstance(handle, ResultHandle) or walk.standing.has(handle.key):
            rows = rows_of(fit(walk.value(handle), port))
            return None if not rows else rows.take(rows.draws(walk.seed).argsort()[:SAMPLE])
        if (key := _about(handle, walk)) is not None:
            whole: Rows[Any] = Rows(walk.dataset(key))
            return whole.take(whole.draws(walk.seed).argsort()[:SAMPLE])
    return None


def _about(handle: Handle, walk: Walk) -> str | None:
    """The data set that a value is about."""
    if isinstance(handle, DataHandle):
        return handle.key
    if isinstance(handle, EmptyHandle):
        return handle.data or None
    inputs = walk.tasks[handle.key].inputs.values()
    return next((key for handles in inputs for each in handles if (key := _about(each, walk))), None)


def _value(port: Port, handle: Handle, sample: Rows[Any], walk: Walk) -> Any:
    """A value for a price: about the sample, the real one where it is there, or a stand-in."""
    if port.kind is Rows:
        return sample
    if port.kind is Selection:
        return Selection(sample)
    if not isinstance(handle, ResultHandle) or walk.standing.has(handle.key):
        return walk.value(handle)
    if port.kind is Replies:
        return Replies(Rows(sample.data, sample.positions, sample.responses()))
    return Model(Path("trained")) if port.kind is Model else None
