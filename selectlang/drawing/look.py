"""What nodes and boxes are called and coloured, in each of the forms of a drawing."""

from __future__ import annotations

from collections.abc import Iterator

from selectlang.drawing.graph import CARRY, NEXT, Graph, Group, Node
from selectlang.methods import KINDS

TINTS: dict[str, tuple[str, str]] = {
    "embed": ("#dbeafe", "#1e3a5f"), "cluster": ("#d6f0ec", "#134e4a"), "score": ("#fdeccb", "#5a3d0c"),
    "judge": ("#fbdfe3", "#5f1d33"), "classify": ("#f3e1f7", "#4c1d5f"), "merge": ("#e5e7eb", "#374151"),
    "budget": ("#d9f2dc", "#14532d"), "generate": ("#fde3d3", "#63301b"), "train": ("#e3e0fb", "#312e81"),
}  # fmt: skip
"""The colour of each kind, on a light page and on a dark one."""

_SIGNS = {CARRY: "↻ {}", NEXT: "{} ↻"}


def is_stage(node: Node) -> bool:
    """Whether a node calls a method; anything else is drawn small, with round ends."""
    return node.kind in KINDS


def label(node: Node) -> str:
    """The name of a node, with a sign where a round begins and ends."""
    return _SIGNS.get(node.kind, "{}").format(node.name)


def title(group: Group) -> str:
    """What a box is, and how long it goes on."""
    return f"{'↻ ' if group.kind == 'loop' else ''}{group.name}: {group.says}"


def walk(graph: Graph) -> Iterator[tuple[Node | Group | None, int]]:
    """Nodes in order, boxes where they begin, and None where one ends; each how many boxes are around."""
    groups = {group.path: group for group in graph.groups}
    around: list[str] = []
    for node in [*graph.nodes, None]:
        chain = []
        path = node.group if node else ""
        while path:
            chain.append(path)
            path = groups[path].parent
        while around and around != chain[::-1][: len(around)]:
            around.pop()
            yield None, len(around)
        for path in chain[::-1][len(around) :]:
            yield groups[path], len(around)
            around.append(path)
        if node:
            yield node, len(around)
