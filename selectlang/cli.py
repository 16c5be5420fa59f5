"""The command line.

Exit codes: 0 fine, 1 a fault in spec or data or a cap that was reached, 2 usage, 3 a fault of selectlang or
of a plugin, 130 interrupted, 141 nobody reads the output.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module

from selectlang.errors import MethodError, SelectlangError, UsageError, described
from selectlang.tables import say

COMMANDS = {
    "check": "check specs, and list every fault",
    "plan": "say what a run would do",
    "run": "run a spec, and write the selection",
    "lock": "pin all that decides what a run gives",
    "why": "say why a run chose a row, or did not",
    "dropped": "list the rows that a run left out, with reasons",
    "diff": "compare two specs, two runs, or two files of rows",
    "verify": "check a run folder against its own record",
    "init": "start a spec from one of the library",
    "new": "start a plugin, or a pack of specs",
    "fmt": "put specs into one form",
    "graph": "draw the stages of a spec",
    "show": "show a method, a spec with all defaults, or an error code",
    "plugins": "list plugins, methods and spec packs",
    "schema": "print a JSON Schema of specs, for editors",
    "store": "list, verify and prune stored results",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    _streams()
    code, fault = 3, None
    try:
        code = _command(list(sys.argv[1:] if argv is None else argv))
    except SystemExit:  # argparse
        fault = _lost()
        if fault is None:
            raise
    except OSError as error:
        fault = error
    lost = _lost() or (fault if fault and fault.errno in (errno.EPIPE, errno.ENOSPC) else None)
    if isinstance(lost, BrokenPipeError):
        return 141  # what a shell says of a command whose reader went away
    if lost is not None:
        say(f"cannot write the output: {lost.strerror}", sys.stderr)
        return 1
    return code if fault is None else _ours(fault, f"a fault of selectlang: {described(fault)}")


def _command(arguments: list[str]) -> int:
    try:
        args = _parser(arguments).parse_args(arguments)
        _stand()
        code: int = import_module(f"selectlang.commands.{args.command}").run(args)
        return code
    except KeyboardInterrupt:
        print(
            "interrupted; what was finished is kept, and the same command goes on from there", file=sys.stderr
        )
        return 130
    except OSError:
        raise
    except MethodError as error:
        return _ours(error, str(error))
    except SelectlangError as error:
        say(f"selectlang: {error}" if error.exit_code == 2 else error, sys.stderr)
        return error.exit_code
    except Exception as error:
        return _ours(error, f"a fault of selectlang: {described(error)}")


def _streams() -> None:
    """Make the streams fit for any text. One that is closed leads nowhere, or a file would get its number."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(number)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may not be UTF-8, a spec always is
            stream.reconfigure(errors="backslashreplace")


def _lost() -> OSError | None:
    """Why a stream takes no more text, if one does not: nobody reads it, or its disk is full.

    From then on it leads nowhere, lest Python complains when it closes it.
    """
    found = None
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            found = error
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return found


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


def _stand() -> None:
    """A UsageError when the working folder was deleted: no path is seen from nowhere."""
    try:
        os.getcwd()
    except OSError as error:
        raise UsageError("the working folder is gone; cd to one that is there") from error


def _ours(error: BaseException, message: str) -> int:
    """Exit 3: one line for people, the traceback in a log file beside the store."""
    say(message, sys.stderr)
    try:
        from selectlang.store.store import Store

        folder = Store.default().scratch / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
        log.write_text("".join(traceback.format_exception(error)), "utf-8", "backslashreplace")
        say(f"the traceback is in {log}", sys.stderr)
    except (OSError, SelectlangError):
        traceback.print_exception(error)
    return 3


if __name__ == "__main__":
    sys.exit(main())
