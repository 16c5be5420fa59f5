"""What a budget did, as its stored inputs and its selection show it; no method is known by name.

Rows that it took are known, and so are the rows that each input speaks about. An input that holds every
row taken is one that rows must be in, and one that holds none of them bars its rows. What is left are the
candidates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from selectlang.data.dataset import Dataset
from selectlang.engine.handles import rows_of
from selectlang.engine.opened import Opened, first_port
from selectlang.engine.reread import split
from selectlang.errors import DataError
from selectlang.ports import Labels, Replies, Selection
from selectlang.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

ROW_LIKE = (Rows, Selection, Labels, Replies)


@dataclass(frozen=True)
class Input:
    """One value that came into a stage: its port, whose result it is, and the rows it speaks about."""

    port: str
    identity: str
    source: str
    value: Any
    rows: Rows[Any]

    @cached_property
    def mask(self) -> Mask:
        """Which rows of the data set it speaks about."""
        return mask(self.rows)

    @property
    def text(self) -> str:
        """The port and what is wired to it, for people: `skip: rounds/grown#2`."""
        return f"{self.port}: {self.source}"


@dataclass
class Budget:
    """A stage that chose rows. Masks are over the positions of the data set it chose from."""

    stage: dict[str, Any]
    selection: Selection[Any]
    inputs: list[Input]
    needed: list[Input] = field(default_factory=list)
    barring: list[Input] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The path of the stage."""
        return str(self.stage["path"])

    @property
    def data(self) -> Dataset:
        """The data set that was chosen from."""
        return self.selection.rows.data

    @property
    def positions(self) -> NDArray[np.int64]:
        """Where each choice stands in the data set."""
        return self.selection.rows.positions

    @cached_property
    def taken(self) -> Mask:
        """The rows that were chosen at least once."""
        return mask(self.selection.rows)

    @cached_property
    def among(self) -> Mask:
        """The candidates: in every input that rows must be in, and in none that bars them."""
        import numpy as np

        found: Mask = np.ones(len(self.data), dtype=bool)
        for each in self.needed:
            found &= each.mask
        for each in self.barring:
            found &= ~each.mask
        return found

    @cached_property
    def count(self) -> int:
        """The number of candidates."""
        return int(self.among.sum())


def budget(opened: Opened, stage: dict[str, Any], port: str = "") -> Budget | None:
    """What a stage chose; None where its output is no selection."""
    value = opened.value(stage["path"], port or first_port(stage))
    return choice(opened, stage, value) if isinstance(value, Selection) else None


def choice(opened: Opened, stage: dict[str, Any], value: Selection[Any]) -> Budget:
    """A stage with what it chose, and what its inputs have to do with that."""
    found = Budget(stage, value, inputs(opened, stage, value.rows.data))
    if not len(value.rows):  # which says nothing about the inputs, so their names must do
        found.needed = [each for each in found.inputs if each.port != "skip"]
        found.barring = [each for each in found.inputs if each.port == "skip"]
        return found
    for each in found.inputs:
        inside = each.mask[found.positions]
        if inside.all():
            found.needed.append(each)
        elif not inside.any() and isinstance(each.value, ROW_LIKE):
            found.barring.append(each)
    return found


def inputs(opened: Opened, stage: dict[str, Any], data: Dataset) -> list[Input]:
    """The inputs of a stage that speak about rows of a data set; those of others say nothing about these."""
    found = []
    for port, identities in stage["inputs"].items():
        for identity in identities:
            value = opened.read(identity)
            rows = rows_of(value)
            if rows is not None and rows.data.key == data.key:
                found.append(Input(port, identity, source(opened, identity), value, rows))
    return found


def source(opened: Opened, identity: str) -> str:
    """What people call the result that an input stands for: a data set, or a stage and its port."""
    kind, _, rest = identity.partition(":")
    if kind == "data":
        return opened.named(rest)
    if kind == "empty":
        return "nothing yet"
    key, port, verdict = split(identity)
    stage = opened.by_key.get(key)
    if stage is None:
        raise DataError(f"{opened.folder}: an input is the result of none of its stages")
    default = "" if port == first_port(stage) else port
    return ".".join(part for part in (stage["path"], default, verdict) if part)


def mask(rows: Rows[Any]) -> Mask:
    """Which rows of the data set are among these."""
    import numpy as np

    if rows.whole:
        return np.ones(len(rows.data), dtype=bool)
    found: Mask = np.zeros(len(rows.data), dtype=bool)
    found[rows.positions] = True
    return found


def standing(rows: Rows[Any]) -> NDArray[np.int64]:
    """Where among some rows each row of their data set stands, the last time; -1 for nowhere."""
    import numpy as np

    if rows.whole:
        return np.arange(len(rows.data))
    found = np.full(len(rows.data), -1, dtype=np.int64)
    found[rows.positions] = np.arange(len(rows))
    return found


def spread(values: NDArray[Any], rows: Rows[Any], missing: Any) -> NDArray[Any]:
    """Values of rows as an array over the whole data set; `missing` where there is none."""
    import numpy as np

    if rows.whole:
        return values
    found = np.full((len(rows.data), *values.shape[1:]), missing, dtype=values.dtype)
    found[rows.positions] = values
    return found
