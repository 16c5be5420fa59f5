"""Figures for plotly.js as plain data. Colours are names that the page knows, for its light and dark theme.

plotly.js takes some of HTML in every text that it shows, so texts are escaped here.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import Any

from selectlang.report.text import shortened

POOL, CHOSEN, LINES = "\x01pool", "\x01chosen", [f"\x01line{i}" for i in range(8)]
"""Names of colours, which no text from data can be: `text.shown` leaves no control characters."""

TICKS = 12
NARROW = 18  # characters of a name on a narrow screen
Figure = dict[str, Any]


def distribution(of: dict[str, Any]) -> Figure:
    """A score: the share of the pool and of the chosen rows in each bar."""
    name = "score" if of["columns"] == 1 else f"score, the best of {of['columns']}"
    few = "values" in of
    x, text = _single(of["values"]) if few else _bars(of["edges"], of["whole"])
    hover = "%{customdata}: %{y:.3~p}<extra>%{fullData.name}</extra>"
    pool = {"name": "pool", "x": x, "y": of["pool"], "customdata": text, "hovertemplate": hover}
    chosen = {**pool, "name": "chosen", "y": of["chosen"]}
    bars = {"type": "bar", "marker": {"color": CHOSEN}}
    steps: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "line": {"color": CHOSEN, "width": 2.5, "shape": "hvh"},
    }
    if not few:  # the steps begin and end at nothing
        width = x[1] - x[0]
        steps |= {"x": [x[0] - width, *x, x[-1] + width], "y": [0, *of["chosen"], 0]}
        steps |= {"customdata": ["", *text, ""]}
    return {
        "data": [
            {**pool, "type": "bar", "marker": {"color": POOL}},
            {**chosen, **(bars if few else steps)},
        ],
        "layout": {
            "bargap": 0.2 if few else 0,
            "xaxis": {"title": {"text": name}},
            "yaxis": {"title": {"text": "share of rows"}, "tickformat": ".2~%", "rangemode": "tozero"},
        },
        "height": 260,
    }  # fmt: skip


def _single(values: list[float]) -> tuple[list[float], list[str]]:
    return values, [f"{value:g}" for value in values]


def _bars(edges: list[float], whole: bool) -> tuple[list[float], list[str]]:
    """The middle of each bar, and what it holds in words."""
    half = 0.5 if whole else 0
    ends = [(f"{a + half:.10g}", f"{b - half:.10g}") for a, b in pairwise(edges)]
    text = [a if a == b else f"{a} to {b}" for a, b in ends]
    text[0], text[-1] = f"up to {ends[0][1]}", f"{ends[-1][0]} and more"
    return [(a + b) / 2 for a, b in pairwise(edges)], text


def shares(of: dict[str, Any]) -> Figure:
    """Groups: the share of each in the pool and in what was chosen."""
    names = _unlike(of["names"])[::-1]
    return {
        "data": [
            {
                "type": "bar", "orientation": "h", "name": name, "y": names, "x": of[name][::-1],
                "customdata": of[f"{name}_rows"][::-1], "marker": {"color": colour},
                "hovertemplate": "%{y}: %{x:.3~p}, %{customdata:,} rows<extra>%{fullData.name}</extra>",
            }
            for name, colour in (("chosen", CHOSEN), ("pool", POOL))
        ],
        "layout": {
            "barmode": "group",
            "bargap": 0.25,
            "xaxis": {"tickformat": ".2~%", "title": {"text": "share of rows"}, "rangemode": "tozero"},
            "yaxis": {"type": "category", "automargin": True},
            "meta": {"names": names, "short": _short(of["names"])[::-1]},
            "legend": {"traceorder": "reversed"},
        },
        "height": 120 + 26 * len(names),
    }  # fmt: skip


def reasons(of: dict[str, Any]) -> Figure:
    """How many rows were chosen for each reason, with a line at an even share where it is known."""
    names, even = _unlike(of["names"])[::-1], of["even"]
    return {
        "data": [
            {
                "type": "bar", "orientation": "h", "name": "chosen", "y": names, "x": of["rows"][::-1],
                "marker": {"color": CHOSEN}, "hovertemplate": "%{y}: %{x:,} rows<extra></extra>",
            }
        ],
        "layout": {
            "xaxis": {"title": {"text": "rows chosen"}, "rangemode": "tozero"},
            "yaxis": {"type": "category", "automargin": True},
            "meta": {"names": names, "short": _short(of["names"])[::-1]},
            "shapes": [
                {
                    "type": "line", "x0": even, "x1": even, "yref": "paper", "y0": 0, "y1": 1,
                    "line": {"color": POOL, "width": 2, "dash": "dash"},
                }
            ] if even is not None else [],
        },
        "height": 110 + 24 * len(names),
    }  # fmt: skip


def curve(of: dict[str, Any]) -> Figure:
    """Numbers of each round of a loop."""
    rounds = list(range(1, of["rounds"] + 1))
    return {
        "data": [
            {
                "type": "scatter", "mode": "lines+markers", "name": escape(name), "x": rounds, "y": values,
                "line": {"color": LINES[i % len(LINES)], "width": 2}, "connectgaps": True,
                "hovertemplate": "round %{x}: %{y:.4~g}<extra></extra>",
            }
            for i, (name, values) in enumerate(of["lines"].items())
        ],
        "layout": {
            "xaxis": {"title": {"text": "round"}, "tick0": 1, "dtick": 1 + len(rounds) // TICKS},
            "yaxis": {"tickprefix": of["unit"], "rangemode": "tozero"},
            "showlegend": len(of["lines"]) > 1,
        },
        "height": 220 if len(of["lines"]) == 1 else 320,
    }  # fmt: skip


def _short(names: list[str]) -> list[str]:
    """Escaped names for a narrow screen, of which long ones would leave no room for their bars."""
    return [escape(shortened(name, NARROW)) for name in names]


def _unlike(names: list[str]) -> list[str]:
    """Escaped names that differ: bars of the same name would stand upon each other."""
    found: list[str] = []
    for name in map(escape, names):
        number, unlike = 2, name
        while unlike in found:
            unlike, number = f"{name} ({number})", number + 1
        found.append(unlike)
    return found
