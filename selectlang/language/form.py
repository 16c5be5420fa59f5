"""The forms that the parts of a spec have: mappings, lists, texts and names, each with its fault."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from selectlang.faults import Fault, Place, listing, nearest, quoted
from selectlang.language.spec import NAME
from selectlang.language.yaml import Node


@dataclass
class Form:
    """Reads nodes of one form each, and collects the faults of those that have another."""

    faults: list[Fault] = field(default_factory=list)

    def fault(
        self, code: str, message: str, place: Place, hint: str = "", also: tuple[str, Place] | None = None
    ) -> None:
        self.faults.append(Fault(code, message, place, also, hint))

    def keys(self, node: Node, known: Iterable[str], what: str, hint: str = "") -> None:
        """Report the keys of a mapping that are not known."""
        known = list(known)
        for name, place, _ in node.items():
            if name not in known:
                message = f"{what} has no key {quoted(name)}{nearest(name, known)}"
                self.fault("SL201", message, place, hint or f"known here: {listing(known)}")

    def mapping(self, node: Node | None, what: str, hint: str = "") -> Node:
        """A mapping; anything else is a fault and reads as an empty one, which has no `keys`."""
        if node is not None and isinstance(node.value, dict):
            return node
        if node is None or node.value is None:
            return Node({}, node.place if node else _NOWHERE, {})
        self.fault("SL203", f"'{what}' is a mapping, found {node.type}", node.place, hint)
        return Node({}, node.place)

    def named(self, node: Node | None, what: str, hint: str = "") -> list[tuple[str, Place, Node]]:
        """The entries of a mapping whose keys are names that people choose; `hint` has an example."""
        found = list(self.mapping(node, what, hint).items())
        for name, place, _ in found:
            self.name(name, place)
        return found

    def name(self, name: str, place: Place) -> None:
        if not NAME.match(name):
            hint = "A name starts with a letter, and has letters, digits, '_' and '-', at most 64."
            self.fault("SL211", f"{quoted(name)} is no name", place, hint)

    def text(self, node: Node | None, what: str) -> str:
        if node is None:
            return ""
        if not isinstance(node.value, str):
            self.fault("SL203", f"'{what}' is text, found {node.type}", node.place)
            return ""
        return node.value

    def sequence(self, node: Node | None, what: str) -> list[Node]:
        if node is None:
            return []
        if isinstance(node.value, str):
            return [node]
        if not isinstance(node.value, list):
            self.fault("SL203", f"'{what}' is a list, found {node.type}", node.place)
            return []
        return node.value


_NOWHERE = Place(None)  # type: ignore[arg-type]  # of a mapping that is not there and has no entries
