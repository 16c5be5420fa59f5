"""The graph of a spec as Mermaid, which GitHub and many editors draw."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from selectlang.drawing.graph import Edge, Graph, Group, Node
from selectlang.drawing.look import TINTS, is_stage, label, title, walk
from selectlang.faults import printable


def mermaid(graph: Graph) -> str:
    """A flowchart with a box for each loop and recipe."""
    ids = {node.path: f"n{i}" for i, node in enumerate(graph.nodes)}
    boxes = {group.path: f"g{i}" for i, group in enumerate(graph.groups)}
    lines = ["flowchart TD"]
    for found, depth in walk(graph):
        lines.append("  " * (depth + 1) + _part(found, {**ids, **boxes}))
    lines += [f"  {line}" for line in (*_edges(graph, ids), *_colours(graph, ids))]
    return "\n".join(lines)


def _part(found: Node | Group | None, ids: Mapping[str, str]) -> str:
    if found is None:
        return "end"
    if isinstance(found, Group):
        return f'subgraph {ids[found.path]}["{_text(title(found))}"]'
    if is_stage(found):
        return f'{ids[found.path]}["{_text(found.name)}<br>{found.kind}: {_text(found.method)}"]'
    return f'{ids[found.path]}(["{_text(label(found))}"])'


def _edges(graph: Graph, ids: Mapping[str, str]) -> Iterator[str]:
    """What flows; the inputs of a node that has several are named."""
    into: dict[str, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        into[edge.target].append(edge)
    for edges in into.values():
        several = len({edge.port for edge in edges}) > 1
        for edge in edges:
            port = f'|"{_text(edge.port)}"|' if several and edge.port else ""
            yield f"{ids[edge.source]} -->{port} {ids[edge.target]}"


def _colours(graph: Graph, ids: Mapping[str, str]) -> Iterator[str]:
    for kind, (light, _) in TINTS.items():
        if found := [ids[node.path] for node in graph.nodes if node.kind == kind]:
            name = f"{kind}_"  # `cluster` is what Mermaid calls its boxes
            yield f"classDef {name} fill:{light},stroke:#6b7280,color:#1f2937"
            yield f"class {','.join(found)} {name}"


def _text(text: str) -> str:
    """Text in a label: what could end it, or be markup, is written by its number."""
    return re.sub(r"[^\w .,:/%↻-]", lambda found: f"#{ord(found[0])};", printable(text))
