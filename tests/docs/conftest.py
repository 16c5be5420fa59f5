"""What `make quickstart` leaves, for the examples of pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from selectlang.demo.pool import write


@pytest.fixture
def quickstart(project: Callable[..., Any]) -> Any:
    """A folder with what `make quickstart` leaves there."""
    p = project({})
    write(p.folder / "quickstart")
    return p
