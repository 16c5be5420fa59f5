"""The pages of docs/ that are made from the code, in a checkout: `python -m selectlang.docs` writes them.

`errors.md` comes from the table of codes and the examples that the tests check, the end of `commands.md` from
the parsers of the command line, those of `plugins.md` and `methods/*.md` from docstrings and signatures, and
`assets/graphs` from specs. What stands above the mark of a page is written by people, and kept.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MADE = "<!-- What follows is made by `python -m selectlang.docs` from docstrings: change these. -->\n"


def pages() -> dict[Path, str]:
    """The text of each file that is made, or has a part that is."""
    from selectlang.docs import commands, errors, graphs, methods, reference

    return {
        DOCS / "errors.md": errors.page(),
        DOCS / "commands.md": below(DOCS / "commands.md", commands.parts()),
        DOCS / "plugins.md": below(DOCS / "plugins.md", reference.parts()),
        **{path: below(path, parts) for path, parts in methods.pages(DOCS / "methods").items()},
        **graphs.drawings(),
    }


def below(path: Path, parts: list[str]) -> str:
    """A page: what people wrote, and what is made after it."""
    written = path.read_text(encoding="utf-8").partition(MADE)[0]
    return "\n".join([written + MADE, *parts])
