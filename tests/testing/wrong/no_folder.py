"""A model that is nowhere."""

import selectlang as sl

FOUND = ("runs", "returned no Model: .* is no folder")


@sl.train
def wrong(rows: sl.Rows) -> sl.Model:
    """Wrong."""
    return "no/such/folder"
