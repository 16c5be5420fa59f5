"""It runs where a test has set something up, and nowhere else."""

import selectlang as sl

FOUND = ("processes", "in another process it raised KeyError: 'ready' .*fails_elsewhere.py:")
STATE: dict[str, float] = {}


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [STATE["ready"] + len(text) for text in rows.responses()]


def prepare() -> None:
    """What the test does first."""
    STATE["ready"] = 1.0
