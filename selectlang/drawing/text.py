"""The graph of a spec as text: a line for each node, and to the left of it what flows."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator

from selectlang.drawing.graph import CARRY, NEXT, Graph, Group, Node
from selectlang.drawing.lanes import MOST, Lanes
from selectlang.drawing.look import is_stage, label, title, walk
from selectlang.faults import cells

NAMES = 28  # columns of a name, at most
ASCII = str.maketrans("│─╰╯╭╮├┤┴┬┼●○↻┃┏┗…", "|-+++++++++*o~|++.")
"""For a terminal that has no such signs."""


def text(graph: Graph, width: int = 80) -> str:
    """Lines of at most `width` columns: a node stands below all that leads to it, and a loop in a box."""
    return "\n".join(line.rstrip() for line in _lines(graph, width))


def _lines(graph: Graph, width: int) -> Iterator[str]:
    sources: dict[str, dict[str, str]] = defaultdict(dict)  # of each node: what leads to it, and its name
    for edge in graph.edges:
        sources[edge.target][edge.source] = edge.part
    lanes = Lanes(sources)
    parts = list(walk(graph))
    gutters = [lanes.at(found.path, is_stage(found)) if isinstance(found, Node) else lanes.between()
               for found, _ in parts]  # fmt: skip
    drawn = lanes.most <= MOST
    widest = max(2 * depth + cells(label(found)) for found, depth in parts if isinstance(found, Node))
    for gutter, (found, depth) in zip(gutters, parts, strict=True):
        left = gutter.ljust(2 * lanes.most + 1) if drawn else ""
        left += "┃ " * depth
        if found is None:
            yield f"{left}┗"
        elif isinstance(found, Group):
            for i, line in enumerate(textwrap.wrap(title(found), max(20, width - len(left) - 2))):
                yield f"{left}{'┃' if i else '┏'} {line}"
        else:
            room = min(NAMES, widest) - 2 * depth
            name = _cut(label(found), room)
            named = ", ".join(sources[found.path].values())
            said = f"{_says(found)}, from {named}" if named and not drawn else _says(found)
            yield _cut(f"{left}{name}{' ' * (room - cells(name))}  {said}", width)


def _says(node: Node) -> str:
    if is_stage(node):
        return f"{node.kind}: {node.method}"
    return {CARRY: "from the round before", NEXT: "to the next round"}.get(node.kind, node.kind)


def _cut(line: str, width: int) -> str:
    while cells(line) > width:
        line = f"{line[: -1 - line.endswith('…')]}…"
    return line
