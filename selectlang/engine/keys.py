"""Keys: the hash of all that decides a result, and of nothing else.

A key holds the language version, kind, method, distribution and version, a hash of the files that make up
the method, its settings, the keys of its inputs, and the seed where the method draws. It holds no path,
no name of a stage, no batch size and no device.
"""

from __future__ import annotations

import inspect
import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from selectlang.amount import Amount
from selectlang.digests import file_digest, folder_digest, json_digest
from selectlang.language.spec import VERSION
from selectlang.methods import Method


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
    return json_digest(sorted(map(_module_digest, found.values())))


def _module_digest(module: ModuleType) -> str:
    try:
        file = inspect.getsourcefile(module)
        return file_digest(Path(file)) if file else ""
    except (OSError, TypeError):  # defined where there is no file, such as a prompt
        return ""


def call_key(method: Method, settings: dict[str, Any], inputs: dict[str, list[str]], seed: int | None) -> str:
    """The key of a call. `settings` are values as the method gets them."""
    origin = Path(method.distribution).name  # of a plugin that is a file, its name without its folder
    return json_digest(
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
    named = isinstance(value, str) and method.settings[name].names_model
    if named and os.path.isabs(value) and os.path.isdir(value):
        return {"folder": folder_digest(value)}
    return value
