"""Checks that read a method without running it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from selectlang.errors import described
from selectlang.language.schemas import mismatch
from selectlang.settings import BadMethod, texts
from selectlang.signature import describe
from selectlang.testing.findings import Finding

if TYPE_CHECKING:
    from selectlang.testing.suite import Suite


def signature(suite: Suite) -> Iterator[Finding]:
    """A signature that lacks an annotation or a docstring, or has a reserved name or a type of no spec."""
    try:
        describe(suite.call)
        return
    except BadMethod as error:
        found = [str(error), *error.others]
    except Exception as error:  # what a plugin is made of may be as odd as its cause
        found = [described(error)]
    for text in found:
        yield Finding(
            "signature",
            text,
            "a signature that says all: inputs with port types, keyword-only settings with types that JSON "
            "has, an output, and a docstring",
            "mend it; `selectlang plugins` would list the method as broken",
        )


def settings(suite: Suite) -> Iterator[Finding]:
    """Settings that no spec can rely on: a default that does not fit its type, no entry in the docstring."""
    known = suite.method.settings
    for name, setting in known.items():
        problem = None if setting.required else mismatch(setting.default, setting.schema, literal=True)
        if problem is not None:
            yield Finding(
                "settings",
                f"the default of {name!r}{problem[1]}",
                "a default that a spec could state",
                "correct the default, or widen the type: a default of None needs `| None`",
            )
        if not setting.doc:
            yield Finding(
                "settings",
                f"setting {name!r} has no doc",
                "an entry for each setting, which `selectlang show` prints and editors complete",
                "write what it means under `Settings:` in the docstring",
            )
    for name in texts(suite.call):
        if name not in known:
            yield Finding(
                "settings",
                f"the docstring describes {name!r} under `Settings:`, and there is no such setting",
                "entries of settings alone",
                "correct the name, or take the entry away",
            )


def sharding(suite: Suite) -> Iterator[Finding]:
    """Attributes of a class that the engine cannot use: shard_rows, window_rows, batch_rows, gpus."""
    wanted = {"shard_rows": (int, 1), "batch_rows": (int, 1), "gpus": (int | float, 0)}
    for name, (kind, least) in wanted.items() if inspect.isclass(suite.call) else ():
        value: Any = getattr(suite.call, name, least)
        if isinstance(value, bool) or not isinstance(value, kind) or value < least:
            yield Finding(
                "sharding",
                f"{name} is {value!r}",
                f"a number of at least {least}",
                "correct it, or leave it out",
            )
    window: Any = getattr(suite.call, "window_rows", None)
    if inspect.isclass(suite.call) and window is not None and not _takes(window, 2):
        yield Finding(
            "sharding",
            "window_rows cannot be asked",
            "a function of rows and a number of GPUs, which the class itself can be asked for",
            "mark it @staticmethod, or leave it out",
        )


def _takes(call: Any, count: int) -> bool:
    try:
        inspect.signature(call).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True
