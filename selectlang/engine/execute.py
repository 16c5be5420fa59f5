"""Running one call of a method, and keeping its result in the store."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.engine.handles import fit, rows_of
from selectlang.engine.keys import digest
from selectlang.engine.results import outputs
from selectlang.engine.shards import by_length, joined, matched, restored, sliced
from selectlang.errors import DataError, MethodError, SelectlangError, described
from selectlang.methods import Method, Port
from selectlang.ports import Clusters, Scores, Selection, Vectors
from selectlang.rows import Rows
from selectlang.store.codec import decode, encode

if TYPE_CHECKING:
    from selectlang.data.dataset import Dataset
    from selectlang.store.store import Store

SHARD_ROWS = 4096
ALIGNED = (Scores, Vectors, Clusters)
"""Values of which several are mostly about the same rows; several selections are not."""


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
    llm: Any = None  # the door to language models as the stage has it, or one that tells a price
    shards: list[str] = field(default_factory=list)
    inside: float = 0.0  # seconds spent in the method itself

    def run(self, meta: dict[str, Any]) -> None:
        """Run the method and write its entry. Errors get the stage's path in front."""
        method = self.method
        name = f"{method.kind} {method.name} of {method.distribution} {method.version}"
        try:
            self.entry(self.sharded() if method.is_class else self.whole(), meta)
        except DataError as error:
            raise DataError(f"{self.path}: {error}", code=error.code) from error
        except MethodError as error:
            raise MethodError(f"{self.path}: {name} {error}") from error
        except SelectlangError:
            raise
        except (Exception, SystemExit) as error:  # a method may do anything
            last = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"{described(error)} ({last.filename}:{last.lineno})"
            raise MethodError(f"{self.path}: {name} failed: {reason}") from error
        for key in self.shards:  # the entry holds them all
            self.store.discard(key)
        if "scratch" in method.given:
            shutil.rmtree(self.work, ignore_errors=True)

    def whole(self) -> dict[str, Any]:
        """A function sees its inputs whole."""
        raw = self.timed(self.method.call, **self.inputs, **self.arguments())
        return outputs(self.method, raw, self.inputs)

    def timed(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call into the method, and count the time it takes."""
        started = time.perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            self.inside += time.perf_counter() - started

    def arguments(self) -> dict[str, Any]:
        """The settings, and what else the method asks the engine for."""
        settings = deepcopy(self.settings)  # a method may change what it is given
        given = {self.method.settings[name].parameter: value for name, value in settings.items()}
        if "seed" in self.method.given:
            given["seed"] = self.seed
        if "llm" in self.method.given:
            given["llm"] = self.llm
        if "scratch" in self.method.given:
            self.work.mkdir(parents=True, exist_ok=True)
            given["scratch"] = self.work
        return given

    @property
    def work(self) -> Path:
        """The folder in which the method keeps what a killed run goes on from."""
        return self.store.scratch / "cache" / "work" / self.key

    def entry(self, values: dict[str, Any], meta: dict[str, Any]) -> None:
        """Write the values of all ports as one entry."""
        counts = {port: len(rows) for port, value in values.items() if (rows := rows_of(value)) is not None}
        metrics = {port: float(value) for port, value in values.items() if isinstance(value, float)}
        notes = [note for value in values.values() for note in getattr(value, "notes", ())]
        if self.method.kind == "merge":  # it hands on the notes of its inputs, whose stages have said them
            said = {note for value in _parts(self.inputs) for note in getattr(value, "notes", ())}
            notes = [note for note in notes if note not in said]
        meta = {**meta, "rows": counts, "metrics": metrics, "notes": notes}
        if self.llm is not None:
            meta["asked"] = self.llm.record()
            meta["failed"] = sum(tally.failed.total() for tally in self.llm.tallies.values())
            notes += self.llm.notes()
        with self.store.writing(self.key, meta, replace=True) as folder:
            for port, value in values.items():
                encode(value, folder / f"port_{port}")

    def sharded(self) -> dict[str, Any]:
        """A class maps shards of consecutive rows, each of which is kept in the store as it is done."""
        batch = next(port for port in self.method.inputs if not port.whole)
        value = self.inputs[batch.name]
        rows = rows_of(value)
        assert rows is not None
        size = getattr(self.method.call, "shard_rows", SHARD_ROWS)
        spans = [(start, min(start + size, len(rows))) for start in range(0, len(rows), size)] or [(0, 0)]
        self.shards = [digest(["shard", self.key, *span]) for span in spans]
        mapper: Any = None
        for key, (start, stop) in zip(self.shards, spans, strict=True):
            if self.store.path(key) is None:
                mapper = mapper or self.mapper()
                result = self.mapped(mapper, batch, sliced(value, start, stop))
                meta = {"path": self.path, "method": f"shard of {self.method.name}"}
                with self.store.writing(key, meta) as folder:
                    encode(result, folder)
            self.advance(stop, len(rows))
        port = self.method.outputs[0]
        return {port.name: self.joined(rows, map(self.read, self.shards))}

    def mapper(self) -> Any:
        """The class, loaded with the inputs it needs whole and its settings."""
        whole = {port.name for port in self.method.inputs if port.whole}
        inputs = {name: value for name, value in self.inputs.items() if name in whole}
        return self.timed(self.method.call, **inputs, **self.arguments())

    def mapped(self, mapper: Any, batch: Port, value: Any) -> Any:
        """Map one shard; rows go in batches of like length."""
        rows = rows_of(value)
        assert rows is not None
        size = getattr(self.method.call, "batch_rows", None)
        if not isinstance(value, Rows) or not len(rows) or size is None:
            return self.result(mapper, batch, value, rows)
        order = by_length(rows)
        views = [rows.take(order[start : start + size]) for start in range(0, len(rows), size)]
        parts = [self.result(mapper, batch, view, view) for view in views]
        return restored(self.joined(rows.take(order), parts), rows, order)

    def joined(self, rows: Rows[Any], parts: Iterable[Any]) -> Any:
        """The results for parts of the rows as one."""
        return joined(self.method.outputs[0].kind, rows, parts, self.store.scratch / "tmp")

    def result(self, mapper: Any, batch: Port, value: Any, rows: Rows[Any]) -> Any:
        """What the class gives for a batch: it must speak about the rows of the batch, each once."""
        port = self.method.outputs[0]
        found = outputs(self.method, self.timed(mapper, value), {batch.name: value})[port.name]
        count = len(rows_of(found) or ())
        if count != len(rows):
            raise MethodError(f"returned {port} about {count} rows for a batch of {len(rows)}")
        return matched(found, rows)

    def read(self, key: str) -> Any:
        """A shard as it was kept."""
        path = self.store.path(key)
        if path is None:
            raise MethodError("lost a shard that was just written; run it again")
        return decode(path, self.dataset)


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
        parts = _parts({"": value})
        if views := [rows for part in parts if (rows := rows_of(part)) is not None]:
            return together([len(rows) for rows in views], len(views[0].data), isinstance(parts[0], ALIGNED))
    return 0


def together(counts: list[int], pool: int, aligned: bool) -> int:
    """The rows of several values about a data set of `pool` rows: the same ones if they are aligned."""
    return max(counts, default=0) if aligned or len(counts) == 1 else min(sum(counts), pool)


def _parts(inputs: dict[str, Any]) -> list[Any]:
    """The values of all ports, one by one."""
    lists = [value if isinstance(value, list) else [value] for value in inputs.values()]
    return [part for parts in lists for part in parts]
