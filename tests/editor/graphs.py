"""Graphs of any shape: boxes in boxes, and edges from any node to any later one."""

from __future__ import annotations

from hypothesis import strategies as st

from selectlang.drawing.graph import CARRY, NEXT, Edge, Graph, Group, Node


@st.composite
def graphs(draw: st.DrawFn, most: int = 14) -> Graph:
    graph = Graph("any", "")
    left = draw(st.integers(1, most))

    def fill(group: str, depth: int, least: int) -> None:
        nonlocal left
        count = 0
        while left > 0 and (count < least or draw(st.integers(0, 3))):
            count += 1
            left -= 1
            path = f"{group}/n{len(graph.nodes)}" if group else f"n{len(graph.nodes)}"
            if depth < 3 and left > 1 and draw(st.integers(0, 3)) == 0:
                inner = f"{path}box"
                graph.groups.append(Group(inner, f"g{len(graph.groups)}", "loop", "3 rounds", group))
                looped = draw(st.booleans())
                if looped:
                    add(Node(f"{inner}/carry", "kept", CARRY, "", inner))
                fill(inner, depth + 1, 1)
                if looped:
                    add(Node(f"{inner}/kept next", "kept", NEXT, "", inner))
            else:
                add(
                    Node(
                        path,
                        f"n{len(graph.nodes)}",
                        draw(st.sampled_from(["score", "data", "merge"])),
                        "m",
                        group,
                    )
                )

    def add(node: Node) -> None:
        graph.nodes.append(node)

    fill("", 0, 1)
    groups = {group.path: group.parent for group in graph.groups}
    for i, node in enumerate(graph.nodes):
        sources = [other for other in graph.nodes[:i] if may(other, node, groups)]
        if node.kind == NEXT:
            sources = [other for other in sources if other.group.startswith(node.group)][-1:] or sources[-1:]
        for source in draw(st.lists(st.sampled_from(sources), unique=True, max_size=4)) if sources else []:
            graph.edges.append(Edge(source.path, node.path, source.name, "port"))
    return graph


def may(source: Node, target: Node, groups: dict[str, str]) -> bool:
    """Whether an edge can be: what a round hands on goes outside, and a carry takes from there."""
    if source.kind == NEXT and f"{target.group}/".startswith(f"{source.group}/"):
        return False
    return not (target.kind == CARRY and f"{source.group}/".startswith(f"{target.group}/"))
