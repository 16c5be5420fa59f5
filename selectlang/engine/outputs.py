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

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def output(stem: Path, value: Any, origin: dict[str, str]) -> dict[str, Any]:
    """Write one output, whose name begins with `stem`; returns what the record says of it.

    `origin` is what the `why` of each row says beside the method's own.
    """
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
    counts = {} if rows is None else {"rows": len(rows), "unique": len(set(rows.positions.tolist()))}
    return {"file": path.name, "sha256": file_digest(path), **counts}


def _selection(stem: Path, value: Selection[Any], origin: dict[str, str]) -> Path:
    """Chosen rows in the shape of the input; each carries its id, rank, score and why."""
    from selectlang.data.output import write_rows

    count = len(value.rows)
    scores = [None] * count if value.scores is None else [number(score) for score in value.scores.tolist()]
    columns = {name: [number(item) for item in array.tolist()] for name, array in value.why.items()}
    why = [{**origin, **{name: column[i] for name, column in columns.items()}} for i in range(count)]
    extra: dict[str, list[Any]] = {
        "id": value.rows.ids(), "rank": list(range(1, count + 1)), "score": scores, "why": why
    }  # fmt: skip
    return write_rows(value.rows.data, value.rows.positions, extra, stem)


def number(value: Any) -> Any:
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
    with open(path, "wb") as file:  # not by its name, which may be no UTF-8
        pq.write_table(table, file)
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
        return {f"score {without_surrogates(name)}": value.values[:, i] for i, name in enumerate(names)}
    if isinstance(value, Clusters):
        columns: dict[str, Any] = {"cluster": value.labels}
        if value.names is not None:
            names = [without_surrogates(name) for name in value.names]
            columns["name"] = [names[label] for label in value.labels.tolist()]
        return columns if value.distances is None else {**columns, "distance": value.distances}
    if isinstance(value, Labels):
        texts = [without_surrogates(text) for text in value.values]
        labels = [texts[code] if code >= 0 else None for code in value.codes.tolist()]
        return {"label": labels, **{without_surrogates(name): array for name, array in value.why.items()}}
    return {"response": [without_surrogates(text) for text in rows.responses()]}
