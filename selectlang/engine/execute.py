"""Running one call of a method, and keeping its result in the store."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectlang.engine.handles import fit, rows_of
from selectlang.engine.keys import digest
from selectlang.engine.results import joined, outputs
from selectlang.errors import DataError, MethodError, SelectlangError
from selectlang.methods import Method, Port
from selectlang.ports import Clusters, Scores, Vectors
from selectlang.rows import Rows
from selectlang.store.codec import decode, encode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from selectlang.data.dataset import Dataset
    from selectlang.store.store import Store

SHARD_ROWS = 4096


@dataclass
class Execution:
    """One call with its inputs in hand. `advance(done, total)` is told of rows as they finish."""

    key: str
    path: str
    method: Method
    inputs: dict[str, Any]
    settings: dict[str, Any]
    seed: int | None
    store: Store
    dataset: Callable[[str], Dataset]
    advance: Callable[[int, int], None]

    def run(self, meta: dict[str, Any]) -> None:
        """Run the method and write its entry. A DataError gets the stage's path in front."""
        try:
            self.entry(self.sharded() if self.method.is_class else self.whole(), meta)
        except DataError as error:
            raise DataError(f"{self.path}: {error}", code=error.code) from error
        except SelectlangError:
            raise
        except Exception as error:
            name = f"{self.method.kind} {self.method.name} of {self.method.distribution} {self.method.version}"
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{last.filename}:{last.lineno}"
            message = f"{self.path}: {name} failed: {type(error).__name__}: {error} ({where})"
            raise MethodError(message) from error

    def whole(self) -> dict[str, Any]:
        """A function sees its inputs whole."""
        raw = self.method.call(**self.inputs, **self.arguments())
        return outputs(self.method, raw, self.inputs)

    def arguments(self) -> dict[str, Any]:
        return self.settings if self.seed is None else {**self.settings, "seed": self.seed}

    def entry(self, values: dict[str, Any], meta: dict[str, Any]) -> None:
        """Write the values of all ports as one entry."""
        counts = {port: len(rows) for port, value in values.items() if (rows := rows_of(value)) is not None}
        metrics = {port: float(value) for port, value in values.items() if isinstance(value, float)}
        notes = [note for value in values.values() for note in getattr(value, "notes", ())]
        meta = {**meta, "rows": counts, "metrics": metrics, "notes": notes}
        with self.store.writing(self.key, meta) as folder:
            for port, value in values.items():
                (folder / f"port_{port}").mkdir()
                encode(value, folder / f"port_{port}")

    def sharded(self) -> dict[str, Any]:
        """A class maps shards of consecutive rows, each of which is kept in the store as it is done."""
        batch = next(port for port in self.method.inputs if not port.whole)
        value = self.inputs[batch.name]
        rows = rows_of(value)
        if rows is None:
            raise MethodError(f"{self.path}: {batch.name!r} has no rows to map")
        size = getattr(self.method.call, "shard_rows", SHARD_ROWS)
        starts = range(0, len(rows), size)
        keys = [digest(["shard", self.key, start, size]) for start in starts] or [digest(["shard", self.key])]
        mapper: Any = None
        for key, start in zip(keys, starts or [0], strict=True):
            stop = min(start + size, len(rows))
            if self.store.path(key) is None:
                mapper = mapper or self.method.call(
                    **{port.name: self.inputs[port.name] for port in self.method.inputs if port.whole and port.name in self.inputs},
                    **self.arguments(),
                )
                self.shard(mapper, batch, _slice(value, start, stop), key)
            self.advance(stop, len(rows))
        port = self.method.outputs[0]
        parts = [self.read(key) for key in keys]
        result = {port.name: joined(port.kind, rows, parts)}
        self.discard = keys
        return result

    def shard(self, mapper: Any, batch: Port, value: Any, key: str) -> None:
        """Map one shard in batches of rows of like length, and keep it."""
        rows = rows_of(value)
        assert rows is not None
        size = getattr(self.method.call, "batch_rows", None) or max(1, len(rows))
        port = self.method.outputs[0]
        if not isinstance(value, Rows) or not len(rows):
            parts = [outputs(self.method, mapper(value), {batch.name: value})[port.name]]
            result = parts[0]
        else:
            order = _by_length(rows)
            parts = []
            for start in range(0, len(rows), size):
                part = rows.take(order[start : start + size])
                parts.append(outputs(self.method, mapper(part), {batch.name: part})[port.name])
            result = _restored(joined(port.kind, rows.take(order), parts), rows, order)
        with self.store.writing(key, {"shard": self.path}) as folder:
            encode(result, folder)

    def read(self, key: str) -> Any:
        path = self.store.path(key)
        if path is None:
            raise MethodError(f"{self.path}: a shard that was just written is gone; is another process pruning the store?")
        return decode(path, self.dataset)

    discard: list[str] | None = None

    def clean(self) -> None:
        """Delete the shards of a finished call: its entry holds them all."""
        for key in self.discard or ():
            with suppress(OSError, SelectlangError):
                self.store.discard(key)


def inputs_of(method: Method, given: dict[str, list[Any]]) -> dict[str, Any]:
    """Values as the ports take them; an optional port without a value is left to its default."""
    found: dict[str, Any] = {}
    for port in method.inputs:
        values = [fit(value, port) for value in given.get(port.name, ())]
        if port.many:
            if port.name in given:
                found[port.name] = [value for value in values if value is not None]
        elif values and values[0] is not None:
            found[port.name] = values[0]
    return found


def _slice(value: Any, start: int, stop: int) -> Any:
    import numpy as np

    index = np.arange(start, stop)
    if isinstance(value, Rows):
        return value.take(index)
    rows = value.rows.take(index)
    if isinstance(value, Vectors):
        return Vectors(rows, value.matrix[start:stop])
    if isinstance(value, Scores):
        nearest = None if value.nearest is None else value.nearest[start:stop]
        return Scores(rows, value.values[start:stop], value.columns, nearest, value.nearest_ids)
    if isinstance(value, Clusters):
        distances = None if value.distances is None else value.distances[start:stop]
        return Clusters(rows, value.labels[start:stop], value.k, distances, value.centers, value.names)
    raise MethodError(f"a class cannot map {type(value).__name__} in shards; take Rows, Vectors, Scores or Clusters")


def _by_length(rows: Rows[Any]) -> NDArray[np.int64]:
    """Rows of like length side by side, so that a batch has little padding."""
    import numpy as np

    return np.argsort(rows.lengths(), kind="stable")


def _restored(value: Any, rows: Rows[Any], order: NDArray[np.int64]) -> Any:
    """A value about rows in `order`, as a value about the rows in their own order."""
    import numpy as np

    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    if isinstance(value, Vectors):
        return Vectors(rows, value.matrix[back])
    if isinstance(value, Scores):
        nearest = None if value.nearest is None else value.nearest[back]
        return Scores(rows, value.values[back], value.columns, nearest, value.nearest_ids)
    if hasattr(value, "codes"):
        return type(value)(rows, value.codes[back], value.values)
    return type(value)(value.rows.take(back))
