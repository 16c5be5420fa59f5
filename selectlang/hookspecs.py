"""The hooks of a plugin. An implementation may take any subset of the arguments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pluggy import HookspecMarker

hookspec = HookspecMarker("selectlang")


@hookspec
def register_methods(register: Callable[[Callable[..., Any]], None]) -> None:
    """Register methods: call `register` with each function or class that is marked @sl.score or the like."""


@hookspec
def register_specs(register: Callable[[str, Path], None]) -> None:
    """Register a spec pack: call `register` with its name and the folder that holds its YAML files."""


@hookspec
def stage_started(path: str, method: str, rows: int) -> None:
    """A stage is about to run, because the store does not hold its result."""


@hookspec
def stage_finished(path: str, method: str, seconds: float, cached: bool) -> None:
    """A stage has its result, by running or from the store."""


@hookspec
def judge_called(path: str, model: str, calls: int, failed: int, cost: float | None) -> None:
    """A stage has asked a language model; told now and then, and at the end of the stage.

    `calls` are the answers it has so far, `failed` what failed for good, `cost` dollars, None when unknown.
    """


@hookspec
def run_finished(record: dict[str, Any]) -> None:
    """A run is over; `record` is what record.json holds."""
