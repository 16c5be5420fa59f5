"""A run opened again: its record, and the values of its stages out of the store.

A run folder may come from anybody, so nothing in a record is believed: keys, ports and names are checked
before they lead anywhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from selectlang.data.dataset import Dataset
from selectlang.engine.handles import empty
from selectlang.engine.reread import RECORD, is_key, reread, split
from selectlang.errors import DataError, SpecError, UsageError
from selectlang.faults import closest, quoted
from selectlang.ports import Labels
from selectlang.rows import Rows
from selectlang.store.codec import decode
from selectlang.store.store import FOLDER, Store

if TYPE_CHECKING:
    from selectlang.language.program import Program
    from selectlang.plugins import Registry

AGAIN = (
    "if the run used another store, set SELECTLANG_STORE to it; or "
    "run the same spec with the same params to have it again; where that says 'not needed', "
    "`selectlang store prune --older-than 0d` first"
)


@dataclass
class Opened:
    """A run, and what its stages gave.

    `given` and `datasets` are the program and the opened data sets where the run is of this process.
    """

    folder: Path
    record: dict[str, Any]
    store: Store
    given: Program | None = None
    datasets: Callable[[str], Dataset] | None = None
    _sets: dict[str, Dataset] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, store: Store | None = None) -> Opened:
        """The run that was written into a folder; a DataError says why it is none that can be read.

        Without a store it is the one that `store_of` finds.
        """
        record = reread(folder)
        return cls(folder, record, store or store_of(folder, record))

    @property
    def stages(self) -> list[dict[str, Any]]:
        """The stages as the record has them, in the order in which they were laid out, with all rounds."""
        found: list[dict[str, Any]] = self.record["stages"]
        return found

    @cached_property
    def by_path(self) -> dict[str, dict[str, Any]]:
        """The stages by their paths, such as `chosen` or `rounds/batch#2`."""
        alike = {path: stage for stage in self.stages for path in stage.get("also", ())}
        return alike | {stage["path"]: stage for stage in self.stages}

    @cached_property
    def by_key(self) -> dict[str, dict[str, Any]]:
        """The stages by the keys of their results."""
        return {stage["key"]: stage for stage in self.stages}

    def stage(self, path: str) -> dict[str, Any]:
        """A stage by its path; a DataError names the nearest."""
        if path not in self.by_path:
            raise self._missing("stage", path, self.by_path)
        return self.by_path[path]

    def value(self, path: str, port: str = "") -> Any:
        """What a stage gave, by default its first output; a DataError when the store holds it no more."""
        stage = self.stage(path)
        return self._result(stage, port or first_port(stage))

    def read(self, identity: str) -> Any:
        """What an input of a stage stands for, by its entry in the record."""
        kind, _, rest = identity.partition(":")
        if kind == "data":
            return Rows(self.dataset(rest))
        if kind == "empty":
            name, _, key = rest.partition(":")
            return empty(name, self.dataset(key) if key else None)
        key, port, verdict = split(identity)
        if key not in self.by_key:
            raise DataError(f"{self._where}: {quoted(identity)} is the result of none of its stages")
        value = self._result(self.by_key[key], port)
        return value.having(verdict) if verdict and isinstance(value, Labels) else value

    def inputs(self, path: str) -> dict[str, list[Any]]:
        """The values that came into a stage, by port."""
        wired = self.stage(path)["inputs"]
        return {port: [self.read(each) for each in identities] for port, identities in wired.items()}

    def data(self, name: str) -> Rows[Any]:
        """All rows of a data set, by its name in the spec."""
        if name not in self.record["data"]:
            raise self._missing("data set", name, self.record["data"])
        return Rows(self.dataset(self.record["data"][name]["key"]))

    def output(self, name: str) -> Any:
        """The value of an output, out of the store."""
        if name not in self.record["outputs"]:
            raise self._missing("output", name, self.record["outputs"])
        return self.read(self.record["outputs"][name]["result"])

    def dataset(self, key: str) -> Dataset:
        """A data set by its key, opened once."""
        if self.datasets is not None:
            return self.datasets(key)
        if key not in self._sets:
            what = f"data {quoted(self.named(key))}"
            try:
                self._sets[key] = Dataset.open(self._entry(key, what), key)
            except (OSError, ValueError, TypeError) as error:
                raise DataError(f"{what}: what the store holds under its key is no data set") from error
        return self._sets[key]

    def named(self, key: str) -> str:
        """The name of a data set."""
        return next((name for name, data in self.record["data"].items() if data["key"] == key), key[:12])

    def program(self, registry: Registry) -> Program:
        """The spec of the record, checked again; a DataError when the plugins here do not do for it."""
        if self.given is not None:
            return self.given
        from selectlang.language.check import check

        with TemporaryDirectory(prefix="selectlang-") as folder:
            path = Path(folder) / "spec.yaml"
            text = json.dumps(self.record["spec"], ensure_ascii=False)
            path.write_text(text, "utf-8", "backslashreplace")
            try:
                found = check(str(path), registry, dict(self.record["spec_params"]))
            except SpecError as error:
                first = error.faults[0]
                more = f" (and {len(error.faults) - 1} more)" if len(error.faults) > 1 else ""
                raise DataError(
                    f"{self._where}: its spec cannot be checked here: {first.message}  [{first.code}]{more}; "
                    "install the plugins that record.json lists, or name their folder with --plugins"
                ) from None
        return replace(found, file=self.record["file"])

    @property
    def _where(self) -> str:
        return str(self.folder / RECORD)

    def _result(self, stage: dict[str, Any], port: str) -> Any:
        if port not in stage["ports"]:
            raise self._missing(f"port of {quoted(stage['path'])}", port, stage["ports"])
        what = f"stage {quoted(stage['path'])}"
        folder = self._entry(stage["key"], what)
        if "content" in stage and self.store.content(stage["key"]) != stage["content"]:
            raise DataError(
                f"{what}: a later run made its result anew, because calls to models had failed in this one; "
                "open the later run"
            )
        return decode(folder / f"port_{port}", self.dataset)

    def _entry(self, key: str, what: str) -> Path:
        folder = self.store.path(key) if is_key(key) else None
        if folder is None:
            raise DataError(f"{what}: the store {self.store.folder} does not hold its result; {AGAIN}")
        return folder

    def _missing(self, what: str, name: str, known: Any) -> DataError:
        names = list(known)
        close = closest(name, names)
        hint = f", did you mean {quoted(close)}?" if close else ""
        some = ", ".join(quoted(each) for each in names[:12]) or "none"
        return DataError(f"{self.folder}: this run has no {what} {quoted(name)}{hint} (it has: {some})")


def store_of(folder: Path, record: dict[str, Any]) -> Store:
    """The store of this process, or else the nearest above a run folder that holds more of its outputs.

    None is looked for in the run folder itself: what lies there came with it, from anybody.
    """
    default = Store.default()
    if os.environ.get("SELECTLANG_STORE"):
        return default
    stores = [default]
    for above in folder.resolve().parents:
        with suppress(UsageError, OSError):
            if (above / FOLDER).is_dir():
                stores.append(Store(above / FOLDER, foreign=True))
    keys = [split(output["result"])[0] for output in record["outputs"].values()]
    keys = [*filter(is_key, keys), *(data["key"] for data in record["data"].values())]
    return max(stores, key=lambda store: _held(store, keys))


def _held(store: Store, keys: list[str]) -> int:
    """How many of these results a store holds, unchecked; none where it cannot be looked into."""
    try:
        return sum(map(store.has, keys))
    except (DataError, OSError):
        return 0


def first_port(stage: dict[str, Any]) -> str:
    """The output of a stage that its name alone stands for."""
    return str(stage["ports"][0])


def base(path: str) -> str:
    """The path of a stage, or of a loop, without its rounds."""
    return path.partition("#")[0]
