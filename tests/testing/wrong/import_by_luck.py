"""It can be imported only where something else was before."""

import sys

import selectlang as sl

FOUND = ("imports", "cannot be imported in a new process: RuntimeError: no pytest")


if "pytest" not in sys.modules:
    raise RuntimeError("no pytest")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [1.0] * len(rows)
