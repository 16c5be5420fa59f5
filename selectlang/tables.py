"""What commands print. Texts of users go through here, so that none of them steers a terminal.

A table has lines and colour in a terminal, and is plain columns in a pipe.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

from selectlang.faults import printable

WIDTH = 80  # columns of a line, in a terminal that is not narrower


def width() -> int:
    """The columns that lines may have."""
    return min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns) if sys.stdout.isatty() else WIDTH


def room(columns: int) -> int:
    """The columns of a line that are left for the cells of a table, which has wider gaps in a terminal."""
    return width() - (3 * columns - 1 if sys.stdout.isatty() else 2 * columns - 2)


def say(text: object, stream: TextIO | None = None) -> None:
    """Print lines for people, to stdout or `stream`; control characters in them become visible."""
    print("\n".join(map(printable, str(text).expandtabs().split("\n"))), file=stream)


def show(headers: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Print a table to stdout; the columns named in `right` are set flush right."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich(headers, cells, right)
        return
    from rich.cells import cell_len  # of letters that are wide, too

    widths = [max(cell_len(row[i]) for row in [list(headers), *cells]) for i in range(len(headers))]
    for row in [list(headers), *cells]:
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        padded = [
            gap + cell if name in right else cell + gap
            for cell, gap, name in zip(row, gaps, headers, strict=True)
        ]
        print("  ".join(padded).rstrip())


def _rich(headers: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in headers:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in cells:
        table.add_row(*(escape(cell) for cell in row))
    Console().print(table)


def dollars(amount: float) -> str:
    """An amount of money: cents, or two digits where it is less than one."""
    return f"${amount:,.2f}" if amount >= 0.01 or not amount else f"${amount:.2g}"


def counted(number: int, what: str) -> str:
    """A number of things: 1 row, 2 rows."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def count(number: int | None, most: bool = False) -> str:
    """A count with thousands marked; `?` when unknown, `<= n` for an upper bound."""
    if number is None:
        return "?"
    return f"<= {number:,}" if most else f"{number:,}"
