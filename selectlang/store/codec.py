"""Port values as files: `value.json`, a `.npy` file for each array, nothing that can run code.

A value is a dataclass, and each of its fields is kept by what it holds: rows as the key of their data
set and their positions, an array as a file, a folder as a copy, anything else as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.errors import DataError
from selectlang.ports import PORTS, Metric
from selectlang.rows import Rows
from selectlang.store.entry import explained

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from selectlang.data.dataset import Dataset

VALUE = "value.json"
MAPPED = 1 << 18
"""Files of this many bytes and more are memory-mapped: a map holds a file descriptor, and there may be
thousands of shards."""


def encode(value: Any, folder: Path) -> None:
    """Write one port value into `folder`, which is made if need be.

    An array that is all of a .npy file in the folder above, where an entry has room for what is made while
    it is written, becomes that of the value and is not copied.
    A DataError says what about the value cannot be kept, or that the folder cannot be written.
    """
    name = type(value).__name__
    if type(value) not in PORTS:
        raise DataError(
            f"a {name} cannot be kept; expected one of {', '.join(port.__name__ for port in PORTS)}"
        )
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(value, Metric):
            content: Any = repr(float(value))
        elif isinstance(value, Rows):
            content = _pack(value, "rows", folder)
        else:
            fields = [field.name for field in dataclasses.fields(value)]
            content = {field: _pack(getattr(value, field), field, folder) for field in fields}
        (folder / VALUE).write_bytes(_json({"type": name, "value": content}))


def decode(folder: Path, dataset: Callable[[str], Dataset]) -> Any:
    """Read a port value that `encode` wrote; `dataset` finds the data set of a key.

    Arrays are read-only: memory-mapped where they are large.
    """
    try:
        read = json.loads((folder / VALUE).read_bytes())
        port = next(port for port in PORTS if port.__name__ == read["type"])
        if port is Metric:
            return Metric(float(read["value"]))
        if port is Rows:
            return _unpack(read["value"], folder, dataset)
        return port(**{name: _unpack(item, folder, dataset) for name, item in read["value"].items()})
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise DataError(
            f"{folder} holds no value that can be read ({type(error).__name__}: {error}); "
            "`selectlang store verify` finds damaged entries"
        ) from error


def _pack(value: Any, name: str, folder: Path) -> dict[str, Any]:
    """What `value.json` says about a value, after its files are written; `name` begins their names."""
    import numpy as np

    if isinstance(value, Rows):
        positions = None if value.whole else _save(value.positions, f"{name}.positions.npy", folder)
        replies = None if value.replies is None else f"{name}.replies.jsonl"
        if replies is not None:
            with open(folder / replies, "wb") as file:
                file.writelines(_json(reply) + b"\n" for reply in value.replies or ())
        return {"rows": {"data": value.data.key, "positions": positions, "replies": replies}}
    if isinstance(value, np.ndarray):
        return {"array": _save(value, f"{name}.npy", folder)}
    if isinstance(value, dict):  # as pairs, and files by number: a key may be any text
        items = enumerate(value.items())
        return {"dict": [[key, _pack(item, f"{name}.{i}", folder)] for i, (key, item) in items]}
    if isinstance(value, Path):
        if not value.is_dir():
            raise DataError(f"{value} is no folder; expected the folder of a {name}")
        _copy(value, folder / name)
        return {"folder": name}
    return {"json": value}


def _unpack(packed: dict[str, Any], folder: Path, dataset: Callable[[str], Dataset]) -> Any:
    ((kind, content),) = packed.items()
    if kind == "rows":
        positions = None if content["positions"] is None else _load(folder / content["positions"])
        replies = None
        if content["replies"] is not None:
            with open(folder / content["replies"], "rb") as file:
                replies = [json.loads(line) for line in file]
        return Rows[Any](dataset(content["data"]), positions, replies)
    if kind == "array":
        return _load(folder / content)
    if kind == "dict":
        return {key: _unpack(item, folder, dataset) for key, item in content}
    return folder / content if kind == "folder" else content


def _save(array: NDArray[Any], name: str, folder: Path) -> str:
    import numpy as np

    if array.dtype.kind not in "biufcmMSU" or array.dtype.isbuiltin == 2:
        raise DataError(f"{name} has type {array.dtype}; expected an array of numbers, truths, times or text")
    made = _made_beside(array, folder)
    if made is None:
        np.save(folder / name, array, allow_pickle=False)
    else:
        os.rename(made, folder / name)
    return name


def _made_beside(array: NDArray[Any], folder: Path) -> Path | None:
    """The .npy file that an array is all of, if it was made where the entry is written."""
    import numpy as np

    if not isinstance(array, np.memmap) or not isinstance(array.base, mmap) or array.filename is None:
        return None
    path = Path(array.filename).resolve()
    return path if path.parent == folder.parent.resolve() else None


def _load(path: Path) -> NDArray[Any]:
    import numpy as np

    if path.stat().st_size >= MAPPED:
        mapped: np.memmap[Any, np.dtype[Any]] = np.load(path, mmap_mode="r", allow_pickle=False)
        return mapped
    array: NDArray[Any] = np.load(path, allow_pickle=False)
    array.flags.writeable = False
    return array


def _copy(source: Path, target: Path) -> None:
    """Copy a folder, without permissions and times; the files that links point to instead of the links."""
    target.mkdir()
    for item in source.iterdir():
        if item.is_dir() and not item.is_symlink():
            _copy(item, target / item.name)
        elif item.is_file():
            shutil.copyfile(item, target / item.name)
        else:
            raise DataError(f"{item} cannot be kept: expected a folder or a regular file")


def _json(value: Any) -> bytes:
    # Text as it is: escaped surrogates would be joined when they are read.
    return json.dumps(value, ensure_ascii=False, default=_plain).encode("utf-8", "surrogatepass")


def _plain(value: Any) -> Any:
    import numpy as np

    if isinstance(value, np.generic):
        return value.item()
    raise DataError(
        f"a {type(value).__name__} cannot be kept; expected an array, text, numbers, or lists of them"
    )
