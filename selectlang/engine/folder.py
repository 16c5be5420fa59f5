"""The run folder: one file for each output, and record.json. Every file is written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.engine.handles import rows_of
from selectlang.errors import UsageError
from selectlang.ports import Clusters, Labels, Model, Scores, Selection, Vectors, Weights
from selectlang.rows import Rows
from selectlang.store.entry import remove

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECORD = "record.json"
WRITING = ".writing"  # stands in a run folder while it is written: it is ours, and not whole


def prepare(out: Path | None, name: str, started: datetime) -> Path:
    """The folder of a run. One that holds other things than a run is refused, before anything is done."""
    try:
        if out is None:
            return _new(Path("runs") / f"{_file_name(name)}-{started:%Y%m%d-%H%M%S}")
        if out.exists() and not out.is_dir():
            raise UsageError(f"--out {out}: this is a file")
        if out.is_dir() and any(out.iterdir()) and not (out / WRITING).exists() and _outputs(out) is None:
            raise UsageError(f"--out {out}: the folder holds other things than a run; name a new one")
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {error.filename}: cannot be made: {error.strerror}") from error
    return out


def _new(folder: Path) -> Path:
    """A folder that was not there, though another run may begin in the same second."""
    for number in range(1, 1000):
        found = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        with suppress(FileExistsError):
            found.mkdir(parents=True)
            return found
    raise UsageError(f"{folder} and its like are there; name another folder with --out")


def _file_name(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-_" else "-" for char in name)[:64] or "run"


def _outputs(folder: Path) -> list[str] | None:
    """The names of what a run wrote into its folder; None when the folder is not that of a run."""
    try:
        found = json.loads((folder / RECORD).read_bytes())
        if "selectlang" not in found:
            return None
        outputs = found["outputs"].values()
        names = [str(output[kind]) for output in outputs for kind in ("file", "folder") if kind in output]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return [name for name in names if Path(name).name == name and not name.startswith(".")]


def write(
    folder: Path,
    values: dict[str, Any],
    origins: dict[str, dict[str, str]],
    recorded: Callable[[dict[str, dict[str, Any]]], dict[str, Any]],
) -> dict[str, Any]:
    """Write each output in place of those of the run before, and the record, last; returns the record.

    `recorded` makes it from what is to be said of each output: record.json says that a run is whole.
    """
    try:
        (folder / WRITING).touch()
        for old in _outputs(folder) or ():
            remove(folder / old)
        (folder / RECORD).unlink(missing_ok=True)
        outputs = {name: _output(folder / name, value, origins[name]) for name, value in values.items()}
        found = recorded(outputs)
        temporary = folder / f".{RECORD}.{os.getpid()}"
        temporary.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(folder / RECORD)
        (folder / WRITING).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write to the run folder {folder}: {error.strerror or error}") from error
    return found


def _output(stem: Path, value: Any, origin: dict[str, str]) -> dict[str, Any]:
    if isinstance(value, float):
        return {"value": float(value)}
    if isinstance(value, Model):
        shutil.copytree(value.path, stem, dirs_exist_ok=True)
        return {"folder": stem.name}
    rows = rows_of(value)
    if isinstance(value, Rows | Selection):
        path = _selection(stem, value if isinstance(value, Selection) else Selection(value), origin)
    elif value is None:  # a carry of a loop that no round has filled
        return {}
    else:
        path = _table(stem, value, rows)
    with path.open("rb") as file:
        found = {"file": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    counts = {} if rows is None else {"rows": len(rows), "unique": len(set(rows.positions.tolist()))}
    return {**found, **counts}


def _selection(stem: Path, value: Selection[Any], origin: dict[str, str]) -> Path:
    """Chosen rows in the shape of the input; each carries its id, rank, score and why."""
    from selectlang.data.output import write_rows

    count = len(value.rows)
    scores = [None] * count if value.scores is None else [_number(score) for score in value.scores.tolist()]
    columns = {name: [_number(item) for item in array.tolist()] for name, array in value.why.items()}
    why = [{**origin, **{name: column[i] for name, column in columns.items()}} for i in range(count)]
    extra: dict[str, list[Any]] = {
        "id": value.rows.ids(), "rank": list(range(1, count + 1)), "score": scores, "why": why
    }  # fmt: skip
    return write_rows(value.rows.data, value.rows.positions, extra, stem)


def _number(value: Any) -> Any:
    """NaN and infinities are no JSON: missing is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _table(stem: Path, value: Any, rows: Rows[Any] | None) -> Path:
    """A value as a Parquet table; one about rows has the id of each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(value, Weights):
        table = pa.table({"cluster": range(len(value.values)), "weight": value.values})
    else:
        assert rows is not None
        table = pa.table({"id": rows.ids(), **_columns(value, rows)})
    path = stem.with_name(f"{stem.name}.parquet")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(table, temporary)
    temporary.replace(path)
    return path


def _columns(value: Any, rows: Rows[Any]) -> dict[str, Any]:
    import pyarrow as pa

    if isinstance(value, Vectors):
        width = value.matrix.shape[1]
        flat: NDArray[np.float32] = value.matrix.reshape(-1)
        return {"vector": pa.FixedSizeListArray.from_arrays(pa.array(flat), width)}
    if isinstance(value, Scores):
        if value.values.ndim == 1:
            return {"score": value.values}
        names = value.columns or [str(i) for i in range(value.values.shape[1])]
        return {f"score {name}": value.values[:, i] for i, name in enumerate(names)}
    if isinstance(value, Clusters):
        columns: dict[str, Any] = {"cluster": value.labels}
        if value.names is not None:
            columns["name"] = [value.names[label] for label in value.labels.tolist()]
        return columns if value.distances is None else {**columns, "distance": value.distances}
    if isinstance(value, Labels):
        return {"label": [value.values[code] if code >= 0 else None for code in value.codes.tolist()]}
    return {"response": rows.responses()}
