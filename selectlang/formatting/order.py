"""What each mapping of a spec is, and the order of its keys in the one form."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from selectlang.methods import KINDS

NAMED = ("params", "data", "stages", "carries")
"""Mappings from names that people choose to mappings, which are aligned."""

_INSIDE: dict[str, dict[str, str]] = {
    "spec": {
        "extends": "source", "imports": "sources", "params": "params", "limits": "limits", "data": "data",
        "stages": "stages",
    },
    "sources": {"*": "source"},
    "params": {"*": "param"},
    "data": {"*": "set"},
    "stages": {"*": "stage"},
    "stage": {"stages": "stages", "carry": "carries", "recipe": "spec"},
    "carries": {"*": "carry"},
}  # fmt: skip
_FIRST: dict[str, Sequence[str]] = {
    "spec": (
        "selectlang", "name", "doc", "cite", "extends", "imports", "params", "limits", "seed", "data",
        "stages", "outputs",
    ),
    "source": ("git", "rev", "path"),
    "param": ("type", "default"),
    "set": ("path",),
    "stage": (*KINDS, "recipe", "from"),
    "loop": ("loop", "doc", "until", "carry", "stages"),
    "carry": ("start", "next"),
    "limits": ("max_cost", "max_calls"),
}  # fmt: skip
_LAST = ("seed", "doc")


def inside(role: str, key: str | None) -> str:
    """What the value of a key is, in a mapping that is `role`; empty where its keys stay as they are."""
    found = _INSIDE.get(role, {})
    return found.get(key or "", found.get("*", ""))


def order(role: str, keys: Collection[str]) -> list[str]:
    """The keys of a mapping in their order; those that have no place of their own stay as they are."""
    if role == "stage" and {"loop", "carry", "stages"} & set(keys):
        role = "loop"
    if role not in _FIRST:
        return list(keys)
    first = _FIRST[role]
    last = [word for word in _LAST if word not in first]
    middle = [key for key in keys if key not in first and key not in last]
    return [*(key for key in first if key in keys), *middle, *(key for key in last if key in keys)]
