"""Values on their way to a worker and back: with all that they need, for a worker sees no file of a run."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from selectlang.data.part import Part
from selectlang.ports import Model, Replies
from selectlang.rows import Rows


@dataclass(frozen=True)
class Folder:
    """The folder of a model: its files by their paths from it."""

    files: dict[str, bytes]


def packed(value: Any) -> Any:
    """A port value, or a list of them, with its rows, arrays and folders in memory."""
    import numpy as np

    if isinstance(value, Rows):
        positions = None if value.whole else value.positions
        return Rows(Part.of(value.data, value.positions), positions, value.replies)
    if isinstance(value, Model):
        files = (path for path in value.path.rglob("*") if path.is_file())
        return Folder({path.relative_to(value.path).as_posix(): path.read_bytes() for path in files})
    if isinstance(value, np.ndarray):
        return np.asarray(value)  # of a file that is mapped, what is in it
    if isinstance(value, list):
        return [packed(item) for item in value]
    if isinstance(value, dict):
        return {name: packed(item) for name, item in value.items()}
    if hasattr(value, "rows"):
        return replace(value, **{field.name: packed(getattr(value, field.name)) for field in fields(value)})
    return value


def unpacked(value: Any) -> Any:
    """A value as the method gets it; a model is in a temporary folder, which is left to the caller."""
    if isinstance(value, list):
        return [unpacked(item) for item in value]
    if not isinstance(value, Folder):
        return value
    home = Path(mkdtemp(prefix="selectlang-model-"))
    for name, content in value.files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    return Model(home)


def bare(value: Any) -> Any:
    """What a class gave for a shard, without the rows, which the driver has: replies are a list."""
    if isinstance(value, Replies):
        return list(value.rows.replies or ())
    others = {
        field.name: packed(getattr(value, field.name)) for field in fields(value) if field.name != "rows"
    }
    return replace(value, rows=None, **others)


def dressed(found: Any, rows: Rows[Any]) -> Any:
    """What a class gave for a shard, about the rows of the driver."""
    if isinstance(found, list):
        return Replies(Rows(rows.data, rows.positions, found))
    return replace(found, rows=rows)
