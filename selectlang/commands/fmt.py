"""selectlang fmt: specs in their one form."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from difflib import unified_diff
from pathlib import Path

from selectlang.errors import SpecError, UsageError
from selectlang.faults import Source, file_name
from selectlang.files import write_text
from selectlang.tables import counted, say

STDIN = "-"


def add(parser: ArgumentParser) -> None:
    parser.add_argument("spec", nargs="+", help="a file; - reads one from stdin, and prints it")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, name what would change, and exit 1 if any would"
    )
    parser.add_argument("--diff", action="store_true", help="write nothing, and print what would change")


def run(args: Namespace) -> int:
    if STDIN in args.spec and len(args.spec) > 1:
        raise UsageError("- stands alone: one spec from stdin, or files")
    changed: list[str] = []
    faults = 0
    for spec in args.spec:
        try:
            if _changes(spec, args):
                changed.append(spec)
        except (SpecError, UsageError) as error:  # the other files can be fine
            told = [fault.text() for fault in error.faults] if isinstance(error, SpecError) else [str(error)]
            say("\n".join(told), sys.stderr)
            faults += 1
    if args.check or not (args.diff or args.spec == [STDIN]):
        for spec in changed:
            say(f"{_name(spec)}: {'would change' if args.check or args.diff else 'changed'}")
        if not (changed or faults):
            say(f"{counted(len(args.spec), 'file')}, nothing to change")
    return 1 if faults or (args.check and changed) else 0


def _changes(spec: str, args: Namespace) -> bool:
    """Put one spec into form, as far as the options let it; whether it was in another."""
    from selectlang.formatting.form import formatted

    raw = _raw(spec)
    text = formatted(raw, _name(spec))
    changes = text.encode() != raw
    if args.diff and changes:
        before = raw.decode("utf-8-sig").splitlines()
        say("\n".join(unified_diff(before, text.splitlines(), _name(spec), _name(spec), lineterm="")))
    if args.check or args.diff:
        return changes
    if spec == STDIN:
        sys.stdout.buffer.write(text.encode())  # as it is, for a program that asked for it
    elif changes:
        write_text(Path(spec), text)
    return changes


def _raw(spec: str) -> bytes:
    from selectlang.language import yaml

    if spec != STDIN:
        return yaml.raw(Path(spec), Source(spec))
    found = sys.stdin.buffer.read(yaml.MAX_BYTES + 1) if sys.stdin else b""
    if len(found) > yaml.MAX_BYTES:
        raise UsageError(f"a spec has at most {yaml.MAX_BYTES:,} bytes, stdin has more")
    return found


def _name(spec: str) -> str:
    return "stdin" if spec == STDIN else file_name(spec)
