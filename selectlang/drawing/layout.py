"""Where the nodes and boxes of a graph stand, and how its edges run: each box is laid out by itself.

An edge into a box enters through a port on its upper side, and one out of it leaves through a port on its
lower side. A box is thus a single item for what stands around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from selectlang.drawing.graph import CARRY, NEXT, Graph
from selectlang.drawing.layers import Item, Link, Ordering, bent, ranked
from selectlang.drawing.place import across

PAD = 16.0  # between a box and what is in it
GAP = 30.0  # between two layers

Stop = tuple[float, float, float]
"""Where an edge passes a layer: x, and the y at which it comes and goes."""


@dataclass
class Placed:
    """A node or a box: its left upper corner and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass
class Layout:
    """The size of a drawing, its nodes and boxes by path, and the stops of each edge by its two ends."""

    width: float
    height: float
    placed: dict[str, Placed]
    runs: dict[tuple[str, str], list[Stop]]


def layout(graph: Graph, sizes: Mapping[str, tuple[float, float]]) -> Layout:
    """Lay out a graph whose nodes have these sizes; for a box, it is that of its title."""
    maker = _Maker(graph, sizes)
    scene = maker.scenes[""]
    placed = dict(maker.settle("", 0.0, 0.0))
    runs = {ends: list(maker.run(*ends)) for ends in maker.parts}
    return Layout(scene.width, scene.height, placed, runs)


@dataclass
class _Scene:
    """The inside of one box, or of the whole, laid out from its own corner."""

    items: dict[str, Item] = field(default_factory=dict)
    links: dict[Link, None] = field(default_factory=dict)
    routes: dict[Link, list[str]] = field(default_factory=dict)
    lows: list[float] = field(default_factory=list)  # where each layer ends
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    y: float = 0.0


class _Maker:
    def __init__(self, graph: Graph, sizes: Mapping[str, tuple[float, float]]) -> None:
        self.sizes = sizes
        self.parent = {group.path: group.parent for group in graph.groups}
        self.home = {node.path: node.group for node in graph.nodes}
        self.scenes = {path: _Scene() for path in ("", *self.parent)}
        for node in graph.nodes:
            pin = {CARRY: "carry", NEXT: "next"}.get(node.kind, "")
            self.scenes[node.group].items[node.path] = Item(node.path, *sizes[node.path], pin)
        for group in graph.groups:
            self.scenes[group.parent].items[group.path] = Item(group.path)
        self.parts = {(e.source, e.target): self.links(e.source, e.target) for e in graph.edges}
        for group in reversed(graph.groups):  # a box stands after those that it is in
            self.arrange(group.path)
        self.arrange("")

    def boxes(self, path: str) -> list[str]:
        """The boxes around a node, from the whole to its own."""
        found = [self.home[path]]
        while found[-1]:
            found.append(self.parent[found[-1]])
        return found[::-1]

    def links(self, source: str, target: str) -> list[tuple[str, Link]]:
        """The links that an edge is made of, each with its box, from the source to the target."""
        out, into = self.boxes(source), self.boxes(target)
        shared = sum(a == b for a, b in zip(out, into, strict=False))
        out, into = [*out[shared - 1 :], source], [*into[shared - 1 :], target]
        low, high = f"{source} out", f"{source} in"
        found = [(box, (inner, low, source)) for box, inner in pairwise(out[1:])][::-1]
        found.append((out[0], (out[1], into[1], source)))
        found += [(box, (high, inner, source)) for box, inner in pairwise(into[1:])]
        for box, link in found:
            scene = self.scenes[box]
            if link[0] == high:
                scene.items.setdefault(high, Item(high, pin="top"))
            if link[1] == low:
                scene.items.setdefault(low, Item(low, pin="bottom"))
            scene.links[link] = None
        return found

    def arrange(self, box: str) -> None:
        """Lay out the inside of a box; the boxes in it are laid out already, and have their sizes."""
        scene = self.scenes[box]
        items = scene.items
        ranked(items, scene.links)
        short, scene.routes = bent(items, scene.links)
        layers = Ordering(items, short).best()
        inner = across(items, layers, short)
        wide, head = self.sizes[box] if box else (0.0, 0.0)
        scene.width = max(inner, wide) + 2 * PAD
        shift = (scene.width - inner) / 2
        y = 0.0
        for layer in layers:
            if any(items[key].pin not in PORTS for key in layer):
                y += GAP if scene.lows and scene.lows[-1] else head + PAD
            for key in layer:
                items[key].y = y
                items[key].x += shift
            y += max((items[key].height for key in layer), default=0.0)
            scene.lows.append(y)
        scene.height = y + PAD
        for item in items.values():
            if item.pin == "bottom":
                item.y = scene.height
        if any(item.pin == "bottom" for item in items.values()):
            scene.lows[-1] = scene.height
        if box:
            self.outer(box, scene)

    def outer(self, box: str, scene: _Scene) -> None:
        """The item that a box is for what stands around it, with its ports."""
        item = self.scenes[self.parent[box]].items[box]
        item.width, item.height = scene.width, scene.height
        ports = {key.rsplit(" ", 1)[0]: port.x for key, port in scene.items.items() if port.pin in PORTS}
        item.at = {source: x - scene.width / 2 for source, x in ports.items()}

    def settle(self, box: str, x: float, y: float) -> Iterator[tuple[str, Placed]]:
        """Where all that stands in a box is in the whole, whose corner is at x and y."""
        scene = self.scenes[box]
        scene.x, scene.y = x, y
        for key, item in scene.items.items():
            if item.bend:
                continue
            left, top = x + item.x - item.width / 2, y + item.y
            yield key, Placed(left, top, item.width, item.height)
            if key in self.scenes:
                yield from self.settle(key, left, top)

    def run(self, source: str, target: str) -> Iterator[Stop]:
        """The stops of an edge."""
        for box, link in self.parts[source, target]:
            scene = self.scenes[box]
            for key in scene.routes[link]:
                item = scene.items[key]
                x, low = scene.x + item.x + item.at.get(source, 0.0), scene.y + scene.lows[item.rank]
                if key == link[1]:
                    yield x, scene.y + item.y, scene.y + item.y
                elif key == link[0]:
                    yield x, scene.y + item.y + item.height, low
                else:
                    yield x, scene.y + item.y, low


PORTS = ("top", "bottom")
