"""Two libraries are loaded when the plugin is imported."""

import numpy as np
import sklearn  # noqa: F401

import selectlang as sl

FOUND = (
    "imports",
    r"loads numpy \(.*several_imports.py:3\)",
    r"loads sklearn \(.*several_imports.py:4\)",
)


@sl.score
def wrong(rows: sl.Rows) -> sl.Scores:
    """Wrong."""
    return np.ones(len(rows))
