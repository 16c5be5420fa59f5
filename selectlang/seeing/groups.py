"""Groups that a budget may have divided its size among: clusters, or the values of a field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectlang.errors import DataError
from selectlang.ports import Clusters
from selectlang.rows import Rows
from selectlang.seeing.budgets import Budget, spread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 1 << 16  # rows whose fields are read together


@dataclass(frozen=True)
class Groups:
    """A group for each row of a data set: `labels` (len(data),) from 0 to `count` - 1, -1 for none.

    `what` is the word for one of them, empty where all rows are one group; `source` is where they come from.
    """

    labels: NDArray[np.int32]
    count: int
    names: list[str] | None = None
    what: str = ""
    source: str = ""

    def name(self, label: int) -> str | None:
        """What people call a group."""
        if not self.what or label < 0:
            return None
        return str(label) if self.names is None else self.names[label]


def groupings(budget: Budget) -> list[Groups]:
    """The groups a budget may have gone by: those that are a reason of its choices, or else all there are."""
    import numpy as np

    said = [values for values in budget.selection.why.values() if len(values)]
    known = []
    for each in budget.inputs:
        if isinstance(each.value, Clusters):
            labels = spread(np.asarray(each.value.labels), each.rows, -1)
            known.append(Groups(labels, each.value.k, each.value.names, "cluster", each.source))
    shown = [found for found in known if any(_same(found, values, budget) for values in said)]
    if not shown:
        shown = [found for values in said if (found := _by_field(budget, values)) is not None]
    return shown or [Groups(np.zeros(len(budget.data), dtype=np.int32), 1), *known]


def _same(groups: Groups, said: NDArray[Any], budget: Budget) -> bool:
    """Whether a reason of the choices is their group."""
    import numpy as np

    labels = groups.labels[budget.positions]
    if groups.names is None:
        return said.dtype.kind in "iu" and bool(np.array_equal(labels, said))
    if said.dtype.kind != "U" or (labels < 0).any():
        return False
    return bool(np.array_equal(np.array(groups.names, dtype=np.str_)[labels], said))


def _by_field(budget: Budget, said: NDArray[Any]) -> Groups | None:
    """The values of a field that a setting names, where they are a reason of the choices."""
    import numpy as np

    if said.dtype.kind != "U":
        return None
    for value in budget.stage["settings"].values():
        if not isinstance(value, str):
            continue
        rows = budget.selection.rows
        try:
            first = [field_name(one) for one in rows.take(np.arange(min(len(rows), 10))).field(value)]
        except DataError:  # the setting is no field
            continue
        if first != said[:10].tolist():
            continue
        labels, names = _coded(Rows(budget.data), value)
        found = Groups(labels, len(names), names, "group", value)
        if _same(found, said, budget):
            return found
    return None


def _coded(rows: Rows[Any], field: str) -> tuple[NDArray[np.int32], list[str]]:
    """The values of a field as numbers, shape (len(rows),), and the name of each."""
    import numpy as np

    numbers: dict[str, int] = {}
    labels = np.empty(len(rows), dtype=np.int32)
    for start in range(0, len(rows), BLOCK):
        part = np.arange(start, min(start + BLOCK, len(rows)))
        names = map(field_name, rows.take(part).field(field))
        labels[part] = [numbers.setdefault(name, len(numbers)) for name in names]
    return labels, list(numbers)


def field_name(value: Any) -> str:
    """What people call the value of a field: a text by itself, anything else by its JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
