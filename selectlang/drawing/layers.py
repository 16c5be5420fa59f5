"""Layered drawing of one scope: which layer each item stands in, in which order, and where (Sugiyama).

An item is anything that takes room. A link leads from an item to one in a later layer; where it passes
layers it bends, and the links of one source share their bends.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from itertools import pairwise

SWEEPS = 12


@dataclass
class Item:
    """`x` is its middle and `y` its top. `at` says where a source is attached, relative to the middle."""

    key: str
    width: float = 0.0
    height: float = 0.0
    pin: str = ""  # top, bottom: in the first or last layer; carry, next: in the one before these
    x: float = 0.0
    y: float = 0.0
    rank: int = 0
    at: dict[str, float] = field(default_factory=dict)

    @property
    def bend(self) -> bool:
        """Whether it is a place where a link passes, and no box."""
        return not self.width


Link = tuple[str, str, str]
"""From an item to an item, and the source whose value flows."""


def ranked(items: Mapping[str, Item], links: Iterable[Link]) -> None:
    """Put each item into a layer below what leads to it; where nothing does, just above what it leads to."""
    before: dict[str, set[str]] = {key: set() for key in items}
    after: dict[str, set[str]] = {key: set() for key in items}
    for a, b, _ in links:
        before[b].add(a)
        after[a].add(b)
    order = list(TopologicalSorter(before).static_order())
    for key in order:
        above = [items[other].rank + 1 for other in before[key]]
        items[key].rank = max(above, default=0 if items[key].pin == "top" else 1)
    for key in order:
        if not before[key] and not items[key].pin and after[key]:
            items[key].rank = min(items[other].rank for other in after[key]) - 1
    last = max((item.rank for item in items.values() if item.pin not in ("next", "bottom")), default=0) + 1
    for item in items.values():
        if item.pin in ("next", "bottom"):
            item.rank = last + (item.pin == "bottom")


def bent(items: dict[str, Item], links: Iterable[Link]) -> tuple[list[Link], dict[Link, list[str]]]:
    """Bends where links pass layers: all links from a layer to the next, and the items that each passes."""
    short: dict[Link, None] = {}
    routes = {}
    for link in links:
        a, b, source = link
        route = [a]
        for rank in range(items[a].rank + 1, items[b].rank):
            key = f"{source} bend {rank}"
            items.setdefault(key, Item(key, rank=rank))
            route.append(key)
        route.append(b)
        short |= dict.fromkeys((u, v, source) for u, v in pairwise(route))
        routes[link] = route
    return list(short), routes


class Ordering:
    """The order in each layer: that with the fewest crossings of a number of sweeps by barycentres."""

    def __init__(self, items: Mapping[str, Item], links: list[Link]) -> None:
        self.items = items
        self.links = links
        count = max((item.rank for item in items.values()), default=0) + 1
        self.layers: list[list[str]] = [[] for _ in range(count)]
        for key, item in items.items():
            self.layers[item.rank].append(key)
        self.between: list[list[Link]] = [[] for _ in range(count)]  # from a layer to the next
        for link in links:
            self.between[items[link[0]].rank].append(link)

    def best(self) -> list[list[str]]:
        """The keys of each layer, from left to right."""
        found, fewest = [list(layer) for layer in self.layers], self._crossings()
        for sweep in range(SWEEPS):
            down = sweep % 2 == 0
            ranks = range(1, len(self.layers)) if down else range(len(self.layers) - 2, -1, -1)
            for rank in ranks:
                self._sort(rank, down)
            count = self._crossings()
            if count < fewest:
                found, fewest = [list(layer) for layer in self.layers], count
        return found

    def _sort(self, rank: int, down: bool) -> None:
        """Order a layer by the mean place of what each item is linked to in the layer above, or below."""
        links = self.between[rank - 1] if down else self.between[rank]
        spots = self._spots(rank - 1 if down else rank + 1)
        linked = defaultdict(list)
        for a, b, source in links:
            here, there = (b, a) if down else (a, b)
            linked[here].append(spots[there] + self._part(there, source) - self._part(here, source))
        own = self._spots(rank)
        self.layers[rank].sort(
            key=lambda key: sum(linked[key]) / len(linked[key]) if linked[key] else own[key]
        )

    def _spots(self, rank: int) -> dict[str, float]:
        return {key: float(place) for place, key in enumerate(self.layers[rank])}

    def _part(self, key: str, source: str) -> float:
        """Where a source is attached, in parts of the width of an item."""
        item = self.items[key]
        return 0.9 * item.at.get(source, 0.0) / item.width if item.width else 0.0

    def _crossings(self) -> int:
        count = 0
        for rank, links in enumerate(self.between[:-1]):
            upper, lower = self._spots(rank), self._spots(rank + 1)
            ends = sorted((upper[a] + self._part(a, s), lower[b] + self._part(b, s)) for a, b, s in links)
            seen: list[float] = []
            for _, end in ends:
                count += len(seen) - bisect_left(seen, end + 1e-9)
                insort(seen, end)
        return count
