"""A plugin with a good method, a broken one, and one that another plugin has too."""

from __future__ import annotations

from typing import Any

import selectlang as sl


@sl.score
def odd(rows: sl.Rows, unit) -> sl.Scores:  # type: ignore[no-untyped-def]
    """A fake: its second parameter has no annotation."""
    raise NotImplementedError


@sl.score
def twice(rows: sl.Rows) -> sl.Scores:
    """A fake: registered by two plugins."""
    raise NotImplementedError


@sl.score
def good(rows: sl.Rows) -> sl.Scores:
    """A fake: nothing is wrong with it."""
    raise NotImplementedError


@sl.hookimpl
def register_methods(register: Any) -> None:
    for method in (odd, twice, good):
        register(method)
