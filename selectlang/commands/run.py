"""selectlang run: run a spec, and write its run folder."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from selectlang.commands.common import add_model_options, add_spec_options, options, program, registry
from selectlang.progress import clock, progress
from selectlang.tables import say


def add(parser: ArgumentParser) -> None:
    parser.add_argument("spec", help="a path, package:name, or the name of a packaged spec")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="the run folder (default: a new one under runs/)"
    )
    add_spec_options(parser)
    add_model_options(parser)


def run(args: Namespace) -> int:
    loaded = registry(args)
    checked = program(args, loaded)
    from selectlang.engine.run import run as run_program
    from selectlang.store.store import Store

    done = run_program(checked, loaded, Store.default(), args.out, progress(), options(args))
    for note in done.notes:
        say(f"note: {note}", sys.stderr)
    for name, output in done.record["outputs"].items():
        if "rows" in output:
            again = f" ({output['unique']:,} different)" if output["unique"] < output["rows"] else ""
            say(f"{name}: {output['rows']:,} rows{again} in {done.folder / output['file']}")
        elif "value" in output:
            say(f"{name}: {output['value']:g}")
        else:
            say(f"{name}: {done.folder / output.get('folder', '')}")
    states = [stage["state"] for stage in done.record["stages"]]
    counts = f"{states.count('ran')} stages run, {len(states) - states.count('ran')} from the store"
    say(f"{counts}, {clock(done.record['seconds'])}; record in {done.folder / 'record.json'}")
    return 0
