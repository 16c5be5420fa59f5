"""What it says is another thing tomorrow, by another clock."""

import datetime
import time

import selectlang as sl

FOUND = ("processes", "two processes give the same inputs score [0-9]+ and [0-9]+ for row")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    day = datetime.date.today().toordinal() + int(time.time() // 86400)
    return [float(day + len(text)) for text in rows.responses()]
