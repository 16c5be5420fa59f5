"""`extends`: a child spec over its parent.

A stage that states its kind replaces the parent's, one that does not changes the settings it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from selectlang.faults import Place, listing, quoted
from selectlang.language.spec import STRUCTURAL
from selectlang.language.yaml import Node
from selectlang.methods import KINDS

_HEADS = (*KINDS, *STRUCTURAL)


def merge(parent: Node, child: Node) -> Node:
    """A child spec over its parent."""
    if not isinstance(child.value, dict) or not isinstance(parent.value, dict):
        return child
    merged = _over(parent, child)
    for section in ("params", "data", "outputs", "imports", "limits"):
        _section(merged, parent, child, section, _entry if section in ("params", "data") else None)
    _section(merged, parent, child, "stages", _stage)
    merged.value.pop("extends", None)
    return merged


def _over(parent: Node, child: Node) -> Node:
    keys = {**(parent.keys or {}), **(child.keys or {})}
    return Node({**parent.value, **child.value}, child.place, keys)


def _section(
    merged: Node, parent: Node, child: Node, name: str, entry: Callable[[Node, Node], Node] | None
) -> None:
    old, new = parent.value.get(name), child.value.get(name)
    if old is None or new is None or not isinstance(old.value, dict) or not isinstance(new.value, dict):
        return
    both = _over(old, new)
    if entry is not None:
        for key in new.value:
            if key in old.value:
                both.value[key] = entry(old.value[key], new.value[key])
    merged.value[name] = both


def _entry(old: Node, new: Node) -> Node:
    """A param or data entry: the child changes the keys it names; a type replaces the whole."""
    if isinstance(old.value, dict) and isinstance(new.value, dict) and "type" not in new.value:
        return _over(old, new)
    return new


def _stage(old: Node, new: Node) -> Node:
    if not isinstance(old.value, dict) or not isinstance(new.value, dict):
        return new
    if _heads(new):
        return new
    both = _over(old, new)
    _section(both, old, new, "carry", _entry)
    _section(both, old, new, "stages", _stage)
    _section(both, old, new, "params", None)
    return both


def replaced(parent: Node, child: Node) -> Iterator[tuple[Place, str]]:
    """The stages of a child that state their kind and drop words of the parent's, each with a sentence."""
    old, new = (
        node.value.get("stages") if isinstance(node.value, dict) else None for node in (parent, child)
    )
    if old is None or new is None or not isinstance(old.value, dict) or not isinstance(new.value, dict):
        return
    for name, place, stage in new.items():
        before = old.value.get(name)
        if before is None or not isinstance(before.value, dict) or not isinstance(stage.value, dict):
            continue
        heads = _heads(stage)
        lost = [key for key in before.value if key not in stage.value and key not in _HEADS and key != "doc"]
        if not heads:
            yield from replaced(before, stage)
        elif lost:
            what = (
                f"stage {quoted(name)} states its kind, so it replaces the parent's, {listing(lost)} included"
            )
            yield place, f"{what}; to change settings only, leave {quoted(heads[0])} out"


def _heads(stage: Node) -> list[str]:
    return [word for word in _HEADS if word in stage.value]
