"""Another program asks the network when the plugin is imported."""

import subprocess
from contextlib import suppress

import selectlang as sl

FOUND = ("imports", "or starts a program: subprocess.Popen .*curl.*starts_a_program.py:")

with suppress(OSError, subprocess.TimeoutExpired):
    subprocess.run(["curl", "--silent", "http://192.0.2.1"], timeout=0.1)


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [1.0] * len(rows)
