"""What importing a plugin does, seen in a process of its own: the network, and heavy libraries."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from selectlang.errors import DataError
from selectlang.testing.findings import Finding
from selectlang.testing.said import Said, difference
from selectlang.testing.trial import Failed

if TYPE_CHECKING:
    from selectlang.testing.suite import Suite

PATIENCE = 120  # seconds for an import, and one run of the method on a few rows


def imports(suite: Suite) -> Iterator[Finding]:
    """An import that goes to the network, starts a program, or loads a heavy library: even `check` waits."""
    told = _told(suite)
    if "error" in told:
        yield Finding(
            "imports",
            f"the module cannot be imported in a new process: {told['error']}",
            "a module that needs nothing but its imports",
            "look at what it takes for granted: the working folder, the environment, what a test has set up",
        )
    for what in told.get("network", ()):
        yield Finding(
            "imports",
            f"importing the module goes to the network, or starts a program: {what}",
            "imports that read files of their own package alone",
            "move it into the function or into __init__, which run in a run",
        )
    for what in told.get("heavy", ()):
        yield Finding(
            "imports",
            f"importing the module loads {what}",
            "imports that are done at once: `selectlang check` imports every plugin",
            "import it inside the functions that use it; for annotations alone, under `if TYPE_CHECKING:`",
        )


def processes(suite: Suite) -> Iterator[Finding]:
    """Other results in another process: what hangs on the order of a set, hash(), the clock or earlier calls.

    Both are given other rows than before, under the same ids: the other process sees them as its first.
    """
    if suite.bound:  # to values and functions that no other process has
        return
    told = _told(suite)
    for trial, base, other in zip(suite.trials, suite.outcomes, told.get("outcomes", ()), strict=False):
        if isinstance(base, DataError | Failed):
            continue
        if "failed" in other:
            yield Finding(
                "processes",
                f"in another process it {other['failed']}",
                "the same result from the same inputs, settings and seed, in every process",
                "look at what it takes for granted: the environment, what a test has set up",
            )
            return
        here = trial.run(trial.sets(turned=1))
        there = {port: Said(**parts) for port, parts in other["said"].items()}
        if found := difference(here, there, suite.tolerance, ordered=True):
            yield Finding(
                "processes",
                f"two processes give the same inputs {found}",
                "the same result from the same inputs, settings and seed, in every process",
                "sort what comes out of a set, take hashlib in place of hash(), read no clock, and keep "
                "nothing of one call for the next",
            )
            return


def _told(suite: Suite) -> dict[str, Any]:
    """What a new process tells of importing the module, and of running the method; nothing without a file."""
    if suite.told is None:
        assert suite.trials  # what was given wrongly is told before a process is started, which takes seconds
        suite.told = _ask(suite.call, suite.request())
    return suite.told


def _ask(call: Callable[..., Any], request: dict[str, Any]) -> dict[str, Any]:
    file = _file(call)
    if file is None:
        return {}
    hashed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    path = [os.path.abspath(folder) for folder in sys.path]
    with TemporaryDirectory() as folder:
        module = "plugin_in_main" if call.__module__ == "__main__" else call.__module__
        about = {**request, "module": module, "file": file, "path": path}
        (Path(folder) / "request.json").write_text(json.dumps(about, default=str), encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-m", "selectlang.testing.newcomer", folder],
                env={**os.environ, "PYTHONHASHSEED": hashed, "PYTHONPATH": os.pathsep.join(path)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"error": f"it takes more than {PATIENCE} seconds"}
        try:
            told: dict[str, Any] = json.loads((Path(folder) / "told.json").read_text())
        except OSError:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            return {"error": f"the process ended with code {done.returncode}: {''.join(last)}"}
        return told


def _file(call: Callable[..., Any]) -> str | None:
    try:
        file = inspect.getsourcefile(call)
    except TypeError:
        return None
    return file if file and os.path.isfile(file) else None  # the cell of a notebook has a name, and no file
