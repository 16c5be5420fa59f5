"""The run folder: one file for each output, and record.json. Every file is written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.engine.handles import rows_of
from selectlang.errors import UsageError
from selectlang.ports import Clusters, Labels, Model, Scores, Selection, Vectors
from selectlang.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECORD = "record.json"


def prepare(out: Path | None, name: str, started: datetime) -> Path:
    """The folder of a run. One that holds other things than a run is refused, before anything is done."""
    folder = out or Path("runs") / f"{_file_name(name)}-{started:%Y%m%d-%H%M%S}"
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder}: this is a file")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / RECORD).is_file():
        raise UsageError(f"--out {folder}: the folder holds other things than a run; name a new one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be made: {error.strerror}") from error
    return folder


def _file_name(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-_" else "-" for char in name)[:64] or "run"


def write_outputs(folder: Path, values: dict[str, Any], origins: dict[str, dict[str, str]]) -> dict[str, dict[str, Any]]:
    """Write each output; returns what the record says of it."""
    return {name: _output(folder / name, value, origins[name]) for name, value in values.items()}


def _output(stem: Path, value: Any, origin: dict[str, str]) -> dict[str, Any]:
    if isinstance(value, float):
        return {"value": float(value)}
    if isinstance(value, Model):
        shutil.copytree(value.path, stem, dirs_exist_ok=True)
        return {"folder": stem.name}
    rows = rows_of(value)
    if rows is None:
        return {}
    if isinstance(value, Rows | Selection):
        path = _selection(stem, value if isinstance(value, Selection) else Selection(value), origin)
    else:
        path = _table(stem, value, rows)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": path.name, "rows": len(rows), "unique": len(set(rows.positions.tolist())), "sha256": digest}


def _selection(stem: Path, value: Selection[Any], origin: dict[str, str]) -> Path:
    """Chosen rows in the shape of the input; each carries its id, rank, score and why."""
    from selectlang.data.output import write_rows

    scores = [None] * len(value.rows) if value.scores is None else [_number(score) for score in value.scores.tolist()]
    columns = {name: [_number(item) for item in array.tolist()] for name, array in value.why.items()}
    why = [{**origin, **{name: column[i] for name, column in columns.items()}} for i in range(len(value.rows))]
    extra = {"id": value.rows.ids(), "rank": list(range(1, len(value.rows) + 1)), "score": scores, "why": why}
    return write_rows(value.rows.data, value.rows.positions, extra, stem)


def _number(value: Any) -> Any:
    """NaN and infinities are no JSON: missing is null."""
    return None if isinstance(value, float) and not (value - value == 0) else value


def _table(stem: Path, value: Any, rows: Rows[Any]) -> Path:
    """A value about rows as a Parquet table with the id of each row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"id": rows.ids(), **_columns(value, rows)})
    path = stem.with_suffix(".parquet")
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
        named = {} if value.names is None else {"name": [value.names[label] for label in value.labels.tolist()]}
        distances = {} if value.distances is None else {"distance": value.distances}
        return {"cluster": value.labels, **named, **distances}
    if isinstance(value, Labels):
        return {"label": [value.values[code] for code in value.codes.tolist()]}
    return {"response": rows.responses()}


def write_record(folder: Path, found: dict[str, Any]) -> None:
    """Write record.json, last, so that its presence says the run is whole."""
    temporary = folder / f".{RECORD}.{os.getpid()}"
    temporary.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(folder / RECORD)
