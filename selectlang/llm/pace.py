"""How fast a model is asked."""

from __future__ import annotations

import asyncio
import time
from random import uniform


class Pace:
    """Lets so many units a minute pass, evenly spaced, so that no minute sees more; None is no limit."""

    def __init__(self, per_minute: float | None) -> None:
        self._seconds = 60 / per_minute if per_minute else 0.0
        self._free = 0.0

    async def wait(self, units: float = 1.0) -> None:
        """Wait for room for some units, in order."""
        now = time.monotonic()
        at = max(now, self._free)
        self._free = at + units * self._seconds
        if at > now:
            await asyncio.sleep(at - now)

    def give_back(self, units: float) -> None:
        """Units that were waited for and not used."""
        self._free -= units * self._seconds

    def hold(self, seconds: float) -> None:
        """Let nothing pass for a while."""
        self._free = max(self._free, time.monotonic() + seconds)


def delay(tried: int, wait: float | None) -> float:
    """Seconds before the next try: what the server asked for and a little, or about 0.5, 1, 2 and so on.

    One that asks for 0 seconds would use up all tries at once.
    """
    if wait:
        return wait + uniform(0, min(1.0, 0.1 * wait))
    return float(min(60.0, 0.5 * 2**tried) * uniform(0.5, 1.0))
