"""What it says is another thing tomorrow."""

from datetime import UTC, datetime

import selectlang as sl

FOUND = ("processes", "two processes give the same inputs score [0-9]+ and [0-9]+ for row")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    since = [datetime(2020, 1 + len(text) % 12, 1, tzinfo=UTC) for text in rows.responses()]
    assert all(isinstance(day, datetime) for day in since)
    return [float((datetime.now(UTC) - day).days) for day in since]
