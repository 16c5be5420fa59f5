"""selectlang diff: how two specs, two runs or two files of rows differ."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from selectlang.commands.common import add_spec_options, given, registry, sources
from selectlang.errors import UsageError
from selectlang.faults import nearest, quoted
from selectlang.language.program import Program
from selectlang.plugins import Registry
from selectlang.tables import say

RUN, FILE, SPEC = "the folder of a run", "a file of rows", "a spec"


def add(parser: ArgumentParser) -> None:
    parser.epilog = "Exit code 0 says that they were compared, whether they differ or not."
    for name in ("old", "new"):
        parser.add_argument(
            name, metavar=name.upper(),
            help="a spec, the folder of a run, or a .jsonl or .parquet file of rows that a run has chosen",
        )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print all that differs as JSON")
    add_spec_options(parser)


def run(args: Namespace) -> int:
    kinds = _kind(args.old), _kind(args.new)
    if kinds[0] != kinds[1]:
        raise UsageError(
            f"{quoted(args.old)} is {kinds[0]}, and {quoted(args.new)} is {kinds[1]}; give two of a kind"
        )
    if kinds[0] != SPEC and (args.set or args.params):
        raise UsageError("--set and --params are for specs; a run and a file have what they were given")
    found = {RUN: _runs, FILE: _files, SPEC: _specs}[kinds[0]](args)
    if args.json:
        say(json.dumps({"of": kinds[0].split()[-1], **found}, indent=2))
        return 0
    from selectlang.seeing import compared

    if kinds[0] == FILE:
        compared.tell_files(found)
    else:
        tell = compared.tell_runs if kinds[0] == RUN else compared.tell_specs
        tell(found, args.old, args.new)
    return 0


def _kind(name: str) -> str:
    """What a name on the command line stands for."""
    from selectlang.engine.guard import ENDINGS
    from selectlang.engine.reread import RECORD

    path = Path(name)
    if path.is_dir() or (path.name == RECORD and path.is_file()):
        return RUN
    return FILE if path.suffix in ENDINGS else SPEC


def _runs(args: Namespace) -> dict[str, Any]:
    from selectlang.engine.opened import Opened
    from selectlang.seeing.runs import compare

    folders = [path if path.is_dir() else path.parent for path in (Path(args.old), Path(args.new))]
    old, new = map(Opened.open, folders)
    if new.store.folder == old.store.folder:
        new.store = old.store  # which has checked what both need
    return compare(old, new)


def _files(args: Namespace) -> dict[str, Any]:
    from selectlang.seeing.files import compare

    return compare(Path(args.old), Path(args.new))


def _specs(args: Namespace) -> dict[str, Any]:
    from selectlang.seeing.specs import compare

    loaded = registry(args)
    plain = [_program(name, loaded, {}, args) for name in (args.old, args.new)]
    values = given(args)
    known = {name for program in plain for name in program.declared}
    for name in values:
        if name not in known:
            raise UsageError(f"neither spec has a param {quoted(name)}{nearest(name, known)}")
    parts = [{name: value for name, value in values.items() if name in each.declared} for each in plain]
    return compare(
        *(_program(each, loaded, part, args) for each, part in zip((args.old, args.new), parts, strict=True))
    )


def _program(name: str, loaded: Registry, values: dict[str, Any], args: Namespace) -> Program:
    from selectlang.language.check import check

    return check(name, loaded, values, sources(args))
