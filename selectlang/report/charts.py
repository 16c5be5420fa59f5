"""The charts of a report, in the order in which they stand on the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from selectlang.engine.opened import base
from selectlang.report import figures
from selectlang.report.spread import BARS
from selectlang.report.text import shown
from selectlang.tables import counted

LONGEST = 300  # characters that say what a curve is
_SENTENCE = re.compile(r"(?<=[.;])\s")


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

    def rounds(self, loops: list[dict[str, Any]], docs: dict[str, str]) -> dict[str, Any]:
        """A section with a part for each loop. `docs` are those of the methods, by the paths of stages."""
        parts = [
            {
                "title": loop["path"],
                "about": _loop(loop),
                "charts": [
                    self.chart(curve["name"], figures.curve(curve), _curve(loop, curve, docs))
                    for curve in loop["curves"]
                ],
            }
            for loop in loops
        ]
        return {"id": "rounds", "title": "Rounds", "about": "", "layout": "three", "parts": parts}


def _loop(loop: dict[str, Any]) -> str:
    said = [counted(loop["rounds"], "round")]
    said += [f"ended by {loop['ended']}"] if loop["ended"] else []
    said += [f"{counted(loop['more'], 'curve')} more in record.json"] if loop["more"] else []
    return "; ".join(said)


def _curve(loop: dict[str, Any], curve: dict[str, Any], docs: dict[str, str]) -> str:
    """What a curve is: of a metric, the words that the doc of its method has for it."""
    if not curve.get("metric"):
        return str(curve["about"])
    return told(docs.get(f"{base(loop['path'])}/{base(curve['stage'])}", ""), curve["metric"])


def told(doc: str, name: str) -> str:
    """The sentence of a doc that tells of a name, which it has in backticks; empty where none does."""
    for paragraph in doc.split("\n\n"):
        for sentence in _SENTENCE.split(" ".join(paragraph.split())):
            if f"`{name}`" in sentence:
                return shown(sentence.replace("`", "").rstrip(".;"), LONGEST)
    return ""


def scores(charts: Charts, output: dict[str, Any]) -> list[dict[str, Any]]:
    """How each score is distributed."""
    return [charts.chart(of["name"], figures.distribution(of), _missing(of)) for of in output["scores"]]


def _missing(of: dict[str, Any]) -> str:
    said = [f"as {of['round']} gave it, and no other round"] if of["round"] else []
    if of["pool_missing"]:
        chosen = of["chosen_missing"]
        said.append(
            f"missing for {counted(of['pool_missing'], 'row')} of the pool, {chosen:,} of them chosen"
        )
    return "; ".join(said)


def shares(charts: Charts, output: dict[str, Any]) -> list[dict[str, Any]]:
    """What each group gave."""
    found = [charts.chart(of["name"], figures.shares(of), _reached(of)) for of in output["shares"]]
    return found + [
        charts.chart(f"chosen by {of['name']}", figures.reasons(of), _even(of)) for of in output["reasons"]
    ]


def _even(of: dict[str, Any]) -> str:
    said = "as the budget says why" + ("" if of["even"] is None else "; the line is an even share")
    return said + (f"; the {BARS} of {of['groups']:,} that got most" if of["groups"] > BARS else "")


def _reached(of: dict[str, Any]) -> str:
    said = f"{of['reached']:,} of {of['groups']:,} groups have chosen rows"
    return said + (f"; the {BARS} whose shares differ most" if of["groups"] > BARS else "")
