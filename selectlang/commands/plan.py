"""selectlang plan: what a run would do, before anything is done."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from selectlang.commands.common import add_spec_options, program, registry
from selectlang.tables import count, show


def add(parser: ArgumentParser) -> None:
    parser.add_argument("spec", help="a path, package:name, or the name of a packaged spec")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    add_spec_options(parser)


def run(args: Namespace) -> int:
    checked = program(args, registry(args))
    from selectlang.engine.plan import plan
    from selectlang.store.store import Store

    found = plan(checked, Store.default())
    if args.json:
        print(json.dumps(asdict(found), indent=2))
        return 0
    for name, text in found.data.items():
        print(f"data {name}: {text}")
    for note in found.notes:
        print(f"  {note}")
    rows = [
        (line.path, line.method, count(line.rows_in), count(line.rows_out, line.most), line.state)
        for line in found.lines
    ]
    show(["stage", "method", "rows in", "rows out", "state"], rows, right=["rows in", "rows out"])
    waiting = sum(line.state == "run" for line in found.lines)
    print(f"{waiting} of {len(found.lines)} to run")
    return 0
