"""The network is asked when the plugin is imported, and the error swallowed."""

import socket

import selectlang as sl

FOUND = ("imports", "goes to the network, .*: socket.* .*192.0.2.1.*network_import.py:")


try:
    with socket.create_connection(("192.0.2.1", 9), timeout=0.01):
        FACTOR = 2.0
except OSError:
    FACTOR = 1.0


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return [FACTOR] * len(rows)
