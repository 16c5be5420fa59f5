"""What a person agreed to: the first use of a git source asks, and the answer is kept for that person.

The file is `selectlang/trusted.json` in `$XDG_CONFIG_HOME`, or in `~/.config`.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from selectlang.errors import UsageError
from selectlang.faults import file_name, printable
from selectlang.files import written
from selectlang.origins.origin import Unavailable

MEANS = "A spec is data and cannot run code, but it decides what is read,\nand what is asked of which model."
MOST = 10_000_000  # bytes of the file that are read


def agree(source: str, yes: bool, ask: bool) -> None:
    """Have a person agree to a URL, unless he did before; an Unavailable when he does not.

    `yes` agrees without asking; `ask` allows to ask on a terminal.
    """
    place = _file()
    if source in _agreed(place):
        return
    if not yes:
        if not (ask and all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))):
            hint = f"{MEANS}\nTo use it, give --yes once, or run the command in a terminal, which asks."
            raise Unavailable("SL407", f"{source} is used for the first time", hint)
        if not _answered(f"{source}\nis used for the first time. {MEANS}\nUse it? [y/N] "):
            raise Unavailable("SL407", f"{source} was not agreed to")
    with suppress(OSError):  # a home that may not be written: the next command asks again
        _remember(source, place)


def _answered(question: str) -> bool:
    print("\n".join(map(printable, question.split("\n"))), end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _file() -> Path:
    given = os.environ.get("XDG_CONFIG_HOME", "")
    folder = given if os.path.isabs(given) else os.path.expanduser("~/.config")  # as its specification has it
    return Path(folder, "selectlang", "trusted.json")


def _agreed(place: Path) -> list[str]:
    try:
        with open(place, encoding="utf-8") as file:
            found = json.loads(file.read(MOST))["git"]
        if not isinstance(found, list) or not all(isinstance(part, str) for part in found):
            raise ValueError
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        why = getattr(error, "strerror", None) or 'expected {"git": ["https://...", ...]}'
        where = file_name(str(place))
        raise UsageError(f"cannot read what you agreed to, {where}: {why}; mend or delete it") from None
    return found


def _remember(source: str, place: Path) -> None:
    """Add a URL. Of two processes at once, one may lose its entry: then it is asked for again."""
    text = json.dumps({"git": sorted({*_agreed(place), source})}, indent=2, ensure_ascii=False) + "\n"
    place.parent.mkdir(parents=True, exist_ok=True)
    written(place, text.encode())
