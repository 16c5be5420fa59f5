"""The exceptions of selectlang.

SelectlangError
├── SpecError      faults in a spec, each with its place          (exit code 1)
├── DataError      rows, columns or values a method cannot use    (exit code 1)
├── LockError      what a lock pins is not what is here           (exit code 1)
├── CapReached     one more call would pass max_calls or max_cost  (exit code 1)
├── UsageError     the command line or a param is at fault        (exit code 2)
└── MethodError    a method raised something it did not mean to   (exit code 3)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectlang.faults import Fault


class SelectlangError(Exception):
    """Root of every error that selectlang raises on purpose."""

    exit_code = 3


class SpecError(SelectlangError):
    """A spec has faults; `faults` lists all of them, sorted by place."""

    exit_code = 1

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(fault.text() for fault in faults))


class DataError(SelectlangError):
    """Data cannot be read or used. Methods raise it to say what is wrong with their input."""

    exit_code = 1


class LockError(SelectlangError):
    """What a lock pins is not what is here, or something cannot be pinned."""

    exit_code = 1


class CapReached(SelectlangError):
    """A run stopped before a call to a model that might pass `max_calls` or `max_cost`; answers are kept."""

    exit_code = 1


class UsageError(SelectlangError):
    """The command line, or a value given to a param, is at fault."""

    exit_code = 2


class MethodError(SelectlangError):
    """A method raised an exception that is not a DataError: a fault of its plugin."""


def described(error: BaseException) -> str:
    """An exception as one line: its type, and its text where that can be had."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # the exception of a plugin may be as broken as the plugin
        text = "its text cannot be had"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
