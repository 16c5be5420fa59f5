"""What the stages of a plan will ask of models: each is called on a sample, with a door that asks nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from selectlang.engine.execute import Execution
from selectlang.engine.handles import DataHandle, EmptyHandle, Handle, ResultHandle, fit, rows_of
from selectlang.engine.inputs import inputs_of
from selectlang.engine.results import Results
from selectlang.engine.standing import Lost
from selectlang.engine.task import Task
from selectlang.errors import DataError
from selectlang.llm.calls import Calls
from selectlang.llm.price import DryDoor, Estimate, Priced
from selectlang.methods import Port
from selectlang.ports import Model, Replies, Selection
from selectlang.rows import Rows

NOT_YET = Path("/trained-by-an-earlier-stage")
SAMPLE = 64
"""Rows of a sample. They are drawn by id, so that the same rows are priced in any order of the file."""
KNOWN = 1024
"""Rows of a sample of those that are sure to be asked about."""


def price(task: Task, rows: int, results: Results, calls: Calls, seed: int) -> Estimate | None:
    """What a task asks for `rows` rows; None where that cannot be known before other stages have run.

    Rows that are not chosen yet are stood for by a sample of their data set, and answers that are not given
    yet by the rows' own.
    """
    sample = _sample(task, results, seed)
    if sample is None or not rows:
        return None
    given = {
        port.name: [_value(port, handle, sample, results) for handle in task.inputs[port.name]]
        for port in task.method.inputs
        if port.name in task.inputs
    }
    needed = [port.name for port in task.method.inputs if not port.optional]
    if any(value is None for name in needed for value in given[name]):
        return None
    execution = Execution(
        task.key, task.path, task.method, inputs_of(task.method, given), task.settings, task.seed,
        results.store, results.sets.dataset, lambda done, total: None, llm=DryDoor(calls),
    )  # fmt: skip
    try:
        execution.whole()
    except Priced as priced:
        found, known = priced.estimate.scaled(rows / len(sample)), _trained(task, given, results)
        there = all(_there(handle, results) for handles in task.inputs.values() for handle in handles)
        read = found.read and there and len(sample) == rows
        return replace(found, model=known.get(found.model, found.model), read=read)
    except DataError as error:
        raise DataError(f"{task.path}: {error}") from error
    return None


def _sample(task: Task, results: Results, seed: int) -> Rows[Any] | None:
    """Some of the rows that a task asks about, or else of their data set."""
    handles = [
        (port, handle)
        for port in task.method.inputs
        if port.kind in (Rows, Selection)
        for handle in task.inputs.get(port.name, ())
    ]
    for port, handle in handles:
        with suppress(Lost):
            rows = rows_of(fit(results.read(handle), port))
            return None if not rows else rows.take(rows.draws(seed).argsort()[:KNOWN])
        if (key := _about(handle, results)) is not None:
            whole: Rows[Any] = Rows(results.sets.dataset(key))
            return whole.take(whole.draws(seed).argsort()[:SAMPLE])
    return None


def _there(handle: Handle, results: Results) -> bool:
    """Whether a value need not be made first."""
    return not isinstance(handle, ResultHandle) or results.standing.has(handle.key)


def _trained(task: Task, given: dict[str, list[Any]], results: Results) -> dict[str, str]:
    """What people call the models that stages train for a task, by their names at the door."""
    return {
        f"local/{value.path.absolute()}": f"model of {results.tasks[handle.key].path}"
        for name, values in given.items()
        for handle, value in zip(task.inputs[name], values, strict=True)
        if isinstance(value, Model) and isinstance(handle, ResultHandle)
    }


def _about(handle: Handle, results: Results) -> str | None:
    """The data set that a value is about."""
    if isinstance(handle, DataHandle):
        return handle.key
    if isinstance(handle, EmptyHandle):
        return handle.data or None
    inputs = results.tasks[handle.key].inputs.values()
    return next((key for handles in inputs for each in handles if (key := _about(each, results))), None)


def _value(port: Port, handle: Handle, sample: Rows[Any], results: Results) -> Any:
    """A value for a price: about the sample, the real one where it is there, or a stand-in."""
    if port.kind is Rows:
        return sample
    if port.kind is Selection:
        return Selection(sample)
    with suppress(Lost):
        return results.read(handle)
    if port.kind is Replies:
        return Replies(Rows(sample.data, sample.positions, sample.responses()))
    return Model(NOT_YET) if port.kind is Model else None
