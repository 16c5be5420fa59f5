"""The command line.

Exit codes: 0 fine, 1 a fault in spec or data, 2 usage, 3 a fault of ours or of a plugin, 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module

from selectlang.errors import MethodError, SelectlangError

COMMANDS = {
    "check": "check specs, and list every fault",
    "plan": "say what a run would do",
    "run": "run a spec, and write the selection",
    "show": "show a method, a spec with all defaults, or an error code",
    "plugins": "list plugins, methods and spec packs",
    "store": "list, verify and prune stored results",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may not be UTF-8, a spec always is
            stream.reconfigure(errors="backslashreplace")
    try:
        args = _parser(arguments).parse_args(arguments)
        code: int = import_module(f"selectlang.commands.{args.command}").run(args)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print(
            "interrupted; what was finished is kept, and the same command goes on from there", file=sys.stderr
        )
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MethodError as error:
        return _ours(error, str(error))
    except SelectlangError as error:
        print(f"selectlang: {error}" if error.exit_code == 2 else str(error), file=sys.stderr)
        return error.exit_code
    except Exception as error:
        return _ours(error, f"a fault of selectlang: {type(error).__name__}: {error}")


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    from selectlang import __version__

    parser = argparse.ArgumentParser(
        prog="selectlang", description="Choose training data by a declarative spec."
    )
    parser.add_argument("--version", action="version", version=f"selectlang {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    named = next((word for word in arguments if word in COMMANDS), None)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name == named:  # only the command that runs is imported
            import_module(f"selectlang.commands.{name}").add(command)
    return parser


def _ours(error: BaseException, message: str) -> int:
    """Exit 3: one line for people, the traceback in a log file beside the store."""
    print(message, file=sys.stderr)
    try:
        from selectlang.store.store import Store

        folder = Store.default().scratch / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        print(f"the traceback is in {log}", file=sys.stderr)
    except (OSError, SelectlangError):
        traceback.print_exception(error)
    return 3


if __name__ == "__main__":
    sys.exit(main())
