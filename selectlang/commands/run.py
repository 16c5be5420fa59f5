"""selectlang run: run a spec, and write its run folder."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path

from selectlang.commands.common import (
    SPEC,
    add_lock_options,
    add_model_options,
    add_spec_options,
    lock_path,
    options,
    program,
    registry,
)
from selectlang.errors import UsageError
from selectlang.progress import progress
from selectlang.tables import counted, say


def add(parser: ArgumentParser) -> None:
    parser.add_argument("spec", help=SPEC)
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="the run folder (default: a new one under runs/)"
    )
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local",
        help="where methods that map rows in parts do so: in this process, or on a Ray cluster (local)",
    )  # fmt: skip
    parser.add_argument(
        "--address", metavar="ADDR",
        help="the Ray cluster to join, such as head:6379; without it, one of the cores of this machine",
    )  # fmt: skip
    parser.add_argument(
        "--no-control", dest="control", action="store_false",
        help="do not compare what is chosen with random draws of as many rows, which is free",
    )  # fmt: skip
    add_spec_options(parser)
    add_lock_options(parser)
    add_model_options(parser)


def run(args: Namespace) -> int:
    if args.address is not None and args.engine != "ray":
        raise UsageError("--address names a Ray cluster; give --engine ray too")
    loaded = registry(args)
    checked = program(args, loaded)
    from selectlang.engine.guard import REPORT
    from selectlang.engine.reread import RECORD
    from selectlang.engine.run import run as run_program
    from selectlang.report.summary import summary
    from selectlang.report.write import write
    from selectlang.result import states
    from selectlang.sharing.hold import hold
    from selectlang.sharing.mutable import mutable
    from selectlang.store.store import Store

    store = Store.default()
    if args.locked:
        for text in hold(checked, lock_path(args), store):
            say(f"note: {text}", sys.stderr)
    for text in mutable(checked, lock_path(args)):
        say(f"warning: {text}", sys.stderr)
    cluster = None
    if args.engine == "ray":
        from selectlang.engine.cluster import Cluster

        cluster = Cluster(args.address)
    report = partial(write, control=args.control)
    done = run_program(checked, loaded, store, args.out, progress(), options(args), report, cluster)
    for note in done.notes:
        say(f"note: {note}", sys.stderr)
    for name, output in done.record["outputs"].items():
        if "rows" in output:
            again = f" ({output['unique']:,} different)" if output["unique"] < output["rows"] else ""
            say(f"{name}: {counted(output['rows'], 'row')}{again} in {done.folder / output['file']}")
        elif "value" in output:
            say(f"{name}: {output['value']:g}")
        else:
            say(f"{name}: {done.folder / output.get('folder', '')}")
    for line in summary(done.record.get("control", {})):
        say(line)
    what, name = ("report", REPORT) if "report" in done.record else ("record", RECORD)
    say(f"{states(done.record)}; {what} in {done.folder / name}")
    return 0
