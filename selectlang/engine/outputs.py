"""Outputs as files: rows in the shape of the input, other values as tables, models as folders."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.data.turns import without_surrogates
from selectlang.digests import file_digest
from selectlang.engine.handles import rows_of
from selectlang.ports import Clusters, Labels, Model, Scores, Selection, Vectors, Weights
from selectlang.rows import Rows
from selectlang.store.entry import sums

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GROUP, NUMBERS = 1 << 16, 1 << 24  # rows of a table that are written together, of no more numbers


def output(stem: Path, value: Any, origin: dict[str, str]) -> dict[str, Any]:
    """Write one output, whose name begins with `stem`; returns what the record says of it.

    `origin` is what the `why` of each row says beside the method's own.
    """
    if isinstance(value, float):
        return {"value": float(value)}
    if isinstance(value, Model):
        shutil.copytree(value.path, stem, dirs_exist_ok=True)
        return {"folder": stem.name, "files": sums(stem)[0]}
    rows = rows_of(value)
    if isinstance(value, Rows | Selection):
        path = _selection(stem, value if isinstance(value, Selection) else Selection(value), origin)
    elif value is None:  # a carry of a loop that no round has filled
        return {}
    else:
        path = _table(stem, value, rows)
    counts = {} if rows is None else {"rows": len(rows), "unique": _unique(rows)}
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": file_digest(path), **counts}


def _unique(rows: Rows[Any]) -> int:
    import numpy as np

    return len(rows) if rows.whole else len(np.unique(rows.positions))


def _selection(stem: Path, value: Selection[Any], origin: dict[str, str]) -> Path:
    """Chosen rows in the shape of the input; each carries its id, rank, score and why."""
    import numpy as np

    from selectlang.data.output import write_rows

    count = len(value.rows)
    scores = np.broadcast_to(np.nan, count) if value.scores is None else value.scores
    why = {**{name: np.broadcast_to(said, count) for name, said in origin.items()}, **value.why}
    return write_rows(value.rows.data, value.rows.positions, scores, why, stem)


def number(value: Any) -> Any:
    """NaN and infinities are no JSON: missing is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _table(stem: Path, value: Any, rows: Rows[Any] | None) -> Path:
    """A value as a Parquet table; one about rows has the id of each."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = stem.with_name(f"{stem.name}.parquet")
    with open(path, "wb") as file:  # not by its name, which may be no UTF-8
        if isinstance(value, Weights):
            pq.write_table(pa.table({"cluster": range(len(value.values)), "weight": value.values}), file)
            return path
        assert rows is not None
        writer: pq.ParquetWriter | None = None
        group = max(1, min(GROUP, NUMBERS // _width(value)))
        for start in range(0, max(len(rows), 1), group):
            part = slice(start, start + group)
            view = rows.take(np.arange(*part.indices(len(rows))))
            table = pa.table({"id": pa.array(view.ids(), pa.string()), **columns(value, view, part)})
            writer = writer or pq.ParquetWriter(file, table.schema)
            writer.write_table(table)
        assert writer is not None
        writer.close()
    return path


def _width(value: Any) -> int:
    """How many numbers a value has for each row, or 1."""
    array = value.matrix if isinstance(value, Vectors) else getattr(value, "values", None)
    shape: tuple[int, ...] = getattr(array, "shape", ())
    return max(1, *shape[1:], 1)


def columns(value: Any, view: Rows[Any], part: slice) -> dict[str, Any]:
    """What a value says about a part of its rows, of which `view` is a view."""
    import pyarrow as pa

    if isinstance(value, Vectors):
        width = value.matrix.shape[1]
        if width == 0:  # Arrow has no lists of no numbers
            return {}
        flat: NDArray[np.float32] = value.matrix[part].reshape(-1)
        return {"vector": pa.FixedSizeListArray.from_arrays(pa.array(flat), width)}
    if isinstance(value, Scores):
        values = value.values[part]
        if values.ndim == 1:
            return {"score": values}
        names = value.columns or [str(i) for i in range(values.shape[1])]
        return {f"score {without_surrogates(name)}": values[:, i] for i, name in enumerate(names)}
    if isinstance(value, Clusters):
        columns: dict[str, Any] = {"cluster": value.labels[part]}
        if value.names is not None:
            columns["name"] = _named(value.names, value.labels[part])
        return columns if value.distances is None else {**columns, "distance": value.distances[part]}
    if isinstance(value, Labels):
        reasons = {without_surrogates(name): array[part] for name, array in value.why.items()}
        return {"label": _named(value.values, value.codes[part]), **reasons}
    return {"response": pa.array([without_surrogates(text) for text in view.responses()], pa.string())}


def _named(names: list[str], codes: NDArray[np.integer[Any]]) -> Any:
    """The name of each code as Arrow text; null for a code below 0."""
    import pyarrow as pa

    texts = [without_surrogates(name) for name in names]
    return pa.array([texts[code] if code >= 0 else None for code in codes.tolist()], pa.string())
