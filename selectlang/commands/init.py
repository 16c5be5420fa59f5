"""selectlang init: a spec of one's own, from one of the library."""

from __future__ import annotations

import json
import shlex
from argparse import ArgumentParser, Namespace
from pathlib import Path

from selectlang.commands.common import add_plugin_option, registry
from selectlang.errors import UsageError
from selectlang.faults import file_name, quoted
from selectlang.files import write_text
from selectlang.language.program import Program
from selectlang.language.spec import NAME, Param
from selectlang.tables import say

NAMED = "mine"
SOURCE = "kmq"
ENDING = ".yaml"


def add(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default=NAMED, help=f"what it is called ({NAMED})")
    parser.add_argument(
        "--from", metavar="SPEC", dest="source", default=SOURCE,
        help=f"a spec of the library or of another pack, as `selectlang plugins` lists them ({SOURCE})",
    )  # fmt: skip
    parser.add_argument(
        "--extends", action="store_true", help="write only what is different from it, not a copy of it"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="the file (the name with .yaml, here)")
    add_plugin_option(parser)


def run(args: Namespace) -> int:
    from selectlang.language.check import check

    name = args.name.removesuffix(ENDING)
    if not NAME.match(name):
        hint = "letters, digits, '_' and '-', a letter first, at most 64; --out says where it goes"
        raise UsageError(f"{quoted(args.name)} is no name of a spec; expected {hint}")
    out = args.out or Path(f"{name}{ENDING}")
    loaded = registry(args)
    program = check(args.source, loaded)
    origin = program.origins[0]
    if origin.kind != "pack":
        raise UsageError(f"{quoted(args.source)} is in no pack; copy the file, or extend it")
    text = _child(name, origin.path, program) if args.extends else _copy(name, origin.path, program)
    write_text(out, text, anew=True)
    shown = file_name(str(out))
    say(f"{shown}: {'extends' if args.extends else 'a copy of'} {origin.path}; now change it")
    given = " ".join(f"--set {param}=..." for param in program.missing)
    say(f"then: selectlang run {shlex.quote(shown)} {given}".rstrip())
    return 0


def _child(name: str, source: str, program: Program) -> str:
    """A spec that extends another, with what it may change as a comment."""
    from selectlang.formatting.form import formatted

    lines = [
        f"# Extends {source}. Say here what is different: params, stages, outputs.",
        "selectlang: 1",
        f"name: {name}",
        f"extends: {source}",
    ]
    knobs = [param for param in program.declared.values() if param.default is not None]
    lines += ["# params:"] if knobs else []
    lines += [f"#   {knob.name}: {{default: {_value(knob)}}}" for knob in knobs]
    return formatted("\n".join(lines).encode(), name)


def _value(knob: Param) -> str:
    from selectlang.formatting.scalars import text

    value = knob.default.plain() if knob.default else None
    return text(value, flow=True) if isinstance(value, str) else json.dumps(value)


def _copy(name: str, source: str, program: Program) -> str:
    """A spec under another name, with its comments, in the one form."""
    from selectlang.formatting.parts import Group, Scalar, read
    from selectlang.formatting.printer import printed
    from selectlang.language import yaml

    path = Path(program.file)
    root = read(yaml.read(path).place.source.text)
    root.entries[0].above.insert(0, f"# Copied from {source}.")
    for entry in root.entries:
        if entry.key == "name":
            entry.value = Scalar(name, None, 1)
        for part in entry.value.entries if isinstance(entry.value, Group) else [entry]:
            if entry.key in ("extends", "imports") and isinstance(part.value, Scalar):
                part.value = Scalar(_elsewhere(part.value.value, source, path), None, 1)
    return printed(root)


def _elsewhere(given: str, source: str, path: Path) -> str:
    """The name of a spec as it is seen from outside its pack."""
    pack = source.partition(":")[0]
    if ":" in given:
        return given
    if (path.parent / given).resolve().parent != path.parent.resolve() or not given.endswith(ENDING):
        message = f"{source} uses {quoted(given)}, which has no name outside its pack"
        raise UsageError(f"{message}; start from it with --extends")
    return f"{pack}:{Path(given).stem}"
