"""Rows as people name them: found by their id, and told by their first words."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from selectlang.data.dataset import Dataset
from selectlang.engine.handles import rows_of
from selectlang.engine.opened import Opened
from selectlang.engine.reread import split
from selectlang.errors import DataError
from selectlang.faults import quoted
from selectlang.ports import Selection
from selectlang.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORDS = 150  # characters of a text that are told
SHOWN = 5  # ids that a message lists
SIMILAR = 1000  # ids among which the nearest is looked for


@dataclass(frozen=True)
class Found:
    """A row: the data set, its name in the spec, and where the row stands in it."""

    data: Dataset
    name: str
    at: int

    @property
    def rows(self) -> Rows[Any]:
        """The row alone."""
        import numpy as np

        return Rows(self.data, np.array([self.at], dtype=np.int64))

    @property
    def id(self) -> str:
        """The id of the row."""
        return self.rows.ids()[0]


def find(opened: Opened, given: str, data: str | None = None) -> Found:
    """The row with an id, or with the only id that begins so; a DataError names the nearest ids.

    Data sets that something is chosen from go before others; `data` names the one to look in.
    """
    names = [data] if data is not None else in_order(opened)
    sets = {name: opened.data(name).data for name in names}
    for name, rows in sets.items():
        at = rows.place(given)
        if at is not None:
            return Found(rows, name, at)
    for name, rows in sets.items():
        begun = rows.beginning(given, SHOWN + 1) if given else []
        if len(begun) == 1:
            at = rows.place(begun[0])
            assert at is not None
            return Found(rows, name, at)
        if begun:
            more = " and more" if len(begun) > SHOWN else ""
            known = ", ".join(quoted(each) for each in begun[:SHOWN])
            raise DataError(
                f"several ids of {name} begin with {quoted(given)}: {known}{more}; give more of it"
            )
    near = list(dict.fromkeys(each for rows in sets.values() for each in _similar(rows, given)))[:SHOWN]
    close = f"; the nearest are {', '.join(quoted(each) for each in near)}" if near else ""
    many = ", ".join(f"{name} ({len(rows):,} rows)" for name, rows in sets.items())
    first = next((rows.ids(_first()) for rows in sets.values() if len(rows)), [])
    like = f"; ids are such as {quoted(first[0])}" if first and not near else ""
    raise DataError(f"{opened.folder}: no row has the id {quoted(given)}{close}{like}; looked in {many}")


def _first() -> NDArray[np.int64]:
    import numpy as np

    return np.zeros(1, dtype=np.int64)


def in_order(opened: Opened) -> list[str]:
    """The names of the data sets, each once: first those that the outputs hold rows of."""
    keys: dict[str, str] = {}
    for name, data in opened.record["data"].items():
        keys.setdefault(data["key"], name)
    chosen = list(dict.fromkeys(about(opened, said["result"]) for said in opened.record["outputs"].values()))
    return [keys.pop(key) for key in chosen if key in keys] + list(keys.values())


def about(opened: Opened, identity: str) -> str:
    """The key of the data set whose rows a value speaks about; empty where it speaks about none."""
    try:
        rows = rows_of(opened.read(identity))
    except DataError:  # no longer in the store: other outputs may be
        return ""
    return "" if rows is None else rows.data.key


def is_choice(identity: str, value: Any) -> bool:
    """Whether a value is a selection that a stage made, and not the rows that got a verdict."""
    return isinstance(value, Selection) and not split(identity)[2]


def _similar(rows: Dataset, given: str) -> list[str]:
    """Ids that look like the one given, of those with the longest beginning in common."""
    for length in range(min(len(given), 100) - 1, -1, -1):
        known = rows.beginning(given[:length], SIMILAR)
        if known:
            return get_close_matches(given[:100], known, n=3, cutoff=0.6)
    return []


def words(rows: Rows[Any], most: int = WORDS) -> list[str]:
    """The first words of what each row asks, or of what it answers where it asks nothing."""
    told = zip(rows.instructions(), rows.responses(), strict=True)
    return [short(asks or answers, most) for asks, answers in told]


def short(text: str, most: int = WORDS) -> str:
    """A text in one line of no more than so many characters."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most and len(text) <= 4 * most else line[: most - 3] + "..."


def named(data: Dataset, places: NDArray[np.int64]) -> list[dict[str, Any]]:
    """The id and the first words of some rows."""
    rows: Rows[Any] = Rows(data, places)
    return [{"id": name, "text": text} for name, text in zip(rows.ids(), words(rows), strict=True)]
