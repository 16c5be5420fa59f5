"""What it says hangs on the time."""

import time

import selectlang as sl

FOUND = ("repeats", "the same inputs give score")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    now = time.perf_counter_ns()
    return [float(now % (1 + len(text))) for text in rows.responses()]
