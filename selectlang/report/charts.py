"""The charts of a report, in the order in which they stand on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selectlang.report import figures
from selectlang.report.spread import BARS
from selectlang.tables import counted


class Charts:
    """Numbers the charts of a page as they are placed, and keeps what plotly.js needs of each."""

    def __init__(self) -> None:
        self.figures: list[dict[str, Any]] = []

    def chart(self, title: str, figure: dict[str, Any], about: str = "") -> dict[str, Any]:
        """A chart with its number."""
        number = len(self.figures)
        self.figures.append({"data": figure["data"], "layout": figure["layout"]})
        return {
            "number": number, "title": title, "about": about, "height": figure["height"],
            "label": f"Chart: {title}. {about}",
        }  # fmt: skip

    def section(
        self,
        name: str,
        title: str,
        layout: str,
        of: Callable[[Charts, dict[str, Any]], list[dict[str, Any]]],
        outputs: list[dict[str, Any]],
    ) -> dict[str, Any]:
        """A section with a part for each output that has charts of this sort."""
        parts = [{"title": output["name"], "about": "", "charts": of(self, output)} for output in outputs]
        parts = [part for part in parts if part["charts"]]
        for part in parts:
            part["title"] = part["title"] if len(outputs) > 1 else ""
        return {"id": name, "title": title, "about": "", "layout": layout, "parts": parts}

    def rounds(self, loops: list[dict[str, Any]]) -> dict[str, Any]:
        """A section with a part for each loop."""
        parts = [
            {
                "title": loop["path"],
                "about": f"{counted(loop['rounds'], 'round')}"
                + (f"; ended by {loop['ended']}" if loop["ended"] else ""),
                "charts": [self.chart(curve["name"], figures.curve(curve)) for curve in loop["curves"]],
            }
            for loop in loops
        ]
        return {"id": "rounds", "title": "Rounds", "about": "", "layout": "three", "parts": parts}


def scores(charts: Charts, output: dict[str, Any]) -> list[dict[str, Any]]:
    """How each score is distributed."""
    return [charts.chart(of["name"], figures.distribution(of), _missing(of)) for of in output["scores"]]


def _missing(of: dict[str, Any]) -> str:
    if not of["pool_missing"]:
        return ""
    chosen = of["chosen_missing"]
    return f"missing for {counted(of['pool_missing'], 'row')} of the pool, {chosen:,} of them chosen"


def shares(charts: Charts, output: dict[str, Any]) -> list[dict[str, Any]]:
    """What each group gave."""
    found = [charts.chart(of["name"], figures.shares(of), _reached(of)) for of in output["shares"]]
    return found + [
        charts.chart(f"chosen by {of['name']}", figures.reasons(of), "as the budget says why")
        for of in output["reasons"]
    ]


def _reached(of: dict[str, Any]) -> str:
    said = f"{of['reached']:,} of {of['groups']:,} groups have chosen rows"
    return said + (f"; the {BARS} whose shares differ most" if of["groups"] > BARS else "")
