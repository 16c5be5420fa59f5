"""A process that imports the module of a method as if for the first time, and tells what that did.

`python -m selectlang.testing.newcomer FOLDER` reads request.json there, and writes told.json.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from selectlang.errors import DataError, described
from selectlang.testing import clock
from selectlang.testing.findings import place

HEAVY = frozenset(
    """accelerate anthropic datasets faiss jax keras langchain litellm matplotlib nltk numpy openai pandas
    peft polars pyarrow ray scipy sentence_transformers sklearn spacy tensorflow tiktoken tokenizers torch
    transformers vllm""".split()
)
"""Libraries whose import takes a part of what `selectlang check` takes in all, or many times that."""
NETWORK = frozenset(
    """socket.connect socket.getaddrinfo socket.gethostbyname socket.sendto socket.sendmsg subprocess.Popen
    os.system os.posix_spawn os.exec""".split()
)
"""Events of the audit of Python by which one comes to the network; other programs may go there unseen."""


class Watch:
    """Sees heavy imports and ways to the network while it is `on`. The network it closes."""

    def __init__(self, package: str) -> None:
        self.package, self.on = package, True
        self.heavy: dict[str, str] = {}
        self.network: list[str] = []
        sys.meta_path.insert(0, self)
        sys.addaudithook(self.hook)

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Note a heavy library, which others then find; what it imports itself is not counted."""
        if self.on and name in HEAVY:
            packages = {package for package, _, _ in _stack()}
            if not packages & HEAVY:
                self.heavy[name] = self.place()

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note a way to the network, and refuse it."""
        if self.on and event in NETWORK:
            self.network.append(f"{event}{_shown(event, arguments)} ({self.place()})")
            raise OSError("it is closed while selectlang.testing imports a plugin")

    def place(self) -> str:
        """The line of the plugin that is running; where there is none, the nearest that is not of Python."""
        stack = [(package, file, line) for package, file, line in _stack() if not file.startswith("<frozen")]
        own = [(file, line) for package, file, line in stack if package == self.package]
        return place(*(own[0] if own else stack[0][1:])) if stack else ""


def _stack() -> Iterator[tuple[str, str, int]]:
    """Package, file and line of what is running, the innermost first, without this module."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if frame.f_code.co_filename != __file__:
            yield package, frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


def _shown(event: str, arguments: tuple[Any, ...]) -> str:
    where = arguments[:2] if event == "socket.getaddrinfo" else arguments[1:] or arguments
    return f" {where}"


def load(module: str, file: str) -> ModuleType:
    """The module by its name, where that leads to its file; else from the file."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, AttributeError, ValueError):
        spec = None
    if spec is None or spec.origin is None or os.path.realpath(spec.origin) != os.path.realpath(file):
        spec = importlib.util.spec_from_file_location(module, file)
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        sys.modules[module] = made
        spec.loader.exec_module(made)
        return made
    return importlib.import_module(module)


def told(request: dict[str, Any]) -> dict[str, Any]:
    """What importing the module did, and what the method says of the rows that a suite makes."""
    sys.path[:] = request["path"]
    watch = Watch(request["module"].partition(".")[0])
    clock.advance()
    try:
        module = load(request["module"], request["file"])
    except BaseException as error:  # a plugin may do anything, SystemExit included
        return {"network": watch.network, "heavy": _heavy(watch), "error": described(error)}
    watch.on = False
    clock.give(module)
    outcomes = _outcomes(module, request) if request["run"] else []
    return {"network": watch.network, "heavy": _heavy(watch), "outcomes": outcomes}


def _heavy(watch: Watch) -> list[str]:
    return [f"{name} ({place})" for name, place in watch.heavy.items()]


def _outcomes(module: ModuleType, request: dict[str, Any]) -> list[dict[str, Any]]:
    """Of each trial what it says, by port, of rows that this process has not seen under other ids."""
    from selectlang.testing.suite import Suite
    from selectlang.testing.trial import Failed

    call: Any = module
    for name in request["name"].split("."):
        call = getattr(call, name)
    found: list[dict[str, Any]] = []
    for trial in Suite(call, request["settings"], fields=request["fields"]).trials:
        try:
            outcome = trial.run(trial.sets(turned=1))
            found.append({"said": {port: asdict(said) for port, said in outcome.items()}})
        except (DataError, Failed) as error:
            found.append({"failed": str(error)})
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    answer = told(json.loads((folder / "request.json").read_text(encoding="utf-8")))
    (folder / "told.json").write_text(json.dumps(answer), encoding="utf-8")
