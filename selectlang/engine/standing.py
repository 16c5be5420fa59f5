"""Which stored results can be used.

Calls to models that failed are made again by the next run. So the result of their stage, in which some
rows have no answer, is for one run; and what was made from it stands for as long as it comes out the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from selectlang.engine.handles import Handle, ResultHandle
from selectlang.store.store import Store


class Lost(Exception):
    """A result is not in the store, or was damaged there: it is to be made."""


@dataclass
class Standing:
    """What stands in one run. `made` are the keys of the results that the run made itself.

    `known` are those that are known to stand, and `doubted` those whose files are checked first.
    """

    store: Store
    made: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    doubted: set[str] = field(default_factory=set)

    def has(self, key: str) -> bool:
        """Whether the store has a result that can be used; mostly its files are not checked yet."""
        if key in self.doubted:
            if self.store.path(key) is None:
                return False
            self.doubted.discard(key)
        if key in self.known:
            return True
        meta = self.store.meta(key)
        if meta is None or (meta.get("failed") and key not in self.made):
            return False
        for source, content in meta.get("provisional", {}).items():
            if not self.has(source) or self.store.content(source) != content:
                return False
        self.known.add(key)
        return True

    def lost(self, key: str) -> None:
        """A result turned out damaged; it may be made again meanwhile, or could not be taken out."""
        self.known.discard(key)
        self.doubted.add(key)

    def sources(self, key: str) -> Iterable[str]:
        """The results with failed calls that a result rests on."""
        provisional: dict[str, str] = (self.store.meta(key) or {}).get("provisional", {})
        return provisional

    def provisional(self, handles: Iterable[Handle]) -> dict[str, str]:
        """The results with failed calls that values rest on, and what each holds."""
        found: dict[str, str] = {}
        for handle in handles:
            if not isinstance(handle, ResultHandle):
                continue
            meta = self.store.meta(handle.key) or {}
            found |= meta.get("provisional", {})
            if meta.get("failed"):
                found[handle.key] = self.store.content(handle.key)
        return found
