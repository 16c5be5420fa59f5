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

from selectlang.digests import json_digest
from selectlang.engine.handles import rows_of
from selectlang.engine.inputs import parts_of
from selectlang.engine.returned import outputs
from selectlang.engine.shards import by_length, joined, matched, restored, sliced
from selectlang.errors import DataError, MethodError, SelectlangError, described
from selectlang.methods import Method, Port
from selectlang.rows import Rows
from selectlang.store.codec import decode, encode

if TYPE_CHECKING:
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
            raise DataError(f"{self.path}: {error}") from error
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
            said = {note for value in parts_of(self.inputs.values()) for note in getattr(value, "notes", ())}
            notes = [note for note in notes if note not in said]
        meta = {**meta, "rows": counts, "metrics": metrics, "notes": notes}
        if self.llm is not None:
            meta["asked"] = self.llm.record()
            meta["failed"] = self.llm.failed
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
        self.shards = [json_digest(["shard", self.key, *span]) for span in spans]
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
