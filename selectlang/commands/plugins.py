"""selectlang plugins: what is installed, and what is broken."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from selectlang.commands.common import add_plugin_option, registry
from selectlang.faults import file_name
from selectlang.methods import KINDS
from selectlang.plugins import Registry
from selectlang.tables import say, show


def add(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print as JSON")
    add_plugin_option(parser)


def run(args: Namespace) -> int:
    loaded = registry(args)
    if args.json:
        say(json.dumps(_json(loaded), indent=2))
        return 0
    order = sorted(loaded.methods.values(), key=lambda m: (KINDS.index(m.kind), m.name))
    show(
        ["kind", "method", "from", "what it does"],
        [(m.kind, m.name, f"{m.distribution} {m.version}", m.doc.splitlines()[0]) for m in order],
    )
    from selectlang.seeing.text import paragraph

    tell = paragraph if sys.stdout.isatty() else say  # a line each for what reads a pipe
    for name, folder in sorted(loaded.packs.items()):
        names = ", ".join(path.stem for path in sorted(folder.glob("*.yaml")))
        tell(f"spec pack {name}: {names}")
    for broken in loaded.broken:
        tell(f"broken: {file_name(broken.plugin.distribution)}: {broken.reason}")
    for (kind, method), both in loaded.collisions.items():
        tell(f"taken twice: {kind} {method}: {' and '.join(both)}")
    return 0


def _json(loaded: Registry) -> dict[str, Any]:
    return {
        "plugins": [vars(plugin) for plugin in loaded.plugins],
        "methods": [
            {"kind": m.kind, "method": m.name, "distribution": m.distribution, "version": m.version}
            for m in loaded.methods.values()
        ],
        "packs": {name: str(folder) for name, folder in loaded.packs.items()},
        "broken": [{**vars(broken.plugin), "reason": broken.reason} for broken in loaded.broken],
        "collisions": [
            {"kind": kind, "method": method, "distributions": both}
            for (kind, method), both in loaded.collisions.items()
        ],
    }
