"""Mapping the shards of a class method: in this process, or in a worker of a cluster."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selectlang.engine.handles import rows_of
from selectlang.engine.joining import joined
from selectlang.engine.returned import outputs
from selectlang.engine.shards import by_length, matched, restored
from selectlang.errors import DataError, MethodError, described
from selectlang.methods import Method
from selectlang.rows import Rows
from selectlang.store.entry import FULL


@dataclass(frozen=True)
class Shard:
    """What is mapped at once: a shard, or the shards of a window.

    The key in the store, of the first of them; the value; and how many workers of a cluster it has lost.
    """

    key: str
    value: Any
    lost: int = 0


@dataclass
class Mapper:
    """A class method, which is loaded before its first shard with what it is given in `__init__`.

    Vectors of batches are put together in files under `scratch`. `inside` are the seconds spent in the class.
    """

    method: Method
    given: Callable[[], dict[str, Any]]
    scratch: Path
    loaded: Any = None
    inside: float = 0.0

    def each(self, shards: Iterable[Shard]) -> Iterator[tuple[str, Any, float]]:
        """The key, the result, and the seconds in the method of each shard, in their order."""
        before = 0.0
        for shard in shards:
            yield shard.key, self.map(shard.value), self.inside - before
            before = self.inside

    def gpus(self) -> int:
        """GPUs of this machine, where the class has loaded the library that sees them."""
        self._load()
        if "torch" not in sys.modules:
            return 0
        import torch

        return torch.cuda.device_count()

    def map(self, value: Any) -> Any:
        """Map one shard; rows go in batches of like length."""
        self._load()
        rows = rows_of(value)
        assert rows is not None
        size = getattr(self.method.call, "batch_rows", None)
        if not isinstance(value, Rows) or not len(rows) or size is None:
            return self._result(value, rows)
        order = by_length(rows)
        views = [rows.take(order[start : start + size]) for start in range(0, len(rows), size)]
        parts: Iterable[Any] = [self._result(view, view) for view in views]
        kind = self.method.outputs[0].kind
        try:
            with TemporaryDirectory(dir=self.scratch) as folder:
                return restored(joined(kind, rows.take(order), parts, Path(folder)), rows, order)
        except OSError as error:
            if error.errno not in FULL:
                raise
            why = f"{error.strerror}; make room there"
            raise DataError(f"cannot join batches in folder {self.scratch}: {why}") from error

    def _result(self, value: Any, rows: Rows[Any]) -> Any:
        """What the class gives for a batch: it must speak about the rows of the batch, each once."""
        batch = next(port for port in self.method.inputs if not port.whole)
        port = self.method.outputs[0]
        found = outputs(self.method, self._timed(self.loaded, value), {batch.name: value})[port.name]
        count = len(rows_of(found) or ())
        if count != len(rows):
            raise MethodError(f"returned {port} about {count} rows for a batch of {len(rows)}")
        return matched(found, rows)

    def _load(self) -> None:
        if self.loaded is None:
            self.loaded = self._timed(self.method.call, **self.given())

    def _timed(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call into the class, and count the time it takes."""
        started = time.perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            self.inside += time.perf_counter() - started


def failed(error: BaseException) -> str:
    """What a method raised that it did not mean to, and where."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"failed: {described(error)} ({last.filename}:{last.lineno})"
