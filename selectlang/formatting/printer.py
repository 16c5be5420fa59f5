"""Writing the parts of a spec in their one form.

What was written in lines of its own stays so. What was written within brackets stands in one line if that
fits, else below its key, filled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from selectlang.faults import cells
from selectlang.formatting import scalars
from selectlang.formatting.order import NAMED, inside, order
from selectlang.formatting.parts import Entry, Group, Part, Scalar

WIDTH = 110
STEP = 2


def printed(root: Group) -> str:
    """The text of a spec."""
    head = root.entries[0].above if root.entries else []  # what a file begins with is about all of it
    header, head[:] = head[:], []
    while header and not header[0]:
        header.pop(0)
    printer = _Printer()
    printer.comments(header, 0)
    printer.group(root, 0, "spec")
    return printer.text()


@dataclass
class _Line:
    text: str
    beside: str = ""


class _Printer:
    def __init__(self) -> None:
        self.lines: list[_Line] = []
        self.keeps = False  # the blank lines that were written last belong to a text

    def text(self) -> str:
        lines = self.lines
        while lines and not lines[-1].text and not self.keeps:
            lines.pop()
        return "".join(f"{line}\n" for line in _beside(lines))

    def comments(self, comments: list[str], indent: int) -> None:
        """Comments in lines of their own, and blank lines."""
        for comment in comments:
            if comment:
                self.line(" " * indent + comment)
            elif self.lines and self.lines[-1].text and not self.keeps:
                self.lines.append(_Line(""))
            self.keeps = False

    def line(self, text: str, beside: str = "") -> None:
        self.lines.append(_Line(text, beside))
        self.keeps = False

    def group(self, group: Group, indent: int, role: str) -> None:
        """A group in lines of its own."""
        entries = _ordered(group, role)
        widths = _aligned(entries, indent, role) if role in NAMED else {}
        for i, entry in enumerate(entries):
            self.comments(entry.above[1:] if not i and entry.above[:1] == [""] else entry.above, indent)
            if group.mapping:
                self.value(entry, widths.get(i, 0), indent, inside(role, entry.key))
            else:
                self.item(entry.value, indent, entry.beside)
        self.comments(group.below, indent)

    def value(self, entry: Entry, width: int, indent: int, role: str) -> None:
        """A key and its value, which begins at least at `width`."""
        part, left = entry.value, f"{' ' * indent}{_key(entry)}:"
        if isinstance(part, Scalar):
            self.scalar(part, left, indent, entry.beside)
        elif _in_line(entry, indent, role):
            self.line(f"{left.ljust(width)} {_flat(part, role)}", entry.beside)
        elif part.flow:
            self.line(left, entry.beside)
            self.filled(part, " " * (indent + STEP), role)
        else:
            self.line(left, entry.beside)
            self.group(part, indent + STEP, role)

    def item(self, part: Part, indent: int, beside: str) -> None:
        """An item of a list."""
        left = " " * indent + "-"
        if isinstance(part, Scalar):
            self.scalar(part, left, indent, beside)
        elif part.flow or not part.entries:
            whole = f"{left} {_flat(part)}"
            if _fits(whole) or not part.entries:
                self.line(whole, beside)
            else:
                self.comments([beside] if beside else [], indent)
                self.filled(part, f"{left} ", "")
        else:
            self.comments([comment for comment in (beside, *_hoisted(part)) if comment], indent)
            at = len(self.lines)
            self.group(part, indent + STEP, "")
            self.lines[at].text = f"{left} {self.lines[at].text[indent + STEP :]}"

    def scalar(self, part: Scalar, left: str, indent: int, beside: str) -> None:
        """A scalar after its key or dash: in a block if it was in one, or takes more than a line."""
        line = f"{left} {scalars.inline(part, flow=False)}".rstrip()
        blocked = part.style in ("|", ">") if part.style else False
        if blocked or (part.lines > 1 and not _fits(line)):
            block = scalars.block(part, max(WIDTH - indent - STEP, 40))
            if block:
                self.line(f"{left} {block[0]}", beside)
                for text in block[1:]:
                    self.line(" " * (indent + STEP) + text if text else "")
                self.keeps = "+" in block[0]
                return
        self.line(line, beside)

    def filled(self, group: Group, left: str, role: str) -> None:
        """A group within brackets, over as many lines as it needs."""
        opened, closed = "{}" if group.mapping else "[]"
        first, *items = _items(group, role)
        line = f"{left}{opened}{first}"
        for item in items:
            if _fits(f"{line}, {item},"):
                line = f"{line}, {item}"
            else:
                self.line(f"{line},")
                line = " " * (len(left) + 1) + item
        self.line(line + closed)


def _hoisted(group: Group) -> Iterator[str]:
    """The comments that stand between the dash of a group and the first word in it; they are taken out."""
    first = group.entries[0]
    yield from first.above
    first.above = []
    if first.key is None:
        yield first.beside
        first.beside = ""
        if isinstance(first.value, Group) and first.value.entries and not first.value.flow:
            yield from _hoisted(first.value)


def _aligned(entries: list[Entry], indent: int, role: str) -> dict[int, int]:
    """Where the values begin of entries that stand one below the other, each in one line."""
    runs: list[list[int]] = [[]]
    for i, entry in enumerate(entries):
        in_line = isinstance(entry.value, Group) and _in_line(entry, indent, inside(role, entry.key))
        if not in_line or (i and "" in entry.above):
            runs.append([])
        if in_line:
            runs[-1].append(i)
    widths = [max((indent + len(_key(entries[i])) + 1 for i in run), default=0) for run in runs]
    return {i: width for run, width in zip(runs, widths, strict=True) for i in run}


def _in_line(entry: Entry, indent: int, role: str) -> bool:
    """Whether a group stands in the line of its key: one within brackets that fits there."""
    group = entry.value
    if isinstance(group, Scalar) or not (group.flow or not group.entries):
        return False
    return not group.entries or _fits(f"{' ' * indent}{_key(entry)}: {_flat(group, role)}")


def _key(entry: Entry, flow: bool = False) -> str:
    return scalars.text(entry.key or "", flow)


def _flat(part: Part, role: str = "") -> str:
    """A part in one line, as it stands within brackets."""
    if isinstance(part, Scalar):
        return scalars.inline(part, flow=True)
    inner = ", ".join(_items(part, role))
    return f"{{{inner}}}" if part.mapping else f"[{inner}]"


def _items(group: Group, role: str) -> list[str]:
    """The entries of a group, each as it stands within brackets."""
    if not group.mapping:
        return [_flat(entry.value) for entry in group.entries]
    return [
        f"{_key(entry, flow=True)}: {_flat(entry.value, inside(role, entry.key))}"
        for entry in _ordered(group, role)
    ]


def _ordered(group: Group, role: str) -> list[Entry]:
    """The entries of a group in their order."""
    if not group.mapping:
        return group.entries
    found = {entry.key or "": entry for entry in group.entries}
    return [found[key] for key in order(role, found)]


def _fits(line: str) -> bool:
    return cells(line) <= WIDTH


def _beside(lines: list[_Line]) -> Iterator[str]:
    """Lines with the comments at their ends; those one below the other begin in one column."""
    for ends, run in groupby(lines, key=lambda line: bool(line.beside)):
        found = list(run)
        width = max(cells(line.text) for line in found) + 2 if ends else 0
        for line in found:
            yield line.text + " " * (width - cells(line.text)) + line.beside if ends else line.text
