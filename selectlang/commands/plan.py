"""selectlang plan: what a run would do, before anything is done."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

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
from selectlang.tables import count, dollars, say, show

if TYPE_CHECKING:
    from selectlang.engine.plan import Line, Plan

MOST = 200  # lines that are listed whole
ROUNDS = 3  # of each loop, in a longer list


def add(parser: ArgumentParser) -> None:
    parser.add_argument("spec", help=SPEC)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    add_spec_options(parser)
    add_lock_options(parser)
    add_model_options(parser)


def run(args: Namespace) -> int:
    checked = program(args, registry(args))
    from selectlang.engine.datasets import Datasets
    from selectlang.engine.plan import plan
    from selectlang.store.store import Store

    store = Store.default()
    if args.locked:
        from selectlang.sharing.hold import hold

        for text in hold(checked, lock_path(args), store):
            say(f"note: {text}", sys.stderr)
    found = plan(checked, Datasets(store), options(args))
    if args.json:
        say(json.dumps(asdict(found), indent=2))
        return 0
    for name, text in found.data.items():
        say(f"data {name}: {text}")
    for note in found.notes:
        say(f"  {note}")
    lines = _first(found.lines)
    rows = [
        (
            line.path,
            line.method,
            count(line.rows_in, line.most_in),
            count(line.rows_out, line.most),
            line.state,
        )
        for line in lines
    ]
    show(["stage", "method", "rows in", "rows out", "state"], rows, right=["rows in", "rows out"])
    if len(lines) < len(found.lines):
        say(
            f"{len(found.lines) - len(lines):,} lines of rounds after #{ROUNDS} are left out; --json has them"
        )
    if found.asks or found.unpriced:
        _prices(found)
    waiting = sum(line.state == "run" for line in found.lines)
    say(f"{waiting} of {len(found.lines)} to run")
    return 0


def _prices(found: Plan) -> None:
    """What models are asked, by stage and in total."""
    rows: list[tuple[str, ...]] = [
        (
            ask.path,
            ask.model,
            count(ask.calls, ask.most),
            f"{ask.tokens_in:,}",
            f"{ask.tokens_out:,}",
            _dollars(ask.dollars),
        )
        for ask in found.asks
    ]
    total = [
        sum(column)
        for column in zip(*((a.calls, a.tokens_in, a.tokens_out) for a in found.asks), strict=True)
    ]
    if len(rows) > 1:
        prices = [ask.dollars for ask in found.asks]
        known = None if None in prices else sum(price for price in prices if price is not None)
        most = any(ask.most for ask in found.asks)
        calls = count(total[0], most)
        rows.append(("in all", "", calls, *(f"{number:,}" for number in total[1:]), _dollars(known)))
    show(
        ["stage", "model", "calls", "tokens in", "out, at most", "at most"],
        rows,
        right=["calls", "tokens in", "out, at most", "at most"],
    )
    if any(ask.dollars != 0 for ask in found.asks):
        say("calls made again come on top: answers that cannot be read, and responses that are broken")
    stored = sum(ask.calls * ask.stored for ask in found.asks)
    if stored:
        sampled = any(ask.stored and not ask.read for ask in found.asks)
        about = "by a sample of the rows, about " if sampled else ""
        say(f"{about}{stored:,.0f} of the calls are answered already, and cost nothing")
    for path in found.unpriced:
        say(f"{path}: what it asks is known when the stages before it have run")


def _dollars(price: float | None) -> str:
    return "unknown" if price is None else dollars(price) if price else "free"


def _first(lines: list[Line]) -> list[Line]:
    """The lines of a plan without those of later rounds, where there are too many to read."""
    if len(lines) <= MOST:
        return lines
    return [line for line in lines if all(int(index) <= ROUNDS for index in line.path.split("#")[1:])]
