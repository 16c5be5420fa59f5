"""selectlang dropped: the rows that a run left out, with reasons."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from selectlang.commands.common import whole
from selectlang.tables import counted, say


def add(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder of a run")
    parser.add_argument("--output", metavar="NAME", help="what rows were left out of (the first selection)")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write all rows to a .parquet or .csv file")
    parser.add_argument("--limit", metavar="N", type=whole, default=10, help="how many rows are listed (10)")


def run(args: Namespace) -> int:
    from selectlang.engine.opened import Opened
    from selectlang.seeing import left
    from selectlang.seeing.dropped import dropped

    if args.out is not None:
        left.check(args.out)
    found = dropped(Opened.open(args.run), args.output)
    if args.out is not None:
        left.write(found, args.out)
        say(f"{counted(len(found), 'row')} left out of {found.output} in {args.out}")
    else:
        left.tell(found, args.limit)
    return 0
