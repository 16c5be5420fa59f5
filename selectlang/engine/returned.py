"""What a method returned, made into the values its signature promises, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.engine.handles import rows_of
from selectlang.engine.inputs import parts_of
from selectlang.engine.promises import check
from selectlang.errors import MethodError
from selectlang.methods import Method, Port
from selectlang.ports import Clusters, Labels, Metric, Model, Replies, Scores, Selection, Vectors, Weights
from selectlang.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 2**31 - 1  # labels of clusters are int32


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
    rows = subject(method, port, inputs)
    try:
        value = _made(port.kind or _variable(method, inputs), raw, rows)
        check(value, rows)
    except (TypeError, ValueError, OverflowError) as error:
        shown = f" {port.name!r}" if port.name else ""
        raise MethodError(f"returned no {port}{shown}: {error}") from error
    return value


def _variable(method: Method, inputs: dict[str, Any]) -> type[Any]:
    """What the variable T stands for in a call: the type of what was given for it."""
    ports = [port for port in method.inputs if port.kind is None]
    given = [inputs[port.name] for port in ports if port.name in inputs]
    values = parts_of(given)
    return type(values[0]) if values else object


def subject(method: Method, port: Port, inputs: dict[str, Any]) -> Rows[Any] | None:
    """The rows an output speaks about: those of the first input of the same data set variable."""
    for candidate in method.inputs:
        value = inputs.get(candidate.name)
        for part in parts_of([value]):
            rows = rows_of(part)
            if rows is not None and (candidate.about == port.about or port.kind is None):
                return rows
    return None


def _made(kind: type[Any], raw: Any, rows: Rows[Any] | None) -> Any:
    if kind is Metric:
        return Metric(raw)
    if kind is Model:
        return raw if isinstance(raw, Model) else Model(Path(raw))
    if isinstance(raw, kind):
        return raw
    if rows is None:
        raise TypeError(f"got {type(raw).__name__}, and no input whose rows it could speak about")
    if kind is Scores:
        return Scores(rows, _numbers(raw, rows))
    if kind is Vectors:
        import numpy as np

        return Vectors(rows, np.asarray(raw, dtype=np.float32))
    if kind in (Labels, Replies):
        texts = list(raw)
        _length(len(texts), rows)
        given = [text for text in texts if text is not None or kind is Replies]  # None is no verdict
        if odd := {type(text).__name__ for text in given if not isinstance(text, str)}:
            raise TypeError(f"got {', '.join(sorted(odd))}, expected a text for each row")
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


def _clusters(raw: Any, rows: Rows[Any]) -> Clusters[Any]:
    import numpy as np

    found = np.asarray(raw)
    if found.ndim != 1 or found.dtype.kind in "fc":
        kind = f"an array of {found.dtype} of shape {found.shape}"
        raise ValueError(f"got {kind}, expected a whole number or a name for each row")
    _length(len(found), rows)
    if found.dtype.kind in "iu":
        low, high = (int(found.min()), int(found.max())) if len(found) else (0, -1)
        if low < 0 or high > MOST:
            raise ValueError(f"got labels from {low} to {high}, expected 0 to at most {MOST}")
        return Clusters(rows, found.astype(np.int32), high + 1)
    names, codes = np.unique(np.asarray([str(item) for item in raw]), return_inverse=True)
    return Clusters(rows, codes.astype(np.int32), len(names), names=names.tolist())


def labels(rows: Rows[Any], verdicts: Sequence[str | None]) -> Labels[Any]:
    """Labels from one verdict a row, None for a row without."""
    import numpy as np

    values = sorted({verdict for verdict in verdicts if verdict is not None})
    if len(values) > 128:  # codes are int8
        raise ValueError(f"got {len(values)} different verdicts, expected at most 128")
    codes: dict[str | None, int] = {value: code for code, value in enumerate(values)} | {None: -1}
    found = np.array([codes[verdict] for verdict in verdicts], dtype=np.int8)
    return Labels(rows, found, values, complete=False)


def _length(found: int, rows: Rows[Any]) -> None:
    if found != len(rows):
        raise ValueError(f"got {found} for {len(rows)} rows")
