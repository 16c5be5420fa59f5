"""The inputs of a call: values as its ports take them, and how many rows come in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selectlang.engine.handles import fit, rows_of
from selectlang.methods import Method, Port
from selectlang.ports import Clusters, Scores, Selection, Vectors

ALIGNED = (Scores, Vectors, Clusters)
"""Values of which several are mostly about the same rows; several selections are not."""


def inputs_of(method: Method, given: dict[str, list[Any]]) -> dict[str, Any]:
    """Values as the ports take them; an optional port without a value is left to its default."""
    found: dict[str, Any] = {}
    for port in method.inputs:
        values = [fit(value, port) for value in given.get(port.name, ())]
        if port.kind is None and len({type(value) for value in values}) > 1:  # rows and selections, say
            values = [fit(value, Port(port.name, Selection, port.about)) for value in values]
        if port.many:
            if port.name in given:
                found[port.name] = [value for value in values if value is not None]
        elif values and values[0] is not None:
            found[port.name] = values[0]
    return found


def rows_in(inputs: dict[str, Any]) -> int:
    """How many rows come in, by the first input that is about rows."""
    for value in inputs.values():
        parts = parts_of([value])
        if views := [rows for part in parts if (rows := rows_of(part)) is not None]:
            return together([len(rows) for rows in views], len(views[0].data), isinstance(parts[0], ALIGNED))
    return 0


def together(counts: list[int], pool: int, aligned: bool) -> int:
    """The rows of several values about a data set of `pool` rows: the same ones if they are aligned."""
    return max(counts, default=0) if aligned or len(counts) == 1 else min(sum(counts), pool)


def parts_of(values: Iterable[Any]) -> list[Any]:
    """The values of ports, one by one: a port that takes several has a list."""
    return [part for value in values for part in (value if isinstance(value, list) else [value])]
