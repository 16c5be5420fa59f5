"""selectlang schema: a JSON Schema of specs, made from the methods that are installed."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from selectlang.commands.common import add_plugin_option, registry
from selectlang.files import write_text
from selectlang.tables import say


def add(parser: ArgumentParser) -> None:
    parser.add_argument("--out", metavar="FILE", type=Path, help="write it to a file")
    add_plugin_option(parser)


def run(args: Namespace) -> int:
    from selectlang.editor.schema import schema

    text = json.dumps(schema(registry(args)), indent=2)
    if args.out:
        write_text(args.out, f"{text}\n")
    else:
        say(text)
    return 0
