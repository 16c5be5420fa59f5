"""The library of specs: each is named `selectlang:<name>`, or `<name>` alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import selectlang as sl


@sl.hookimpl
def register_specs(register: Callable[[str, Path], None]) -> None:
    """Offer the specs of this folder."""
    register("selectlang", Path(__file__).parent)
