"""Reading the parts of a spec from its nodes. What a part means is checked in `check`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from selectlang.faults import Fault, Place, listing, nearest, quoted
from selectlang.language.spec import (
    NAME,
    PARAM_TYPES,
    STRUCTURAL,
    TOP,
    VERSION,
    AnyStage,
    Carry,
    Faulty,
    Loop,
    Param,
    Spec,
    Stage,
    Use,
    Wire,
)
from selectlang.language.yaml import Node
from selectlang.methods import KINDS


@dataclass
class Reader:
    """Reads the parts of a spec, and collects the faults of their form."""

    faults: list[Fault] = field(default_factory=list)

    def fault(
        self, code: str, message: str, place: Place, hint: str = "", also: tuple[str, Place] | None = None
    ) -> None:
        self.faults.append(Fault(code, message, place, also, hint))

    def spec(self, root: Node) -> Spec:
        """The whole spec; parts with faults are left out."""
        if not isinstance(root.value, dict):
            self.fault("SL109", f"a spec is a mapping, found {root.type}", root.place)
            root = Node({}, root.place, {})
        else:
            self.keys(root, TOP, "a spec")
            self.version(root)
        get = root.value.get
        for word in ("name", "stages", "outputs"):
            if word not in root.value and root.value:
                self.fault("SL202", f"a spec needs '{word}'", root.place)
        outputs = self.named(get("outputs"), "outputs")
        if "outputs" in root.value and root.value["outputs"].value in ({}, None):
            self.fault("SL202", "a spec needs at least one output", root.value["outputs"].place)
        return Spec(
            place=root.place,
            name=self.text(get("name"), "name"),
            doc=self.text(get("doc"), "doc"),
            cite=[self.text(node, "cite") for node in self.sequence(get("cite"), "cite")],
            imports={name: (place, node) for name, place, node in self.named(get("imports"), "imports")},
            params={
                name: self.param(name, at, node) for name, at, node in self.named(get("params"), "params")
            },
            data={name: (place, node) for name, place, node in self.named(get("data"), "data")},
            stages=self.stages(get("stages")),
            outputs={name: (place, node) for name, place, node in outputs},
            limits=get("limits"),
            seed=get("seed"),
        )

    def version(self, root: Node) -> None:
        node = root.value.get("selectlang")
        if node is None:
            self.fault("SL212", "a spec starts with its language version: 'selectlang: 1'", root.place)
        elif node.value != VERSION or isinstance(node.value, bool):
            message = f"language version {quoted(node.plain())} is not known here; this is version {VERSION}"
            self.fault("SL212", message, node.place)

    def keys(self, node: Node, known: Iterable[str], what: str, hint: str = "") -> None:
        """Report the keys of a mapping that are not known."""
        known = list(known)
        for name, place, _ in node.items():
            if name not in known:
                message = f"{what} has no key {quoted(name)}{nearest(name, known)}"
                self.fault("SL201", message, place, hint or f"known here: {listing(known)}")

    def mapping(self, node: Node | None, what: str) -> Node:
        """A mapping; anything else is a fault and reads as an empty one."""
        if node is not None and isinstance(node.value, dict):
            return node
        if node is not None and node.value is not None:
            self.fault("SL203", f"'{what}' is a mapping, found {node.type}", node.place)
        return Node({}, node.place if node else _NOWHERE, {})

    def named(self, node: Node | None, what: str) -> list[tuple[str, Place, Node]]:
        """The entries of a mapping whose keys are names that people choose."""
        found = list(self.mapping(node, what).items())
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

    def param(self, name: str, place: Place, node: Node) -> Param:
        node = self.mapping(node, name)
        self.keys(node, ("type", "default", "doc"), f"param {quoted(name)}")
        form, many = node.value.get("type"), False
        if form is not None and isinstance(form.value, list) and len(form.value) == 1:
            form, many = form.value[0], True
        kind = form.value if form is not None else None
        if kind not in PARAM_TYPES:
            if form is None:
                self.fault(
                    "SL202", f"param {quoted(name)} needs a type", place, f"types: {listing(PARAM_TYPES)}"
                )
            else:
                found = quoted(form.plain())
                close = nearest(kind, PARAM_TYPES) if isinstance(kind, str) else ""
                hint = f"types: {listing(PARAM_TYPES)}, or a list of one: [path]"
                self.fault("SL213", f"{found} is no type of a param{close}", form.place, hint)
            kind = ""
        return Param(
            name, place, kind, many, node.value.get("default"), self.text(node.value.get("doc"), "doc")
        )

    def stages(self, node: Node | None) -> dict[str, AnyStage]:
        return {name: self.stage(name, at, value) for name, at, value in self.named(node, "stages")}

    def stage(self, name: str, place: Place, node: Node) -> AnyStage:
        if not isinstance(node.value, dict):
            self.fault("SL203", f"stage {quoted(name)} is a mapping, found {node.type}", node.place, _KINDS)
            return Faulty(name, place)
        heads = [key for key in node.value if key in KINDS or key in STRUCTURAL]
        if len(heads) != 1:
            self.no_kind(name, place, node, heads)
            return Faulty(name, place)
        if heads[0] == "loop":
            return self.loop(name, place, node)
        self.text(node.value.get("doc"), "doc")
        if heads[0] == "recipe":
            self.keys(node, ("recipe", "params", "from", "doc"), f"recipe stage {quoted(name)}")
            params = {
                key: (at, value)
                for key, at, value in self.mapping(node.value.get("params"), "params").items()
            }
            return Use(name, place, node.value["recipe"], params, self.wires(node.value.get("from")))
        words = (heads[0], "from", "doc", "seed", "over")
        settings = {key: (at, value) for key, at, value in node.items() if key not in words}
        return Stage(
            name, place, heads[0], node.value[heads[0]], self.wires(node.value.get("from")), settings,
            node.value.get("seed"), node.value.get("over"),
        )  # fmt: skip

    def no_kind(self, name: str, place: Place, node: Node, heads: list[str]) -> None:
        if heads:
            keys = node.keys or {}
            message = f"stage {quoted(name)} has two kinds, {quoted(heads[0])} and {quoted(heads[1])}"
            self.fault("SL204", message, keys[heads[1]], also=("the other is here", keys[heads[0]]))
            return
        for key, at, _ in node.items():
            close = nearest(key, (*KINDS, *STRUCTURAL))
            if close:
                self.fault("SL204", f"{quoted(key)} is no kind of stage{close}", at, _KINDS)
                return
        first = next(node.items(), None)
        if (
            first is not None
            and isinstance(first[2].value, str)
            and first[0] not in ("from", "doc", "seed", "over")
        ):
            self.fault("SL204", f"{quoted(first[0])} is no kind of stage", first[1], _KINDS)
        else:
            self.fault("SL204", f"stage {quoted(name)} states no kind", place, _KINDS)

    def loop(self, name: str, place: Place, node: Node) -> Loop:
        self.keys(node, ("loop", "until", "carry", "stages", "doc"), f"loop {quoted(name)}")
        self.text(node.value.get("doc"), "doc")
        if "stages" not in node.value:
            self.fault("SL202", f"loop {quoted(name)} needs 'stages'", place)
        carries = {}
        for key, at, value in self.named(node.value.get("carry"), "carry"):
            value = self.mapping(value, key)
            self.keys(value, ("next", "start"), f"carry {quoted(key)}")
            if "next" not in value.value:
                self.fault("SL202", f"carry {quoted(key)} needs 'next': what the round hands on", at)
            carries[key] = Carry(key, at, value.value.get("next"), value.value.get("start"))
        stages = self.stages(node.value.get("stages"))
        return Loop(name, place, node.value["loop"], node.value.get("until"), carries, stages)

    def wires(self, node: Node | None) -> list[Wire]:
        """`from` as one name, a list, or a mapping of port to name or list."""
        if node is None:
            return []
        if isinstance(node.value, dict):
            return [_wire(port, place, value) for port, place, value in node.items()]
        return [_wire(None, node.place, node)]


def _wire(port: str | None, place: Place, node: Node) -> Wire:
    listed = isinstance(node.value, list)
    return Wire(port, place, node.value if listed else [node], listed)


_KINDS = f"kinds: {', '.join((*KINDS, *STRUCTURAL))}"
_NOWHERE = Place(None)  # type: ignore[arg-type]  # of a mapping that is not there and has no entries
