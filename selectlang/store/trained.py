"""What people call a model that a stage has trained: it is asked by its folder in the store."""

from __future__ import annotations

import re

from selectlang.store.store import Store

_ENTRY = re.compile(r"local/.*/entries/[0-9a-f]{2}/([0-9a-f]{64})/")


def called(model: str, store: Store) -> str:
    """The name of a model, or the stage that trained it: the one that its entry in the store names."""
    found = _ENTRY.match(model)
    if found is None:
        return model
    meta = store.meta(found[1])
    return f"model of {meta['path']}" if meta else f"trained model {found[1][:12]}"
