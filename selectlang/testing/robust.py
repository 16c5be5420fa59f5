"""Checks that run a method on ordinary rows, few and odd ones: it copes, or says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from selectlang.errors import DataError
from selectlang.testing import made
from selectlang.testing.findings import PROMISED, Finding, mending
from selectlang.testing.trial import Failed, Sets, Trial

if TYPE_CHECKING:
    from selectlang.testing.suite import Suite


def runs(suite: Suite) -> Iterator[Finding]:
    """It fails on ordinary rows, or returns what its signature does not promise."""
    refused = [str(found) for found in suite.outcomes if isinstance(found, DataError)]
    for found in suite.outcomes:
        if isinstance(found, Failed):
            yield Finding("runs", f"on ordinary rows it {found}", PROMISED, mending(str(found)))
            return
    if not suite.base:
        yield Finding(
            "runs",
            f"on ordinary rows it raised DataError: {refused[0]}",
            "a run on rows with ids, requests and responses",
            "give `check_method` what it needs: settings, fields that rows should have, inputs, or answer",
        )


def edges(suite: Suite) -> Iterator[Finding]:
    """It fails on no rows, on one row, or on rows that come twice."""
    import numpy as np

    for trial, _ in suite.base:
        sets = trial.sets()
        names = list(sets)
        few: list[tuple[str, Sets]] = [("no rows", {a: rows.take(_none()) for a, rows in sets.items()})]
        few += [
            (f"no rows of {about}", {**sets, about: sets[about].take(_none())})
            for about in names if len(names) > 1
        ]  # fmt: skip
        few.append(("one row", {about: rows.take(np.array([0])) for about, rows in sets.items()}))
        few.append(("rows that come twice", {a: r.take(np.arange(len(r)) // 2) for a, r in sets.items()}))
        for what, rows in few:
            if found := _failure(trial, rows):
                yield Finding("edges", f"on {what} it {found}", PROMISED, mending(found))


def _none() -> Any:
    import numpy as np

    return np.empty(0, dtype=np.int64)


def _failure(trial: Trial, sets: Sets) -> str:
    """What a trial did that it should not, if it did."""
    try:
        trial.run(sets)
    except DataError:
        return ""
    except Failed as error:
        return str(error)
    return ""


def texts(suite: Suite) -> Iterator[Finding]:
    """It fails on texts as people write them: other scripts, emoji, nothing, very much."""
    import numpy as np

    for trial, _ in suite.base:
        odd = made.rows_of(made.odd_records(suite.fields))
        found = _failure(trial, dict.fromkeys(trial.variables, odd))
        if not found:
            continue
        names, culprits = odd.ids(), []
        for number, name in enumerate(names):
            row = odd.take(np.array([number]))
            if said := _failure(trial, dict.fromkeys(trial.variables, row)):
                found = said
                culprits.append(name)
        shown = ", ".join(culprits[:4]) + (f" and {len(culprits) - 4} more" if len(culprits) > 4 else "")
        where = f"on rows such as {shown}," if culprits else f"on {len(names)} rows of odd texts"
        yield Finding("texts", f"{where} it {found}", PROMISED, mending(found))
        return


def untouched(suite: Suite) -> Iterator[Finding]:
    """It changes what it is given: another stage reads the same, and stored values cannot be written to."""
    for trial, _ in suite.base:
        inputs = trial.inputs(trial.sets())
        before = {name: frozen(value) for name, value in inputs.items()}
        trial.run(trial.sets(), inputs=inputs)
        changed = [name for name, value in inputs.items() if frozen(value) != before[name]]
        for name in changed:
            yield Finding(
                "untouched",
                f"it changes its input {name!r}",
                "inputs that are as they were: other stages read them too",
                "work on a copy, as in values = scores.values.copy()",
            )
        if changed:
            return


def frozen(value: Any) -> Any:
    """All that a value holds, in a form that does not change with it."""
    if isinstance(value, list | tuple):
        return [frozen(part) for part in value]
    if isinstance(value, dict):
        return {key: frozen(part) for key, part in value.items()}
    if hasattr(value, "tobytes"):
        return value.dtype.str, value.shape, value.tobytes()
    if hasattr(value, "__dict__"):
        return {name: frozen(part) for name, part in vars(value).items() if name != "data"}
    return value
