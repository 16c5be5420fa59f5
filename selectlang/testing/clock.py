"""A clock that is ahead: what reads the time says something else then."""

from __future__ import annotations

import datetime
import time
from types import ModuleType
from typing import Any

AHEAD = 34_567_890  # seconds: more than a year, at another time of another day of the week


class _Like(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.__mro__[1])


class _Later(datetime.datetime, metaclass=_Like):
    """A datetime whose `now` goes by `time.time`, as its `today` and that of a date do by themselves."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _Later:
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> _Later:
        return cls.now(datetime.UTC).replace(tzinfo=None)


def advance() -> None:
    """Put `time.time` of this process ahead."""
    seconds, nanoseconds = time.time, time.time_ns
    vars(time).update(time=lambda: seconds() + AHEAD, time_ns=lambda: nanoseconds() + AHEAD * 10**9)


def give(module: ModuleType) -> None:
    """Put what a module has of `datetime` ahead, and nothing of others: compiled code needs its own."""
    later = ModuleType("datetime")
    vars(later).update({**vars(datetime), "datetime": _Later})
    for name, value in list(vars(module).items()):
        if value is datetime or value is datetime.datetime:
            setattr(module, name, later if value is datetime else _Later)
