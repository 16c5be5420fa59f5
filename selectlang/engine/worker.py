"""A worker of a cluster: loads a class method once, and maps the shards that it is sent."""

from __future__ import annotations

import os
import pickle
import platform
import shutil
import traceback
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import selectlang
from selectlang.digests import folder_digest
from selectlang.engine.inputs import parts_of
from selectlang.engine.mapper import Mapper, failed
from selectlang.engine.parcel import bare, unpacked
from selectlang.engine.source import source_digest
from selectlang.errors import DataError, MethodError, SelectlangError, described
from selectlang.methods import Method
from selectlang.ports import Model


@dataclass(frozen=True)
class Job:
    """What all workers of a task are told.

    `method` is pickled: it may be of a distribution that a worker lacks. `source` is the hash of its files,
    None where they come with it. `models` are hashes of the folders that settings name, by their paths.
    """

    name: str
    origin: str
    method: bytes
    source: str | None
    settings: dict[str, Any]
    models: dict[str, str]
    version: str = selectlang.__version__


def models(method: Method, settings: dict[str, Any]) -> dict[str, str]:
    """The folders of this machine that the settings of a call name as models, and a hash of each."""
    named = (settings[each.parameter] for name, each in method.settings.items() if each.names_model)
    return {
        value: folder_digest(value)
        for value in named
        if isinstance(value, str) and os.path.isabs(value) and os.path.isdir(value)
    }


class Worker:
    """The actor. What it gives back is plain arrays, or the error that ends the run; it raises nothing."""

    def __init__(self, job: Job, inputs: dict[str, Any]) -> None:
        self.job, self.sent = job, inputs
        self.inputs: dict[str, Any] = {}
        self.mapper: Mapper | None = None

    def map(self, value: Any) -> tuple[Any, float]:
        """What the class gives for a shard, and the seconds that it took."""
        try:
            self.mapper = self.mapper or self._load()
            before = self.mapper.inside
            return bare(self.mapper.map(value)), self.mapper.inside - before
        except (Exception, SystemExit) as error:  # a method may do anything
            found = error if isinstance(error, SelectlangError) else MethodError(failed(error))
            found.add_note(traceback.format_exc())  # for the log: tracebacks do not travel
            return found, 0.0

    def close(self) -> None:
        """Delete the models that were sent."""
        for value in parts_of(self.inputs.values()):
            if isinstance(value, Model):
                shutil.rmtree(value.path, ignore_errors=True)

    def _load(self) -> Mapper:
        """The method as it is here, which must be as it is where the run was started."""
        job, here = self.job, f"node {platform.node()}"
        own = selectlang.__version__
        if job.version != own:
            raise DataError(f"{here} has selectlang {own}, the run {job.version}; install that one there")
        try:
            method: Method = pickle.loads(job.method)
        except Exception as error:
            raise DataError(
                f"{here} cannot import {job.name} ({described(error)}); install {job.origin} there"
            ) from error
        if job.source not in (None, source_digest(method.call)):
            raise DataError(f"{job.name} is another on {here}; install {job.origin} there, as it is here")
        for path, digest in job.models.items():
            found = folder_digest(path) if os.path.isdir(path) else None
            if found != digest:
                what = "holds another model" if found else "is not there"
                raise DataError(
                    f"model {path} {what} on {here}; with --engine ray a model that is given by its path "
                    "must be at that path on every node: copy it there, or give the name of one on the hub"
                )
        self.inputs = {name: unpacked(value) for name, value in self.sent.items()}
        return Mapper(method, lambda: {**self.inputs, **job.settings}, Path(gettempdir()))
