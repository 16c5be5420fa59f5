"""Keys: the hash of all that decides a result, and of nothing else.

A key holds the language version, kind, method, distribution and version, a hash of the files that make up
the method, its settings, the keys of its inputs, and the seed where the method draws. It holds no path,
no name of a stage, no batch size and no device.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from selectlang.amount import Amount
from selectlang.language.spec import VERSION
from selectlang.methods import Method


def digest(value: Any) -> str:
    """The sha256 of a value as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def source_digest(call: Any) -> str:
    """A hash of the files a method is made of, so that an edited method never gives an old result.

    These are the file that defines it, and those of its own package that the file imports from.
    """
    found: dict[str, ModuleType] = {}
    waiting = [getattr(call, "__module__", "")]
    package = waiting[0].partition(".")[0]
    while waiting:
        name = waiting.pop()
        module = sys.modules.get(name)
        if module is None or name in found or name.partition(".")[0] != package:
            continue
        found[name] = module
        values = list(vars(module).values())
        waiting += [value.__name__ for value in values if isinstance(value, ModuleType)]
        waiting += [
            value.__module__ for value in values if isinstance(getattr(value, "__module__", None), str)
        ]
    return digest(sorted(map(_file_digest, found.values())))


def _file_digest(module: ModuleType) -> str:
    try:
        file = inspect.getsourcefile(module)
        return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""
    except (OSError, TypeError):  # defined where there is no file, such as a prompt
        return ""


def call_key(method: Method, settings: dict[str, Any], inputs: dict[str, list[str]], seed: int | None) -> str:
    """The key of a call. `settings` are values as the method gets them."""
    origin = Path(method.distribution).name  # of a plugin that is a file, its name without its folder
    return digest(
        {
            "language": VERSION,
            "method": [method.kind, method.name, origin, method.version, source_digest(method.call)],
            "settings": {name: _canonical(method, name, value) for name, value in settings.items()},
            "inputs": inputs,
            "seed": seed,
        }
    )


def _canonical(method: Method, name: str, value: Any) -> Any:
    if isinstance(value, Amount):
        return str(value)
    if names_model(method, name) and isinstance(value, str) and os.path.isabs(value) and os.path.isdir(value):
        return {"folder": folder_digest(value)}
    return value


def names_model(method: Method, name: str) -> bool:
    """Whether a setting names a model, of a hub or a folder of this machine."""
    return '"format": "model"' in json.dumps(method.settings[name].schema)


@cache
def folder_digest(folder: str) -> str:
    """A hash of the files of a local model: its content, not its path."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file() and ".git" not in path.parts)
    found = []
    for path in files:
        with path.open("rb") as file:
            found.append([str(path.relative_to(folder)), hashlib.file_digest(file, "sha256").hexdigest()])
    return digest(found)
