"""Handles: what a reference stands for before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectlang.language.program import Type
from selectlang.language.types import NOTHING_AT_START
from selectlang.methods import Port
from selectlang.ports import Labels, Replies, Scores, Selection
from selectlang.rows import Rows

if TYPE_CHECKING:
    from selectlang.data.dataset import Dataset


@dataclass(frozen=True)
class DataHandle:
    """A data set as a whole."""

    key: str

    @property
    def identity(self) -> str:
        return f"data:{self.key}"


@dataclass(frozen=True)
class ResultHandle:
    """One port of a stored result; for labels, maybe the rows of one verdict."""

    key: str
    port: str
    verdict: str | None = None

    @property
    def identity(self) -> str:
        return ".".join([self.key, self.port, self.verdict or ""])


@dataclass(frozen=True)
class EmptyHandle:
    """What a loop carries into its first round when it has no `start`."""

    kind: str
    data: str

    @property
    def identity(self) -> str:
        return f"empty:{self.kind}:{self.data}"


Handle = DataHandle | ResultHandle | EmptyHandle


def with_default(handles: dict[str, Handle]) -> dict[str | None, Handle]:
    """Handles by port, and the first of them for a reference that names no port."""
    found: dict[str | None, Handle] = {None: next(iter(handles.values()))}
    found.update(handles.items())
    return found


def nothing(type_: Type, sets: Mapping[str, str]) -> EmptyHandle:
    """What a carry without `start` begins as; `sets` are the keys of data sets by their names."""
    name = type_.kind.__name__ if type_.kind else ""
    return EmptyHandle(name, "" if name in NOTHING_AT_START else sets.get(type_.about or "", ""))


def empty(kind: str, data: Dataset | None) -> Any:
    """The empty value of a type: no rows; None for a type that has no empty value."""
    import numpy as np

    if data is None:
        return None
    rows: Rows[Any] = Rows(data, np.empty(0, dtype=np.int64))
    if kind == "Selection":
        return Selection(rows)
    if kind == "Labels":
        return Labels(rows, np.empty(0, dtype=np.int8), [])
    if kind == "Scores":
        return Scores(rows, np.empty(0, dtype=np.float64))
    if kind == "Replies":
        return Replies(Rows(data, np.empty(0, dtype=np.int64), []))
    return rows if kind == "Rows" else None


def fit(value: Any, port: Port) -> Any:
    """A value as the port takes it: selections, labels and replies stand for their rows."""
    if port.kind is Rows and isinstance(value, Selection | Labels | Replies):
        return value.rows
    if port.kind is Selection:
        if isinstance(value, Rows):
            return Selection(value)
        if isinstance(value, Labels | Replies):
            return Selection(value.rows)
    return value


def rows_of(value: Any) -> Rows[Any] | None:
    """The rows that a value speaks about, if it does."""
    return value if isinstance(value, Rows) else getattr(value, "rows", None)
