"""docs/assets/graphs: the drawing of each spec that stands in the page of its paper."""

from __future__ import annotations

import re
from pathlib import Path

from selectlang import plugins
from selectlang.docs import DOCS
from selectlang.drawing.graph import graph_of
from selectlang.drawing.svg import svg
from selectlang.language.check import check


def drawings() -> dict[Path, str]:
    """A drawing for each `graphs/NAME.svg` that a page of docs/papers shows, NAME a spec of the library."""
    registry = plugins.load()
    return {
        DOCS / "assets" / "graphs" / f"{name}.svg": svg(graph_of(check(name, registry, {}))) + "\n"
        for page in sorted((DOCS / "papers").glob("*.md"))
        for name in re.findall(r"graphs/([\w-]+)\.svg", page.read_text(encoding="utf-8"))
    }
