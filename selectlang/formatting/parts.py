"""A spec as it is written: its collections and scalars, with the comments and blank lines between them.

The parser is PyYAML's, as it is for `check`. It skips comments: these are what begins with `#` between its
scalars. A comment belongs to the entry that it stands above or beside.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from selectlang.faults import BREAK

_COMMENT = re.compile(r"(?<!\S)#[^\r\n\x85\u2028\u2029]*")
_HEADER = re.compile(
    r"[|>][-+0-9]*[ \t]+(#[^\r\n\x85\u2028\u2029]*)"
)  # of a block scalar with a comment beside it


@dataclass
class Scalar:
    """A value that holds no others; `style` is the sign that it begins with (`"`, `'`, `|`, `>`), if any."""

    value: str
    style: str | None
    lines: int


@dataclass
class Group:
    """A mapping or a list, in lines of its own or within brackets; `below` are comments after its end."""

    mapping: bool
    flow: bool
    entries: list[Entry] = field(default_factory=list)
    below: list[str] = field(default_factory=list)


Part = Scalar | Group


@dataclass
class Entry:
    """A key and its value, or an item of a list, whose `key` is None.

    `above` are the comments before it, one a line, with an empty one for a blank line; `beside` is the one at
    the end of its first line.
    """

    key: str | None
    value: Part
    above: list[str] = field(default_factory=list)
    beside: str = ""


def read(text: str) -> Group:
    """The parts of a text in which `language.yaml` found a mapping, and no fault."""
    return _Reader(text).root


def comments(text: str) -> list[str]:
    """The comments of such a text."""
    return [comment for _, comment in _Reader(text).comments()]


@dataclass(eq=False)
class _Area:
    """Where a group stands in the text, and the column of its entries."""

    group: Group
    start: int
    end: int
    column: int


@dataclass(eq=False)
class _Spot:
    """Where an entry and its value begin, and the groups around it."""

    start: int
    value: int
    entry: Entry
    around: list[_Area]


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = [0, *(found.end() for found in BREAK.finditer(text))]
        self.spots: list[_Spot] = []
        self.scalars: list[tuple[int, int]] = []
        self.kept: set[int] = set()  # lines before which blank ones belong to a text
        self.below: list[str] | None = None  # where the last comment went, if that is above the next entry
        self.owners: dict[int, _Spot] = {}  # the entry whose value a group is
        node: Any = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        root = self.part(node, [])
        assert isinstance(root, Group)
        self.root = root
        starts = [spot.start for spot in self.spots]
        for start, comment in self.comments():
            place = bisect_right(starts, start)
            self.assign(
                start, comment, *(self.spots[i] if 0 <= i < len(starts) else None for i in (place - 1, place))
            )
        for spot in self.spots:
            if not spot.around[-1].group.flow and self.begins(spot.start) and self.blank(spot.start):
                spot.entry.above.append("")

    def part(self, node: Any, around: list[_Area]) -> Part:
        start, end = node.start_mark, node.end_mark
        if isinstance(node, yaml.ScalarNode):
            self.scalars.append((start.index, end.index))
            if node.style in ("|", ">") and node.value.endswith("\n\n"):
                self.kept.add(end.line)
            return Scalar(node.value, node.style or None, 1 + end.line - start.line)
        group = Group(isinstance(node, yaml.MappingNode), bool(node.flow_style))
        area = _Area(group, start.index, end.index, start.column)
        for item in node.value:
            self.entry(item, [*around, area])
        return group

    def entry(self, item: Any, around: list[_Area]) -> None:
        group = around[-1].group
        key, node = item if group.mapping else (None, item)
        first = (key or node).start_mark.index
        if not (group.mapping or group.flow):
            first = self.text.rindex(
                "-", 0, first + 1 if node.start_mark.index == node.end_mark.index else first
            )
        spot = _Spot(
            first, node.start_mark.index, Entry(key.value if key else None, Scalar("", None, 1)), around
        )
        self.spots.append(spot)
        if key:
            self.scalars.append((key.start_mark.index, key.end_mark.index))
        spot.entry.value = self.part(node, around)
        self.owners[id(spot.entry.value)] = spot
        group.entries.append(spot.entry)

    def before(self, at: int) -> str:
        """What stands before a place in its line."""
        return self.text[self.lines[bisect_right(self.lines, at) - 1] : at]

    def begins(self, at: int) -> bool:
        """Whether an entry is the first of its line."""
        return not self.before(at).strip(" \t-")

    def blank(self, at: int) -> bool:
        """Whether a blank line stands before the line of a place, and something before that."""
        line = bisect_right(self.lines, at) - 1
        above = self.text[self.lines[line - 1] : self.lines[line]] if line else "x"
        return not above.strip() and line not in self.kept and bool(self.text[: self.lines[line]].strip())

    def comments(self) -> Iterator[tuple[int, str]]:
        """Where each comment begins, and its text."""
        at = 0
        for start, end in [*sorted(self.scalars), (len(self.text), len(self.text))]:
            yield from (
                (found.start(), found[0].rstrip()) for found in _COMMENT.finditer(self.text, at, start)
            )
            if header := _HEADER.match(self.text, start, end):
                yield header.start(1), header[1].rstrip()
            at = end

    def assign(self, start: int, comment: str, last: _Spot | None, following: _Spot | None) -> None:
        """Give a comment to its entry: the `last` that began before it, the `following`, or one around."""
        around = {id(area): area for spot in (last, following) if spot for area in spot.around}
        inside = [area for area in around.values() if area.group.flow and area.start < start < area.end]
        for area in inside:
            area.group.flow = False  # brackets in one line hold no comment
        if last and self.before(start).strip():
            entry = self.ended(start, last)
            entry.above += [entry.beside] if entry.beside else []
            entry.beside = comment
            return
        lines = [""] if self.blank(start) else []
        # After one that belongs to the entry below, the rest of the lines between two entries do too.
        below = self.below is not None and following is not None and self.below is following.entry.above
        home = self.below if below and self.below is not None else self.home(start, last, following, inside)
        self.below = home if following and home is following.entry.above else None
        home.extend([*lines, comment])

    def ended(self, start: int, spot: _Spot) -> Entry:
        """The entry that a comment stands beside: the last that began, or one of brackets that ended."""
        for area in spot.around:
            if area.group.flow and area.end <= start:
                return self.owners[id(area.group)].entry
        return spot.entry

    def home(self, start: int, last: _Spot | None, following: _Spot | None, inside: list[_Area]) -> list[str]:
        """Where a comment goes that has a line of its own."""
        if last and start < last.value and (isinstance(last.entry.value, Scalar) or last.entry.value.flow):
            return last.entry.above  # between a key and its value
        if inside:
            within = following is not None and inside[-1] in following.around
            return following.entry.above if following and within else inside[-1].group.below
        column = len(self.before(start))
        if last and (following is None or column > len(self.before(following.start))):
            for area in reversed(last.around):
                out = following is None or area not in following.around
                if out and not area.group.flow and area.column <= column:
                    return area.group.below
        return following.entry.above if following else self.root.below
