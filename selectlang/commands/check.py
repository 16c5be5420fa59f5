"""selectlang check: every fault of specs, without running anything."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from selectlang.commands.common import SPEC, add_spec_options, given, registry, sources
from selectlang.errors import SpecError
from selectlang.faults import Fault, file_name, render
from selectlang.tables import say


def add(parser: ArgumentParser) -> None:
    parser.add_argument("spec", nargs="+", help=SPEC)
    parser.add_argument(
        "--format", choices=["text", "json", "github"], default="text", help="form of the faults"
    )
    add_spec_options(parser)


def run(args: Namespace) -> int:
    from selectlang.language.check import check

    loaded, shared = registry(args), sources(args)
    faults: list[Fault] = []
    fine = []
    for spec in args.spec:
        try:
            program = check(spec, loaded, given(args), shared)
            count = len(program.steps)
            fine.append(f"{file_name(spec)}: fine, {count} stage{'' if count == 1 else 's'}")
        except SpecError as error:
            faults += error.faults
    if args.format == "text":
        say("\n".join(fine + [fault.text() for fault in faults]))
        if faults:
            say(f"{len(faults)} fault{'s' if len(faults) > 1 else ''}")
    elif faults or args.format == "json":
        say(render(faults, args.format))
    return 1 if faults else 0
