"""The parts of a spec, as written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectlang.faults import Place
from selectlang.language.yaml import Node

VERSION = 1
TOP = (
    "selectlang", "name", "doc", "cite", "extends", "imports", "params", "data", "stages", "outputs",
    "limits", "seed",
)  # fmt: skip
PARAM_TYPES = ("path", "str", "int", "float", "bool", "model", "amount")
STRUCTURAL = ("loop", "recipe")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")
_PARAM_REF = re.compile(r"\$([A-Za-z_][A-Za-z0-9_-]*)\Z")


@dataclass
class Param:
    """A knob of the spec. `type` is one of PARAM_TYPES, or a list of one."""

    name: str
    place: Place
    type: str
    many: bool
    default: Node | None
    doc: str

    def __str__(self) -> str:
        return f"list of {self.type}" if self.many else self.type


@dataclass
class Wire:
    """One entry of `from`: the port it names, if it does, and the references it holds."""

    port: str | None
    place: Place
    refs: list[Node]


@dataclass
class Stage:
    """A stage that calls a method."""

    name: str
    place: Place
    kind: str
    method: Node
    wires: list[Wire]
    settings: dict[str, tuple[Place, Node]]
    seed: Node | None = None
    over: Node | None = None


@dataclass
class Carry:
    """What a round hands to the next. `next` is None where a fault hides it."""

    name: str
    place: Place
    next: Node | None
    start: Node | None


@dataclass
class Loop:
    """Stages that run in rounds."""

    name: str
    place: Place
    rounds: Node
    until: Node | None
    carry: dict[str, Carry]
    stages: dict[str, AnyStage]


@dataclass
class Use:
    """Another spec as a stage."""

    name: str
    place: Place
    recipe: Node
    params: dict[str, tuple[Place, Node]]
    wires: list[Wire]


@dataclass
class Faulty:
    """A stage of which only the name could be read: uses of the name are not reported again."""

    name: str
    place: Place


AnyStage = Stage | Loop | Use | Faulty


@dataclass
class Spec:
    """A spec as written, after `extends`."""

    place: Place
    name: str
    doc: str
    cite: list[str]
    imports: dict[str, tuple[Place, Node]]
    params: dict[str, Param]
    data: dict[str, tuple[Place, Node]]
    stages: dict[str, AnyStage]
    outputs: dict[str, tuple[Place, Node]]
    limits: Node | None
    seed: Node | None


def param_name(value: object) -> str | None:
    """The param that a scalar stands for, if it is `$name`."""
    match = _PARAM_REF.match(value) if isinstance(value, str) else None
    return match.group(1) if match else None
