"""A plugin with a method that another plugin has too."""

from __future__ import annotations

from typing import Any

import selectlang as sl


@sl.score
def twice(rows: sl.Rows) -> sl.Scores:
    """A fake: registered by two plugins."""
    raise NotImplementedError


@sl.hookimpl
def register_methods(register: Any) -> None:
    register(twice)
