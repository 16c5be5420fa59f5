"""Lanes beside a list of nodes: each value flows down one of them, until the last node that takes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

MOST = 12  # lanes that a terminal has room for
_SIGNS = {
    "": " ", "u": "│", "d": "│", "ud": "│", "l": "─", "r": "─", "lr": "─",
    "ur": "╰", "ul": "╯", "dr": "╭", "dl": "╮",
    "udr": "├", "udl": "┤", "ulr": "┴", "dlr": "┬", "udlr": "┼",
}  # fmt: skip


class Lanes:
    """Draws the lanes beside each node in turn; `sources` are the nodes that each node takes values of.

    `most` is how many lanes there were beside one another. Beyond MOST of them, nothing is drawn.
    """

    def __init__(self, sources: Mapping[str, Collection[str]]) -> None:
        self.sources = sources
        self.left = Counter(source for found in sources.values() for source in found)
        self.lanes: list[str | None] = []
        self.most = 0

    def between(self) -> str:
        """The lanes beside a line that is no node."""
        return "" if self.most > MOST else " ".join("│" if lane else " " for lane in self.lanes)

    def at(self, node: str, stage: bool) -> str:
        """The lanes beside a node, which they lead into and out of."""
        if self.most > MOST:
            return ""
        before = list(self.lanes)
        into = [i for i, lane in enumerate(before) if lane in self.sources.get(node, ())]
        ending = []
        for i in into:
            source = before[i]
            assert source is not None
            self.left[source] -= 1
            if not self.left[source]:
                self.lanes[i] = None
                ending.append(i)
        own = self._free(ending)
        self.lanes[own] = node if self.left[node] else None
        ends = [*into, own]
        low, high = min(ends), max(ends)
        before += [None] * (len(self.lanes) - len(before))
        drawn = ""
        for i in range(len(self.lanes)):
            if i == own:
                drawn += "●" if stage else "○"
            elif i in into:
                drawn += self._joint(i, low, high)
            else:
                drawn += "│" if before[i] else "─" if low < i < high else " "
            drawn += "─" if low <= i < high else " "
        while self.lanes and self.lanes[-1] is None:
            self.lanes.pop()
        return drawn.rstrip()

    def _free(self, ending: list[int]) -> int:
        """The lane of a new node: one that ends in it, else the first that is free."""
        free = ending or [i for i, lane in enumerate(self.lanes) if lane is None]
        if not free:
            self.lanes.append(None)
            free = [len(self.lanes) - 1]
        self.most = max(self.most, len(self.lanes))
        return free[0]

    def _joint(self, i: int, low: int, high: int) -> str:
        """Where a lane leads into a node beside it: the lane may end here, or go on."""
        sides = ("u", "d" if self.lanes[i] else "", "l" if i > low else "", "r" if i < high else "")
        return _SIGNS["".join(sides)]
