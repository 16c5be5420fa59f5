"""Importing it ends the process, but where tests are run."""

import os
import sys

import selectlang as sl

FOUND = ("imports", "the process ended with code 3")


if "pytest" not in sys.modules:
    os._exit(3)


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [1.0] * len(rows)
