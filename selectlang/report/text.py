"""Text from data and specs, made fit to be looked at."""

from __future__ import annotations

import re

MOST = 150  # characters of a row that are shown

_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# What turns the direction of all that follows, or cannot be written as UTF-8.
_STEERS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def shown(text: str, most: int = MOST) -> str:
    """A text on one line, cut where it is long, without characters that steer what shows it."""
    head = text[: 2 * most]
    if not head.isprintable():  # most are
        head = _STEERS.sub("\N{REPLACEMENT CHARACTER}", _SPACE.sub(" ", head))
    head = head.strip()
    return head if len(head) <= most and len(text) <= 2 * most else head[: most - 1].rstrip() + "…"


def shortened(text: str, most: int) -> str:
    """A text on one line, cut in the middle where it is long: names often differ at their end."""
    if len(text) <= most:
        return shown(text, most)
    half = (most - 1) // 2
    return f"{shown(text[:half], most)}…{shown(text[-half:], most)}"
