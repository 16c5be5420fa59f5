"""Tables and curves for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

STYLES = (("●", "green"), ("▲", "cyan"), ("■", "magenta"), ("◆", "yellow"))
HEIGHT, WIDTH = 10, 7  # lines of a chart above that of 0, and characters of a round


def table(title: str, head: Sequence[str], rows: Mapping[str, Iterable[object]]) -> Table:
    """A table whose first column names its rows."""
    made = Table(title=title, title_justify="left")
    made.add_column(head[0])
    for name in head[1:]:
        made.add_column(name, justify="right")
    for name, cells in rows.items():
        made.add_row(name, *map(str, cells))
    return made


def chart(curves: Mapping[str, Sequence[float]], across: str) -> Text:
    """Shares, 0 to 1, round by round: a curve for each name; `across` is what a round is called."""
    styles = dict(zip(curves, STYLES, strict=False))
    rounds = max(map(len, curves.values()))
    drawn = Text("\n")
    for line in range(HEIGHT, -1, -1):
        drawn.append(f"{line / HEIGHT:>6.0%} │" if line % 2 == 0 else "       │", "dim")
        for at in range(rounds):
            marks = Text()
            for name, curve in curves.items():
                if at < len(curve) and round(HEIGHT * curve[at]) == line:
                    marks.append(*styles[name])
            marks.align("center", WIDTH)
            drawn.append_text(marks)
        drawn.append("\n")
    drawn.append(f"       └{'─' * WIDTH * rounds}\n        ", "dim")
    drawn.append("".join(f"{at + 1:^{WIDTH}}" for at in range(rounds)) + f" {across}\n", "dim")
    for name, (mark, colour) in styles.items():
        drawn.append(f"        {mark} {name}\n", colour)
    return drawn
