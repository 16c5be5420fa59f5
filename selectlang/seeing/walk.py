"""The way back from an output to the data, on which each row is told of where it fell out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from selectlang.data.dataset import Dataset
from selectlang.engine.handles import rows_of
from selectlang.engine.opened import Opened
from selectlang.engine.reread import split
from selectlang.errors import DataError
from selectlang.ports import Labels, Selection
from selectlang.seeing.budgets import Budget, choice, mask
from selectlang.seeing.reasons import Reasons, alike, reasons

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

LOST = "the store holds its values no more"


@dataclass
class Walk:
    """Goes from an output back to the data, the last stage first, and tells of each row where it fell out.

    Rows that a stage never saw are looked for in what it was given. So a row that several ways lead to is
    told of at the last stage that saw it.
    """

    opened: Opened
    data: Dataset
    waiting: dict[str, Mask] = field(default_factory=dict)
    order: list[tuple[int, str]] = field(default_factory=list)
    texts: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    found: list[tuple[int, Reasons]] = field(default_factory=list)

    def __post_init__(self) -> None:
        import numpy as np

        self.told: Mask = np.zeros(len(self.data), dtype=bool)
        self.index = {stage["key"]: number for number, stage in enumerate(self.opened.stages)}

    def push(self, identity: str, rows: Mask) -> None:
        """Rows that a result does not hold, to be told of when its turn comes."""
        if identity in self.waiting:
            self.waiting[identity] |= rows
        else:
            self.waiting[identity] = rows.copy()
            heappush(self.order, (-self.index.get(split(identity)[0], -1), identity))

    def go(self) -> None:
        """Tell of all rows."""
        while self.order:
            number, identity = heappop(self.order)
            rows = self.waiting.pop(identity) & ~self.told
            if not rows.any() or identity.startswith(("data:", "empty:")):
                continue
            try:
                self.step(-number, identity, rows)
            except DataError:
                self.tell(-number, LOST, rows)

    def step(self, number: int, identity: str, rows: Mask) -> None:
        """Tell of the rows that fell out at the stage of a result, and pass on those that it never saw."""
        stage = self.opened.stages[number]
        _, port, verdict = split(identity)
        value = self.opened.value(stage["path"], port)
        if isinstance(value, Labels) and verdict:
            rows = self.judged(number, value, rows)
        speaks = rows_of(value)
        if speaks is None or speaks.data.key != self.data.key:
            return
        known = choice(self.opened, stage, value if isinstance(value, Selection) else Selection(speaks))
        rows = rows & ~known.taken
        self.passed(number, known, rows, stage["kind"] == "budget")

    def passed(self, number: int, known: Budget, rows: Mask, ranks: bool) -> None:
        """Tell of rows by what the inputs of their stage have to do with them."""
        import numpy as np

        for each in known.needed:
            self.push(each.identity, rows & ~each.mask)
        for each in known.needed:
            rows = rows & each.mask
        for each in known.barring:
            self.tell(number, f"in {each.text}", rows & each.mask)
            rows = rows & ~each.mask
        if ranks:
            self.keep(number, reasons(known, np.flatnonzero(rows)))
            return
        seen = np.zeros(len(rows), dtype=bool)
        for each in known.inputs:
            seen |= each.mask
            self.push(each.identity, rows & ~each.mask)
        if seen.any():
            self.tell(number, f"left out by {known.stage['kind']} {known.stage['method']}", rows & seen)

    def judged(self, number: int, value: Labels[Any], rows: Mask) -> Mask:
        """Tell of rows with another verdict, or none; returns those that were not judged at all."""
        import numpy as np

        for code, name in enumerate([*value.values, None]):
            there = value.codes == (code if name is not None else -1)
            having = mask(value.rows.take(np.flatnonzero(there)))
            self.tell(number, "no verdict" if name is None else f"verdict {name}", rows & having)
        return rows & ~mask(value.rows)

    def tell(self, number: int, text: str, rows: Mask) -> None:
        """The same reason for all these rows."""
        import numpy as np

        self.keep(number, alike(text, np.flatnonzero(rows & ~self.told)))

    def keep(self, number: int, said: Reasons) -> None:
        """Take in what was found out, with numbers of this walk for reasons and groups."""
        import numpy as np

        if not len(said.at):
            return
        texts = np.array([self.texts.setdefault(text, len(self.texts)) for text in said.texts])
        groups = np.array([*(self.groups.setdefault(name, len(self.groups)) for name in said.groups), -1])
        self.found.append((number, replace(said, reason=texts[said.reason], group=groups[said.group])))
        self.told[said.at] = True
