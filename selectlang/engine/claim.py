"""Claims: of several runs that need the same result, one makes it and the others wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from selectlang.llm.claims import Claims

POLL = 0.1  # seconds between two tries to take what somebody else holds


@contextmanager
def claimed(
    claims: Claims, key: str, waiting: Callable[[], None], check: Callable[[], None]
) -> Iterator[None]:
    """Hold the claim on a key; `waiting` is called once when another run or thread holds it.

    `check` is called while it waits, and raises when there is no sense in it any more.
    """
    if not claims.take(key):
        waiting()
        while not claims.take(key):
            time.sleep(POLL)
            check()
    try:
        yield
    finally:
        claims.give_back(key)
