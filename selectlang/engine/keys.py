"""Keys: the hash of all that decides a result, and of nothing else.

A key holds the language version, kind, method, distribution and version, a hash of the files that make up
the method, its settings, the keys of its inputs, and the seed where the method draws. It holds no path,
no name of a stage, no batch size and no device.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selectlang.amount import Amount
from selectlang.digests import folder_digest, json_digest
from selectlang.engine.source import source_digest
from selectlang.language.schemas import LOCAL
from selectlang.language.spec import VERSION
from selectlang.methods import Method

Folder = Callable[[str], str | None]
"""Gives the hash of a model that is a folder, and None for a name."""


def call_key(method: Method, settings: dict[str, Any], inputs: dict[str, list[str]], seed: int | None) -> str:
    """The key of a call. `settings` are values as the method gets them."""
    return key(identity(method), canonical(method, settings), inputs, seed)


def key(called: list[str], settings: dict[str, Any], inputs: dict[str, list[str]], seed: int | None) -> str:
    """The key of a call by what it is made of: see `identity` and `canonical`."""
    return json_digest(
        {"language": VERSION, "method": called, "settings": settings, "inputs": inputs, "seed": seed}
    )


def identity(method: Method) -> list[str]:
    """What a method is in a key; of a plugin that is a file, the name without its folder."""
    origin = Path(method.distribution).name
    return [method.kind, method.name, origin, method.version, source_digest(method.call)]


def content(model: str) -> str | None:
    """The hash of a model that is a folder of this machine: an absolute path, which no name is."""
    path = model.removeprefix(LOCAL)
    return folder_digest(path) if os.path.isabs(path) and os.path.isdir(path) else None


def canonical(method: Method, settings: dict[str, Any], folder: Folder = content) -> dict[str, Any]:
    """Settings as they stand in a key, as JSON: a model that is a folder is what is in it."""
    return {
        name: _model(value, folder) if method.settings[name].names_model else _plain(value)
        for name, value in settings.items()
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Amount) else value


def _model(value: Any, folder: Folder) -> Any:
    if isinstance(value, list):
        return [_model(part, folder) for part in value]
    digest = folder(value) if isinstance(value, str) else None
    return value if digest is None else {"folder": digest}
