"""What a method returned, made into the values its signature promises, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.engine.handles import rows_of
from selectlang.errors import MethodError
from selectlang.methods import Method, Port
from selectlang.ports import Clusters, Labels, Metric, Model, Replies, Scores, Selection, Vectors, Weights
from selectlang.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 8192  # rows whose vectors are checked at a time


def outputs(method: Method, raw: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The value of each output port by its name; the single output of most methods is named ``""``."""
    ports = method.outputs
    if len(ports) == 1 and not ports[0].name:
        return {"": output(method, ports[0], raw, inputs)}
    if not isinstance(raw, tuple) or len(raw) != len(ports):
        names = ", ".join(port.name for port in ports)
        raise MethodError(f"returned {type(raw).__name__}, expected ({names})")
    return {port.name: output(method, port, part, inputs) for port, part in zip(ports, raw, strict=True)}


def output(method: Method, port: Port, raw: Any, inputs: dict[str, Any]) -> Any:
    """One output value. Plain lists and arrays are aligned with the rows of the input it speaks about."""
    try:
        return _made(port, raw, subject(method, port, inputs))
    except (TypeError, ValueError) as error:
        shown = f" {port.name!r}" if port.name else ""
        raise MethodError(f"returned no {port}{shown}: {error}") from error


def subject(method: Method, port: Port, inputs: dict[str, Any]) -> Rows[Any] | None:
    """The rows an output speaks about: those of the first input of the same data set variable."""
    for candidate in method.inputs:
        value = inputs.get(candidate.name)
        for part in value if candidate.many and isinstance(value, list) else [value]:
            rows = rows_of(part)
            if rows is not None and (candidate.about == port.about or port.kind is None):
                return rows
    return None


def _made(port: Port, raw: Any, rows: Rows[Any] | None) -> Any:
    kind = port.kind
    if kind is Metric:
        return Metric(raw)
    if kind is Model:
        return raw if isinstance(raw, Model) else Model(Path(raw))
    if kind is None or isinstance(raw, kind):
        _checked(raw)
        return raw
    if rows is None:
        raise TypeError(f"got {type(raw).__name__}, and no input whose rows it could speak about")
    if kind is Scores:
        return Scores(rows, _numbers(raw, rows))
    if kind is Vectors:
        return _vectors(raw, rows)
    if kind in (Labels, Replies):
        texts = list(raw)
        _length(len(texts), rows)
        return labels(rows, texts) if kind is Labels else Replies(Rows(rows.data, rows.positions, texts))
    if kind is Clusters:
        return _clusters(raw, rows)
    if kind is Selection and isinstance(raw, Rows):
        return Selection(raw)
    if kind is Weights:
        import numpy as np

        return Weights(np.asarray(raw, dtype=np.float64))
    raise TypeError(f"got {type(raw).__name__}")


def _numbers(raw: Any, rows: Rows[Any]) -> NDArray[np.floating[Any]]:
    import numpy as np

    array = np.asarray(raw)
    if array.dtype == object:
        array = np.array([np.nan if item is None else float(item) for item in raw])
    if array.dtype.kind not in "fiub":
        raise TypeError(f"got numbers of type {array.dtype}")
    array = array if array.dtype.kind == "f" else array.astype(np.float64)
    if array.ndim != 1:
        raise ValueError(f"got an array of shape {array.shape}, expected one number a row")
    _length(len(array), rows)
    return array


def _vectors(raw: Any, rows: Rows[Any]) -> Vectors[Any]:
    import numpy as np

    vectors = Vectors(rows, np.asarray(raw, dtype=np.float32))
    _checked(vectors)
    return vectors


def _clusters(raw: Any, rows: Rows[Any]) -> Clusters[Any]:
    import numpy as np

    found = np.asarray(raw)
    _length(len(found), rows)
    if found.dtype.kind in "iu":
        return Clusters(rows, found.astype(np.int32), int(found.max(initial=-1)) + 1)
    names, codes = np.unique(np.asarray([str(item) for item in raw]), return_inverse=True)
    return Clusters(rows, codes.astype(np.int32), len(names), names=names.tolist())


def labels(rows: Rows[Any], verdicts: Sequence[str]) -> Labels[Any]:
    """Labels from one verdict a row."""
    import numpy as np

    values = sorted(set(verdicts))
    codes = {value: code for code, value in enumerate(values)}
    return Labels(rows, np.array([codes[verdict] for verdict in verdicts], dtype=np.int8), values)


def _length(found: int, rows: Rows[Any]) -> None:
    if found != len(rows):
        raise ValueError(f"got {found} for {len(rows)} rows")


def _checked(value: Any) -> None:
    """Whether a value holds what its type promises: an entry a row, finite vectors, labels in range."""
    rows = rows_of(value)
    if rows is None:
        return
    if isinstance(value, Vectors) and value.matrix.ndim != 2:
        raise ValueError(f"got an array of shape {value.matrix.shape}, expected one vector a row")
    for name in ("matrix", "labels", "values", "codes", "scores", "distances"):
        array = getattr(value, name, None)
        if array is not None and hasattr(array, "shape") and len(array) != len(rows):
            raise ValueError(f"{name} has {len(array)} entries for {len(rows)} rows")
    if isinstance(value, Vectors):
        _finite(value)
    elif isinstance(value, Clusters) and len(rows):
        low, high = value.labels.min(), value.labels.max()
        if low < 0 or high >= value.k:
            raise ValueError(f"labels go from {low} to {high}, expected 0 to {value.k - 1}")
    elif isinstance(value, Scores) and value.values.dtype.kind not in "fiub":
        raise TypeError(f"got numbers of type {value.values.dtype}")


def _finite(vectors: Vectors[Any]) -> None:
    import numpy as np

    for start in range(0, len(vectors.rows), BLOCK):
        bad = np.flatnonzero(~np.isfinite(vectors.matrix[start : start + BLOCK]).all(axis=1))
        if len(bad):
            name = vectors.rows.take(bad[:1] + start).ids()[0]
            raise ValueError(f"the vector of row {name!r} is not finite")
