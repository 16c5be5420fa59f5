"""report.html: one file that holds all it shows, asks nothing of the network, and runs nothing it is given.

Text from data and specs is escaped where it stands as HTML, and else comes as compressed JSON, which the
script of the page puts in as text. The policy of the page lets no script run but the two it is written with.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.drawing.graph import graph_of
from selectlang.drawing.svg import svg
from selectlang.language.program import Call, Nested, Program, Step
from selectlang.report import header, stages, tables
from selectlang.report.charts import Charts, scores, shares
from selectlang.report.facts import Facts
from selectlang.report.measures import DRAWS
from selectlang.report.text import shown

if TYPE_CHECKING:
    from jinja2 import Template

ASSETS = Path(__file__).parent / "assets"


def page(record: dict[str, Any], program: Program, facts: Facts) -> str:
    """The report as HTML."""
    outputs = facts.about["outputs"]
    charts = Charts()
    found = [
        charts.section("scores", "Scores", "two", scores, outputs),
        charts.section("shares", "What each group gave", "two", shares, outputs),
        charts.rounds(facts.about["loops"], dict(_docs(program.steps))),
    ]
    controls = [tables.control(output) for output in outputs if output["control"]]
    lines = [tables.line(output) for output in outputs if output["line"]]
    asked = stages.asked(record)
    sections = [
        *([("control", "Against random")] if controls else []),
        *([("map", "Map")] if facts.map else []),
        *((each["id"], each["title"]) for each in found if each["parts"]),
        *([("line", "The line")] if lines else []),
        *([("calls", "Calls and money")] if asked else []),
        ("graph", "Stages"),
    ]
    drawn = charts.figures or facts.map
    library, library_hash = _plotly() if drawn else ("", "")
    js = (ASSETS / "report.js").read_text(encoding="utf-8")
    return _template().render(
        name=shown(program.name),
        doc=shown(program.doc, header.LONGEST),
        version=record["selectlang"],
        summary=header.summary(record),
        notes=header.notes(record, facts.about),
        params=header.params(record),
        sections=sections,
        control=controls,
        draws=DRAWS,
        map_about=header.of_map(facts.about["map"]) if facts.map else "",
        map_data=base64.b64encode(facts.map).decode(),
        charts=[each for each in found if each["parts"]],
        lines=lines,
        asked=asked,
        stages=stages.stages(record),
        more_stages=max(0, len(record["stages"]) - stages.MOST),
        graph=_safe(svg(graph_of(program), stages.notes(record))),
        figures=_packed(charts.figures) if charts.figures else "",
        plotly=library,
        js=_safe(js),
        css=_safe((ASSETS / "report.css").read_text(encoding="utf-8")),
        policy=_policy(js, library_hash),
    )


def _docs(steps: list[Step]) -> Iterator[tuple[str, str]]:
    """The doc of the method of each stage, by its path."""
    for step in steps:
        if isinstance(step, Call):
            yield step.path, step.method.doc
        else:
            yield from _docs(step.program.steps if isinstance(step, Nested) else step.steps)


def _policy(js: str, library: str) -> str:
    """What the page may do: run its own scripts, and nothing from elsewhere.

    plotly.js makes functions from text to draw points by WebGL, and style sheets.
    """
    scripts = [
        f"'sha256-{_hash(js.encode())}'",
        *([f"'sha256-{library}'", "'unsafe-eval'"] if library else []),
    ]
    return (
        f"default-src 'none'; script-src {' '.join(scripts)}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _hash(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@cache
def _plotly() -> tuple[str, str]:
    """plotly.js, compressed, and the hash by which the page lets it run."""
    found = find_spec("plotly")
    assert found is not None
    assert found.origin is not None
    code = (Path(found.origin).parent / "package_data" / "plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(code, 1, mtime=0)).decode(), _hash(code)


def _packed(value: Any) -> str:
    return base64.b64encode(gzip.compress(json.dumps(value).encode(), 6, mtime=0)).decode()


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, trim_blocks=True, undefined=StrictUndefined
    )
    return environment.get_template("report.html")


def _safe(markup: str) -> Any:
    """What this package wrote itself, and is no text from elsewhere."""
    from markupsafe import Markup

    return Markup(markup)
