"""The source of a method: the files that it is made of."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from selectlang.digests import file_digest, json_digest


@cache
def source_digest(call: Any) -> str:
    """A hash of the files a method is made of, so that an edited method never gives an old result.

    These are the file that defines it, and those of its own package that an import leads to, wherever in a
    file that stands. What they read as data is not among them.
    """
    found: dict[str, str] = {}
    waiting = [getattr(call, "__module__", "")]
    package = waiting[0].partition(".")[0]
    while waiting:
        name = waiting.pop()
        if name in found or name.partition(".")[0] != package:
            continue
        path = _file(name)
        if path is None:  # defined where there is no file, such as a prompt
            continue
        with suppress(OSError):
            found[name] = file_digest(path)
            waiting += _imported(path, name)
    return json_digest(sorted(found.values()))


def _file(name: str) -> Path | None:
    """The file of a module, which is not imported for that."""
    if name in sys.modules:
        with suppress(TypeError):
            file = inspect.getsourcefile(sys.modules[name])
            return Path(file) if file else None
    package, *rest = name.split(".")
    for folder in getattr(sys.modules.get(package), "__path__", ()):
        path = Path(folder, *rest)
        for place in (path.parent / f"{path.name}.py", path / "__init__.py"):
            if place.is_file():
                return place
    return None


def _imported(path: Path, name: str) -> Iterator[str]:
    """The modules that the import statements of a file name, those within functions too."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # of a module that is not imported yet
        return
    parent = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            with suppress(ImportError):  # from above the package
                base = resolve_name("." * node.level + (node.module or ""), parent)
                parts = [f"{base}.{alias.name}" for alias in node.names]
                yield from (part if _file(part) else base for part in parts)
