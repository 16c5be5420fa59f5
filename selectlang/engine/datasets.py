"""The data sets of a run: found, read once into the store, and opened from there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selectlang.data.dataset import Dataset
from selectlang.data.fingerprint import fingerprint
from selectlang.data.ingest import ingest
from selectlang.data.source import DataSpec, files
from selectlang.digests import json_digest
from selectlang.engine.handles import DataHandle
from selectlang.errors import DataError
from selectlang.language.program import Call, Nested, Program, Step
from selectlang.store.store import Store


@dataclass
class Datasets:
    """Reads each data set once. `named` are the keys by the path of their name, `specs` what they say.

    `progress` is called with a name and the rows read so far.
    """

    store: Store
    progress: Callable[[str, int], None] = lambda name, rows: None
    named: dict[str, str] = field(default_factory=dict)
    specs: dict[str, DataSpec] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    opened: dict[str, Dataset] = field(default_factory=dict)

    def handle(self, name: str, settings: dict[str, Any]) -> DataHandle:
        """The handle of a data set, whose key is a hash of its content and of how it is read."""
        if name not in self.named:
            spec = data_spec(settings)
            try:
                key = self._key(spec)
            except DataError as error:
                raise DataError(f"data {name!r}: {error}") from error
            self.named[name], self.specs[key] = key, spec
            self.names.setdefault(key, name)
        return DataHandle(self.named[name])

    def dataset(self, key: str) -> Dataset:
        """A data set by its key, opened once."""
        if key not in self.opened:
            self.opened[key] = self._open(key)
        return self.opened[key]

    def _open(self, key: str) -> Dataset:
        """The rows of a data set, read from its files when the store does not hold them yet."""
        folder = self.store.path(key)
        if folder is None:
            name = self.names[key]
            try:
                with self.store.writing(key, {"path": name, "method": "data"}) as target:
                    ingest(self.specs[key], target, self._counter(name))
                    if self._key(self.specs[key]) != key:
                        raise DataError("a file changed while it was read; run again when it is whole")
            except DataError as error:
                raise DataError(f"data {name!r}: {error}") from error
            folder = self.store.path(key)
            assert folder is not None
        return Dataset.open(folder, key)

    def _key(self, spec: DataSpec) -> str:
        return json_digest(["data", fingerprint(spec, self.store.scratch / "cache")])

    def _counter(self, name: str) -> Callable[[int], None]:
        done = 0

        def count(rows: int) -> None:
            nonlocal done
            done += rows
            self.progress(name, done)

        return count


def local(program: Program) -> Iterator[tuple[str, Path]]:
    """The files and folders of this machine that a program reads, and what reads each.

    Those that are not there, or may not be seen, are left out: who reads them will say so.
    """
    for name, settings in program.data.items():
        try:
            yield from ((f"data {name!r}", path) for path in files(data_spec(settings)))
        except (DataError, OSError):
            continue
    yield from _local(program.steps)


def _local(steps: Iterable[Step]) -> Iterator[tuple[str, Path]]:
    for step in steps:
        if isinstance(step, Nested):
            yield from local(step.program)
        elif isinstance(step, Call):
            known = step.method.settings
            models = (value for name, value in step.settings.items() if known[name].names_model)
            found = (value for value in models if isinstance(value, str) and os.path.exists(value))
            yield from ((f"stage {step.path!r}", Path(value)) for value in found)
        else:
            yield from _local(step.steps)


def data_spec(settings: dict[str, Any]) -> DataSpec:
    """How a data set is read, from its entry in a program."""
    path = settings["path"]
    paths = path if isinstance(path, list) else [path]
    flat = [part for entry in paths for part in (entry if isinstance(entry, list) else [entry])]
    known = {name: value for name, value in settings.items() if name not in ("path", "doc", "header")}
    header = tuple(settings["header"]) if "header" in settings else None
    return DataSpec(path=tuple(_expanded(part) for part in flat), header=header, **known)


def _expanded(path: str) -> str:
    return path if path.startswith("hf:") else str(Path(path).expanduser())
