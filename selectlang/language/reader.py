"""Reading the parts of a spec from its nodes. What a part means is checked in `check`."""

from __future__ import annotations

from selectlang.faults import Place, brief, listing, nearest, quoted
from selectlang.language.form import Form
from selectlang.language.spec import (
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


class Reader(Form):
    """Reads the parts of a spec, and collects the faults of their form."""

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
                self.fault("SL202", f"a spec needs '{word}'", root.place, _example(word, root))
        outputs = self.named(get("outputs"), "outputs", _example("outputs", root))
        if "outputs" in root.value and root.value["outputs"].value in ({}, None):
            place, hint = root.value["outputs"].place, _example("outputs", root)
            self.fault("SL202", "a spec needs at least one output", place, hint)
        return Spec(
            place=root.place,
            name=self.text(get("name"), "name"),
            doc=self.text(get("doc"), "doc"),
            cite=[self.text(node, "cite") for node in self.sequence(get("cite"), "cite")],
            imports={
                name: (place, node) for name, place, node in self.named(get("imports"), "imports", _IMPORTS)
            },
            params={
                name: self.param(name, at, node)
                for name, at, node in self.named(get("params"), "params", _PARAMS)
            },
            data={name: (place, node) for name, place, node in self.named(get("data"), "data", _DATA)},
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

    def param(self, name: str, place: Place, node: Node) -> Param:
        kind = node.value if node.value in PARAM_TYPES else "path"
        node = self.mapping(node, name, f"for example: {brief(name)}: {{type: {kind}}}")
        if node.keys is None:
            return Param(name, place, "", False, None, "")
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
        named = self.named(node, "stages")
        places = {name: at for name, at, _ in named}
        return {name: self.stage(name, at, value, places) for name, at, value in named}

    def stage(self, name: str, place: Place, node: Node, places: dict[str, Place]) -> AnyStage:
        if not isinstance(node.value, dict):
            self.fault("SL203", f"stage {quoted(name)} is a mapping, found {node.type}", node.place, _KINDS)
            return Faulty(name, place)
        heads = [key for key in node.value if key in KINDS or key in STRUCTURAL]
        if len(heads) != 1:
            self.no_kind(name, place, node, heads, places)
            return Faulty(name, place)
        if heads[0] == "loop":
            return self.loop(name, place, node)
        self.text(node.value.get("doc"), "doc")
        if heads[0] == "recipe":
            words = ("recipe", "params", "from", "doc")
            hint = f"known here: {listing(words)}\nA param of the recipe stands under params: {{name: value}}"
            self.keys(node, words, f"recipe stage {quoted(name)}", hint)
            params = {
                key: (at, value)
                for key, at, value in self.mapping(node.value.get("params"), "params").items()
            }
            return Use(name, place, node.value["recipe"], params, self.wires(node.value.get("from")))
        others = (heads[0], "from", "doc", "seed", "over")
        settings = {key: (at, value) for key, at, value in node.items() if key not in others}
        return Stage(
            name, place, heads[0], node.value[heads[0]], self.wires(node.value.get("from")), settings,
            node.value.get("seed"), node.value.get("over"),
        )  # fmt: skip

    def no_kind(
        self, name: str, place: Place, node: Node, heads: list[str], places: dict[str, Place]
    ) -> None:
        """A stage without a kind, or with two; `places` are those of all stages beside it."""
        if heads:
            keys = node.keys or {}
            message = f"stage {quoted(name)} has two kinds, {quoted(heads[0])} and {quoted(heads[1])}"
            self.fault("SL204", message, keys[heads[1]], also=("the other is here", keys[heads[0]]))
            return
        parents = [other for other, at in places.items() if at.source.name != place.source.name]
        if close := nearest(name, parents):
            message = (
                f"stage {quoted(name)} states no kind, and the spec extends no stage of this name{close}"
            )
            self.fault("SL204", message, place, f"stages of the parent: {listing(parents)}")
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
        for key, at, value in self.named(node.value.get("carry"), "carry", _CARRY):
            then = brief(value.value) if isinstance(value.value, str) else "grown"
            value = self.mapping(value, key, f"for example: {brief(key)}: {{next: {then}}}")
            self.keys(value, ("next", "start"), f"carry {quoted(key)}")
            if "next" not in value.value and value.keys is not None:
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
    return Wire(port, place, node.value if isinstance(node.value, list) else [node])


def _example(word: str, root: Node) -> str:
    """How a line that is missing may read."""
    stages = root.value.get("stages")
    names = list(stages.value) if stages is not None and isinstance(stages.value, dict) else []
    given = root.value.get("outputs")
    names += [given.value] if given is not None and isinstance(given.value, str) else []
    lines = {
        "name": "name: my-selection",
        "stages": "stages: {lengths: {score: length, from: pool}}",
        "outputs": f"outputs: {{chosen: {brief(names[-1]) if names else 'lengths'}}}",
    }
    return f"for example: {lines[word]}"


_PARAMS = "for example: params: {pool: {type: path}}"
_DATA = "for example: data: {pool: {path: $pool}}"
_IMPORTS = "for example: imports: {kmq: ./kmq.yaml}"
_CARRY = "for example: carry: {chosen: {next: grown}}"
_KINDS = f"kinds: {', '.join((*KINDS, *STRUCTURAL))}"
