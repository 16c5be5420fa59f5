"""The graph of a spec as SVG: one file that needs nothing else, for light and dark pages."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping
from html import escape

from selectlang.drawing.graph import Graph, Group, Node
from selectlang.drawing.layout import PAD, Layout, Placed, Stop, layout
from selectlang.drawing.look import TINTS, is_stage, label, title
from selectlang.faults import cells, printable

MOST = 400  # nodes: more are no picture
NAME, SMALL = 7.2, 6.4  # the width of a letter in the name of a node, and in its other lines
LONGEST = 30  # letters of a line; the whole of it is in the tooltip
PILL, LINE = 24.0, 16.0  # the height of a node that is no stage, and of a line in one that is


def svg(graph: Graph, notes: Mapping[str, str] = {}) -> str:
    """A drawing of the graph. `notes` stand under stages, by their path: counts, seconds.

    It follows the colours that the reader prefers, or those of a page whose root says `data-theme`. A graph
    of more than MOST nodes is told, not drawn.
    """
    if len(graph.nodes) > MOST:
        return _told(f"The graph has {len(graph.nodes):,} nodes; at most {MOST} are drawn.")
    sizes = {node.path: _size(node, notes.get(node.path, "")) for node in graph.nodes}
    sizes |= {group.path: _head_size(group) for group in graph.groups}
    found = layout(graph, sizes)
    return "\n".join([*_head(graph, found), *_body(graph, found, notes), "</svg>"])


def _told(text: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="sl-graph" viewBox="0 0 480 40" width="480" '
        f'height="40" role="img"><style>{_style()}</style><text x="16" y="25">{_text(text)}</text></svg>'
    )


def _head(graph: Graph, found: Layout) -> Iterator[str]:
    width, height = round(found.width), round(found.height)
    label = _text(f"The graph of {graph.name}: {graph.doc}" if graph.doc else f"The graph of {graph.name}")
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sl-graph" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{label}">'
    )
    yield f"<style>{_style()}</style>"
    yield (
        '<defs><marker id="sl-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L8 4L0 8z" class="sl-tip"/></marker></defs>'
    )
    yield '<rect class="sl-page" width="100%" height="100%"/>'


def _body(graph: Graph, found: Layout, notes: Mapping[str, str]) -> Iterator[str]:
    for group in graph.groups:
        place = found.placed[group.path]
        yield f'<rect class="sl-box sl-{group.kind}" {_rect(place)} rx="8"/>'
    parts = defaultdict(list)
    names = {node.path: node.name for node in graph.nodes}
    for edge in graph.edges:
        port = f" as {edge.port}" if edge.port else ""
        parts[edge.source, edge.target].append(f"{edge.part} to {names[edge.target]}{port}")
    for ends, stops in found.runs.items():
        yield f'<path class="sl-edge" d="{_path(stops)}" marker-end="url(#sl-tip)">{_tip(parts[ends])}</path>'
    for group in graph.groups:  # over the edges that come in
        place = found.placed[group.path]
        for i, line in enumerate(_title(group)):
            x, y = place.x + PAD, place.y + 4 + LINE * (i + 0.9)
            yield f'<text class="sl-title" x="{x:.1f}" y="{y:.1f}">{_text(line)}</text>'
    for node in graph.nodes:
        yield from _node(node, found.placed[node.path], notes.get(node.path, ""))


def _title(group: Group) -> list[str]:
    """The title of a box, in lines."""
    return textwrap.wrap(title(group), 44, max_lines=4, placeholder=" …")


def _head_size(group: Group) -> tuple[float, float]:
    lines = _title(group)
    return max(_width(line, SMALL) for line in lines), LINE * len(lines)


def _rect(place: Placed) -> str:
    return f'x="{place.x:.1f}" y="{place.y:.1f}" width="{place.width:.1f}" height="{place.height:.1f}"'


def _node(node: Node, place: Placed, note: str) -> Iterator[str]:
    """A stage has a name, its method, and a note; anything else is one line with round ends."""
    tip = _tip([node.path if is_stage(node) else node.name, *node.about.splitlines(), note])
    yield f'<g class="sl-node sl-{node.kind}" data-stage="{_text(node.path)}">{tip}'
    yield f'<rect {_rect(place)} rx="{5 if is_stage(node) else place.height / 2:g}"/>'
    middle = place.x + place.width / 2
    for i, (what, line) in enumerate(_lines(node, note)):
        y = place.y + 6 + LINE * (i + 0.72) - (0 if is_stage(node) else 2)
        yield f'<text class="sl-{what}" x="{middle:.1f}" y="{y:.1f}">{_text(_cut(line))}</text>'
    yield "</g>"


def _lines(node: Node, note: str) -> list[tuple[str, str]]:
    if not is_stage(node):
        return [("name", f"{label(node)}  {note}" if note else label(node))]
    lines = [("name", node.name), ("method", f"{node.kind}: {node.method}")]
    return [*lines, ("note", note)] if note else lines


def _size(node: Node, note: str) -> tuple[float, float]:
    lines = _lines(node, note)
    widest = max(_width(_cut(line), NAME if what == "name" else SMALL) for what, line in lines)
    return widest + 22, 12 + LINE * len(lines) if is_stage(node) else PILL


def _width(text: str, letter: float) -> float:
    return cells(text) * letter


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _path(stops: list[Stop]) -> str:
    """A line down through layers, in curves between them."""
    x, y, low = stops[0]
    parts = [f"M{x:.1f} {y:.1f}", f"V{low:.1f}" if low > y else ""]
    for here, top, bottom in stops[1:]:
        half = (low + top) / 2
        if abs(here - x) < 0.5 or top <= low:
            parts.append(f"L{here:.1f} {top:.1f}")
        else:
            parts.append(f"C{x:.1f} {half:.1f} {here:.1f} {half:.1f} {here:.1f} {top:.1f}")
        parts.append(f"V{bottom:.1f}" if bottom > top else "")
        x, low = here, bottom
    return "".join(parts)


def _tip(lines: list[str]) -> str:
    return f"<title>{_text(chr(10).join(line for line in lines if line))}</title>"


def _text(text: str) -> str:
    """Text that is no markup, and has no character that XML does not allow."""
    return escape("\n".join(printable(line) for line in text.split("\n")))


def _style() -> str:
    light, dark = _colours(0), _colours(1)
    return (
        ".sl-graph{font:12px system-ui,sans-serif}.sl-graph text{text-anchor:middle}"
        ".sl-graph .sl-name{font-weight:600}.sl-graph .sl-method,.sl-graph .sl-note{font-size:11px}"
        ".sl-graph .sl-title{text-anchor:start;font-size:11px;font-weight:600}"
        ".sl-graph .sl-title{stroke-width:4;paint-order:stroke}"
        ".sl-graph .sl-edge{fill:none;stroke-width:1.3}.sl-graph .sl-edge:hover{stroke-width:3}"
        ".sl-graph .sl-loop,.sl-graph .sl-carry rect,.sl-graph .sl-next rect{stroke-dasharray:5 3}"
        + _under("", light)
        + f"@media (prefers-color-scheme:dark){{{_under('', dark)}}}"
        + _under("[data-theme=light] ", light)
        + _under("[data-theme=dark] ", dark)
    )


def _under(root: str, rules: Mapping[str, str]) -> str:
    return "".join(f"{root}.sl-graph {what}{{{how}}}" for what, how in rules.items())


def _colours(theme: int) -> dict[str, str]:
    """Rules for one of the two themes."""
    page, ink, faint, line, box = (
        ("#ffffff", "#1f2937", "#4b5563", "#6b7280", "#f9fafb"),
        ("#0f172a", "#f1f5f9", "#cbd5e1", "#94a3b8", "#1e293b"),
    )[theme]
    rules = {
        ".sl-page": f"fill:{page}",
        "text": f"fill:{ink}",
        ":is(.sl-method,.sl-note)": f"fill:{faint}",
        ".sl-edge": f"stroke:{line}",
        ".sl-tip": f"fill:{line}",
        ".sl-node rect": f"fill:{page};stroke:{line}",
        ".sl-box": f"fill:{box};stroke:{line}",
        ".sl-title": f"fill:{ink};stroke:{box}",
    }
    return rules | {f".sl-node.sl-{kind} rect": f"fill:{tints[theme]}" for kind, tints in TINTS.items()}
