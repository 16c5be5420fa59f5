"""selectlang store: list, verify and prune what runs have kept."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, Namespace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from selectlang.errors import UsageError
from selectlang.tables import counted, say, show

if TYPE_CHECKING:
    from selectlang.store.store import Store


def add(parser: ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = commands.add_parser("list", help="every entry, the one used last first, and its size")
    listed.add_argument("--json", action="store_true", help="print as JSON, with whole keys and times in UTC")
    verify = commands.add_parser("verify", help="check every byte of every entry; exit 1 when one is damaged")
    verify.add_argument(
        "--repair", action="store_true", help="delete damaged entries, so that a run makes them again"
    )
    prune = commands.add_parser(
        "prune", help="delete entries that were not used for a while; answers of models stay"
    )
    prune.add_argument(
        "--older-than", metavar="AGE", required=True, help="an age such as 30d, 12h or 0d for all"
    )
    prune.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    for command in commands.choices.values():
        command.add_argument("--store", metavar="DIR", type=Path, help="the store (default: as for a run)")


def run(args: Namespace) -> int:
    from selectlang.frames import forget
    from selectlang.llm.calls import Calls
    from selectlang.store.store import Store

    store = Store(args.store) if args.store else Store.default()
    if args.action == "list":
        return _list(store, args.json)
    if args.action == "verify":
        damaged = store.verify(repair=args.repair)
        for key, reason in damaged:
            say(f"{key[:12]}: {reason}")
        say(f"{len(damaged)} damaged{', deleted' if args.repair and damaged else ''}")
        with Calls(store.folder) as calls:
            lost = calls.damage()
        if lost:
            say(lost)
        return 1 if lost or (damaged and not args.repair) else 0
    age = _age(args.older_than)
    gone = store.prune(age, args.dry_run)
    tables = forget(store, age, args.dry_run)
    done = "would delete" if args.dry_run else "deleted"
    also = f"; {counted(len(tables), 'table')} given from Python, {_size(sum(tables))}" if tables else ""
    say(f"{done} {len(gone)} entries, {_size(sum(e.size for e in gone))}{also}")
    return 0


def _list(store: Store, as_json: bool) -> int:
    from selectlang.llm.calls import Calls
    from selectlang.store.trained import called

    entries = sorted(store.entries(), key=lambda e: (-e.used.timestamp(), e.key))
    if as_json:
        found = [
            {"key": e.key, "path": e.meta["path"], "method": e.meta["method"], "size": e.size,
             "created": e.created.isoformat(), "used": e.used.isoformat()}
            for e in entries
        ]  # fmt: skip
        say(json.dumps(found, indent=2))
        return 0
    rows = [
        (e.key[:12], f"{e.used.astimezone():%Y-%m-%d %H:%M}", _size(e.size), e.meta["method"], e.meta["path"])
        for e in entries
    ]
    show(["key", "used", "size", "what", "stage"], rows, right=["size"])
    say(f"{len(entries)} entries, {_size(sum(e.size for e in entries))}, in {store.folder}")
    with Calls(store.folder) as calls:
        for model, (count, cost) in calls.totals().items():
            say(f"{count:,} answers of {called(model, store)}{f', ${cost:,.2f}' if cost else ''}")
    return 0


def _age(text: str) -> timedelta:
    match = re.fullmatch(r"(\d+)([dh])", text)
    if match is None:
        raise UsageError(f"--older-than {text}: expected an age such as 30d or 12h")
    number = int(match.group(1))
    return timedelta(days=number) if match.group(2) == "d" else timedelta(hours=number)


def _size(size: int) -> str:
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
