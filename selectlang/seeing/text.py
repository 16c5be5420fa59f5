"""Text for people that fits a terminal, and 80 columns of a wider one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from selectlang.faults import printable
from selectlang.tables import room, say, show, width

MISSING = "missing"
LEAST, LAST = 8, 12  # columns that are left to a column of a table, and to the last one


def cut(text: str, width: int) -> str:
    """A text of no more columns than `width`, with dots where some is left out."""
    text = printable(text)
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 3, 0)).rstrip() + "..."[: max(width, 0)]


def paragraph(text: str, indent: int = 0) -> None:
    """Print a text in lines of no more columns than a terminal has, all of them indented."""
    lines, line = [], ""
    for word in printable(text).split(" "):
        grown = f"{line} {word}" if line else word
        if line and indent + cell_len(grown) > width():
            lines.append(line)
            grown = word
        line = grown
    say("\n".join(" " * indent + each for each in [*lines, line]))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Print a table; where lines would be too long, its last column is cut, and then the widest of texts."""
    cells = [list(headers), *([printable(str(cell)) for cell in row] for row in rows)]
    widths = [max(cell_len(row[i]) for row in cells) for i in range(len(headers))]
    over = sum(widths) - room(len(headers))
    if over > 0:
        widths[-1] = min(widths[-1], max(widths[-1] - over, LAST))
    texts = [i for i, name in enumerate(headers) if name not in right]
    while sum(widths) > room(len(headers)) and max((widths[i] for i in texts), default=0) > LEAST:
        widths[max(texts, key=lambda i: widths[i])] -= 1
    head, *rest = [[cut(cell, most) for cell, most in zip(row, widths, strict=True)] for row in cells]
    show(head, rest, right)


def numbers(values: Sequence[float | None]) -> list[str]:
    """Numbers with as many digits as it takes to tell them apart, from 4 to 9; MISSING for None."""
    known = [value for value in values if value is not None]
    apart = len(set(known))
    for digits in range(4, 10):
        texts = [_number(value, digits) for value in known]
        if len(set(texts)) == apart:
            break
    told = iter(texts if known else [])
    return [MISSING if value is None else next(told) for value in values]


def _number(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.{digits}g}"


def share(part: float) -> str:
    """A share of one, as people read it: 12%, 1.4%, 0.03%."""
    percent = 100 * part
    if 99.5 <= percent < 100:
        return f"{min(percent, 99.9):.1f}%"
    return f"{percent:.0f}%" if percent >= 10 or percent == 0 else f"{percent:.2g}%"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
