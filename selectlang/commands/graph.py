"""selectlang graph: the stages of a spec, and what flows between them, as a drawing."""

from __future__ import annotations

import shutil
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from selectlang.commands.common import SPEC, add_spec_options, program, registry
from selectlang.errors import UsageError
from selectlang.faults import file_name
from selectlang.files import write_text
from selectlang.tables import say

ENDINGS = {"": "text", ".txt": "text", ".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid"}


def add(parser: ArgumentParser) -> None:
    parser.add_argument("spec", help=SPEC)
    parser.add_argument(
        "--format", choices=["text", "mermaid", "svg"],
        help="form of the drawing (that which --out ends in, else text)",
    )  # fmt: skip
    parser.add_argument("--out", metavar="FILE", type=Path, help="write it to a file, such as graph.svg")
    add_spec_options(parser)


def run(args: Namespace) -> int:
    checked = program(args, registry(args))
    from selectlang.drawing.graph import graph_of

    graph = graph_of(checked)
    form = args.format or _form(args.out)
    if form == "svg":
        from selectlang.drawing import svg

        if len(graph.nodes) > svg.MOST:
            most = f"a drawing has at most {svg.MOST}"
            raise UsageError(f"the graph has {len(graph.nodes):,} nodes, and {most}; use --format text")
        drawn = svg.svg(graph)
    elif form == "mermaid":
        from selectlang.drawing.mermaid import mermaid

        drawn = mermaid(graph)
    else:
        from selectlang.drawing.text import ASCII, text

        drawn = text(graph, _width(args.out))
        if not args.out and not _shows(drawn):
            drawn = drawn.translate(ASCII)
    if args.out:
        write_text(args.out, f"{drawn}\n")
    else:
        say(drawn)
    return 0


def _form(out: Path | None) -> str:
    """The form that the name of a file ends in."""
    ending = out.suffix.lower() if out else ""
    if ending not in ENDINGS:
        known = ", ".join(filter(None, ENDINGS))
        raise UsageError(f"--out {file_name(str(out))}: expected a name that ends in {known}, or --format")
    return ENDINGS[ending]


def _width(out: Path | None) -> int:
    """The columns of the terminal; 80 in a pipe or a file."""
    return shutil.get_terminal_size().columns if not out and sys.stdout.isatty() else 80


def _shows(text: str) -> bool:
    """Whether a stream has the signs of a drawing; one without an encoding takes any."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
