"""selectlang lock: pin all that decides what a run of a spec gives."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from selectlang.commands.common import SPEC, add_spec_options, given, registry
from selectlang.errors import LockError
from selectlang.faults import file_name, quoted
from selectlang.sharing import LOCK
from selectlang.tables import counted, say


def add(parser: ArgumentParser) -> None:
    parser.add_argument("spec", help=SPEC)
    parser.add_argument(
        "--out", metavar="FILE", type=Path, default=LOCK,
        help="the lock to write, or to compare with (selectlang.lock)",
    )  # fmt: skip
    parser.add_argument(
        "--upgrade", action="store_true", help="move the pins of a lock that is there to what is newest"
    )
    add_spec_options(parser)


def run(args: Namespace) -> int:
    from selectlang.engine.ahead import require
    from selectlang.files import write_text
    from selectlang.language.check import check
    from selectlang.llm.options import Options
    from selectlang.origins.sources import Sources
    from selectlang.sharing.differences import differences, packages
    from selectlang.sharing.hold import of_this
    from selectlang.sharing.lock import load
    from selectlang.sharing.pin import Pinning
    from selectlang.store.store import Store

    name = file_name(str(args.out))
    old = load(args.out) if os.path.lexists(args.out) else None
    pins = old.commits() if old and not args.upgrade else {}
    sources = Sources(yes=args.yes, interactive=True, pins=pins, fresh=args.upgrade)
    program = check(args.spec, registry(args), given(args), sources)
    require(program, Options())
    if old is not None:
        of_this(old, program, args.out, "--out FILE")
    pinning = Pinning(program, None if args.upgrade else old, newest=args.upgrade)
    now = pinning.lock(Store.default())
    for note in pinning.notes:
        say(f"note: {note}", sys.stderr)
    for model, pin in now.models.items():
        if "hosted" in pin:
            say(f"note: model {quoted(model)} is hosted, and can be named but not pinned", sys.stderr)
    if old is None:
        write_text(args.out, now.text())
        pinned = [model for model, pin in now.models.items() if "hosted" not in pin]
        parts = [(now.specs, "spec"), (now.methods, "method"), (pinned, "model"), (now.data, "data set")]
        counts = [counted(len(part), what) for part, what in parts if part]
        say(f"{name} pins {', '.join(counts)}")
        return 0
    moved = differences(old, now) + (packages(old, now) if args.upgrade else [])
    if not moved:
        say(f"{name}: all is as it pins")
        return 0
    if not args.upgrade:
        lines = "\n".join(f"  {difference.line()}" for difference in moved)
        raise LockError(
            f"{name} pins something else, and stays as it is:\n{lines}\nTo move its pins: --upgrade"
        )
    write_text(args.out, now.text())
    say("\n".join(difference.move() for difference in moved))
    return 0
