"""Running one call of a method, and keeping its result in the store."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.digests import json_digest
from selectlang.engine.handles import rows_of
from selectlang.engine.inputs import parts_of
from selectlang.engine.joining import joined
from selectlang.engine.mapper import Mapper, Shard, failed
from selectlang.engine.returned import outputs
from selectlang.engine.shards import sliced
from selectlang.engine.windows import rows_at_once, windows
from selectlang.errors import DataError, MethodError, SelectlangError
from selectlang.methods import Method
from selectlang.store.codec import decode, encode

if TYPE_CHECKING:
    from selectlang.data.dataset import Dataset
    from selectlang.engine.cluster import Cluster
    from selectlang.engine.windows import Spans
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
    cluster: Cluster | None = None  # where the shards of classes are mapped, if not here
    kept: Callable[[int, int], None] = lambda done, total: None  # is told of rows done before this run
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
            raise MethodError(f"{self.path}: {name} {failed(error)}") from error
        for key in self.shards:  # the entry holds them all
            self.store.discard(key)
        if "scratch" in method.given:
            shutil.rmtree(self.work, ignore_errors=True)

    def whole(self) -> Callable[[Path], dict[str, Any]]:
        """A function sees its inputs whole. What is returned gives the values, as for `sharded`."""
        given, started = self.arguments(), time.perf_counter()
        try:
            raw = self.method.call(**self.inputs, **given)
        finally:
            self.inside += time.perf_counter() - started
        found = outputs(self.method, raw, self.inputs)
        return lambda folder: found

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

    def entry(self, made: Callable[[Path], dict[str, Any]], meta: dict[str, Any]) -> None:
        """Write the values of all ports as one entry, in whose folder they may be made."""
        about: dict[str, Any] = {}
        with self.store.writing(self.key, about, replace=True) as folder:
            values = made(folder)
            about |= {**meta, **self.about(values)}
            for port, value in values.items():
                encode(value, folder / f"port_{port}")

    def about(self, values: dict[str, Any]) -> dict[str, Any]:
        """What an entry says of its values."""
        counts = {port: len(rows) for port, value in values.items() if (rows := rows_of(value)) is not None}
        metrics = {port: float(value) for port, value in values.items() if isinstance(value, float)}
        notes = [note for value in values.values() for note in getattr(value, "notes", ())]
        if self.method.kind == "merge":  # it hands on the notes of its inputs, whose stages have said them
            said = {note for value in parts_of(self.inputs.values()) for note in getattr(value, "notes", ())}
            notes = [note for note in notes if note not in said]
        found = {"rows": counts, "metrics": metrics, "notes": notes}
        if self.llm is None:
            return found
        notes += self.llm.notes()
        return {**found, "asked": self.llm.record(), "failed": self.llm.failed}

    def sharded(self) -> Callable[[Path], dict[str, Any]]:
        """A class maps shards of consecutive rows, each of which is kept in the store as it is done.

        What is returned joins them, in files of a folder where they are large.
        """
        batch = next(port for port in self.method.inputs if not port.whole)
        value = self.inputs[batch.name]
        rows = rows_of(value)
        assert rows is not None
        size = getattr(self.method.call, "shard_rows", SHARD_ROWS)
        spans = [(start, min(start + size, len(rows))) for start in range(0, len(rows), size)] or [(0, 0)]
        shards = {json_digest(["shard", self.key, *span]): span for span in spans}
        self.shards = list(shards)
        missing = {key: span for key, span in shards.items() if self.store.path(key) is None}
        done = len(rows) - sum(stop - start for start, stop in missing.values())
        if done:
            self.kept(done, len(rows))
        meta = {"path": self.path, "method": f"shard of {self.method.name}"}
        with closing(self.mapped(value, shards, missing)) as parts:
            for key, result in parts:
                with self.store.writing(key, meta) as folder:
                    encode(result, folder)
                del result  # before the next is made: a shard may be large
                start, stop = missing[key]
                done += stop - start
                self.advance(done, len(rows))
        port = self.method.outputs[0]
        return lambda folder: {port.name: joined(port.kind, rows, map(self.read, self.shards), folder)}

    def mapped(self, value: Any, shards: Spans, missing: Spans) -> Generator[tuple[str, Any], None, None]:
        """Map the missing shards by windows: here in their order, or on a cluster as they come to be done."""
        if not missing:
            return
        rows = rows_of(value)
        assert rows is not None
        cluster = self.cluster if self.cluster is not None and self.cluster.takes(self.method) else None
        scratch = self.store.scratch / "tmp"
        mapper = Mapper(self.method, lambda: {**self.whole_inputs(), **self.arguments()}, scratch)
        size = 0
        if hasattr(self.method.call, "window_rows"):
            workers, gpus = (1, mapper.gpus()) if cluster is None else cluster.workers(self.method)
            size = rows_at_once(self.method, rows, workers, gpus)
        parts = windows(shards, missing.keys(), size)
        given = [
            Shard(key, sliced(value, shards[key][0], shards[last][1])) for key, (*_, last) in parts.items()
        ]
        if cluster is None:
            found = mapper.each(given)
        else:
            found = cluster.map(self.method, self.whole_inputs(), self.arguments(), given)
        for first, result, seconds in found:
            self.inside += seconds
            begin, _ = shards[first]
            for key in parts[first]:
                if key in missing:
                    start, stop = shards[key]
                    yield key, sliced(result, start - begin, stop - begin)
            del result  # as above

    def whole_inputs(self) -> dict[str, Any]:
        """The inputs that a class needs whole."""
        whole = {port.name for port in self.method.inputs if port.whole}
        return {name: value for name, value in self.inputs.items() if name in whole}

    def read(self, key: str) -> Any:
        """A shard as it was kept."""
        path = self.store.path(key)
        if path is None:
            raise MethodError("lost a shard that was just written; run it again")
        return decode(path, self.dataset)
