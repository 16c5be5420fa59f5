"""selectlang why: what every stage of a run made of one row."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from selectlang.commands.common import whole
from selectlang.tables import say


def add(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder of a run")
    parser.add_argument("id", metavar="ID", help="the id of a row, or a beginning that no other id has")
    parser.add_argument("--data", metavar="NAME", help="the data set to look in (those that are chosen from)")
    parser.add_argument(
        "--neighbours", metavar="N", type=whole, default=5,
        help="how many rows with the nearest vectors are told (5)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print all that is known as JSON")


def run(args: Namespace) -> int:
    from selectlang.engine.opened import Opened
    from selectlang.seeing.told import tell
    from selectlang.seeing.why import why

    found = why(Opened.open(args.run), args.id, args.data, args.neighbours)
    if args.json:
        say(json.dumps(found, indent=2))
    else:
        tell(found)
    return 0
