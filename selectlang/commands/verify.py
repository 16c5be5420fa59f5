"""selectlang verify: check a run folder against its own record."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from selectlang.commands.common import add_plugin_option, registry
from selectlang.tables import say, show


def add(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    add_plugin_option(parser)


def run(args: Namespace) -> int:
    from selectlang.sharing.verify import verify

    found = verify(args.run, registry(args))
    words = {True: "fine", False: "WRONG", None: "-"}
    show(["", "", "found"], [(words[one.fine], one.what, one.found) for one in found])
    wrong = sum(one.fine is False for one in found)
    say(f"{args.run}: {f'{wrong} of {len(found)} wrong' if wrong else 'as its record says'}")
    return 1 if wrong else 0
