"""A library is loaded when the plugin is imported."""

import numpy as np

import selectlang as sl

FOUND = ("imports", "loads numpy \\(.*heavy_import.py:3\\)")


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return np.ones(len(rows))
