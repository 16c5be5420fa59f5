"""Where the items of a layered drawing stand: near what they are linked to, and none over another."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from selectlang.drawing.layers import Item, Link

GAP, BEND_GAP = 26.0, 12.0  # between two boxes, and where one of the two is a line
SWEEPS = 16
STRAIGHT = 6.0  # how much more a line that only passes wants to be straight


def across(items: Mapping[str, Item], layers: Sequence[Sequence[str]], links: Sequence[Link]) -> float:
    """Set the `x` of each item, from 0 on; the width of it all."""
    linked: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)  # other end, source, whether above
    for a, b, source in links:
        linked[a].append((b, source, False))
        linked[b].append((a, source, True))
    for layer in layers:
        _set(items, layer, [0.0] * len(layer), [1.0] * len(layer))
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        both = sweep >= SWEEPS - 4
        for layer in layers if down else reversed(layers):
            wanted, weights = [], []
            for key in layer:
                spot, weight = _wanted(items, key, linked[key], None if both else down)
                wanted.append(spot)
                weights.append(weight)
            _set(items, layer, wanted, weights)
    _straighten(items, layers, links)
    left = min((item.x - item.width / 2 for item in items.values()), default=0.0)
    for item in items.values():
        item.x -= left
    return max((item.x + item.width / 2 for item in items.values()), default=0.0)


def _wanted(
    items: Mapping[str, Item], key: str, linked: list[tuple[str, str, bool]], above: bool | None
) -> tuple[float, float]:
    """Where an item would best stand, by its links to the layer above, below or both; and how much so."""
    item, total, weight = items[key], 0.0, 0.0
    for other, source, up in linked:
        if above is not None and up != above:
            continue
        pull = STRAIGHT if item.bend and items[other].bend else 1.0
        total += pull * (items[other].x + items[other].at.get(source, 0.0) - item.at.get(source, 0.0))
        weight += pull
    return (total / weight, weight) if weight else (item.x, 0.1)


def _set(
    items: Mapping[str, Item], layer: Sequence[str], wanted: Sequence[float], weights: Sequence[float]
) -> None:
    """Stand the items of a layer as near as they can to where they want: isotonic regression of the slack."""
    room, so_far = [], 0.0
    for i, key in enumerate(layer):
        so_far += _apart(items[layer[i - 1]], items[key]) if i else 0.0
        room.append(so_far)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for spot, weight, taken in zip(wanted, weights, room, strict=True):
        mean, length = spot - taken, 1
        while blocks and blocks[-1][0] > mean:
            other, heavy, more = blocks.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, length = weight + heavy, length + more
        blocks.append((mean, weight, length))
    spots = [mean for mean, _, length in blocks for _ in range(length)]
    for key, spot, taken in zip(layer, spots, room, strict=True):
        items[key].x = spot + taken


def _apart(a: Item, b: Item) -> float:
    """How far the middles of two neighbours stand from one another, at least."""
    return (a.width + b.width) / 2 + (BEND_GAP if a.bend or b.bend else GAP)


def _straighten(items: Mapping[str, Item], layers: Sequence[Sequence[str]], links: Sequence[Link]) -> None:
    """Make lines that pass layers straight, for as many layers as the room beside them allows."""
    spots = {key: (layer, i) for layer in layers for i, key in enumerate(layer)}
    below = {a: b for a, b, _ in links if items[a].bend and items[b].bend}
    inner = set(below.values())
    for start in [key for key in below if key not in inner]:
        run: list[str] = []
        low, high = -math.inf, math.inf
        key: str | None = start
        while key is not None:
            layer, i = spots[key]
            before, item, after = items[layer[i - 1]], items[key], items[layer[(i + 1) % len(layer)]]
            least = before.x + _apart(before, item) if i else -math.inf
            most = after.x - _apart(item, after) if i + 1 < len(layer) else math.inf
            if max(low, least) > min(high, most):
                _align(items, run, low, high)
                run, low, high = [], -math.inf, math.inf
            run.append(key)
            low, high = max(low, least), min(high, most)
            key = below.get(key)
        _align(items, run, low, high)


def _align(items: Mapping[str, Item], run: list[str], low: float, high: float) -> None:
    if run:
        mean = sum(items[key].x for key in run) / len(run)
        for key in run:
            items[key].x = min(max(mean, low), high)
