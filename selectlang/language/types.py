"""The rules by which a value fits a port."""

from __future__ import annotations

from typing import Any

from selectlang.faults import Fault, Place, quoted
from selectlang.language.program import Ref, Type
from selectlang.methods import Method, Port
from selectlang.ports import Clusters, Labels, Replies, Scores, Selection, Vectors, Weights
from selectlang.rows import Rows

ROW_LIKE = (Rows, Selection, Replies, Labels)
"""What can stand where rows or a selection are asked for."""

NOTHING_AT_START = frozenset({"Vectors", "Clusters", "Weights", "Model", "Metric"})
"""Types without an empty value: in a first round without `start` there is nothing, and a port must allow it."""

_SAYS = {
    Rows: "holds rows of", Vectors: "embeds rows of", Clusters: "clusters rows of", Scores: "scores rows of",
    Labels: "labels rows of", Selection: "chooses rows of", Replies: "answers rows of",
    Weights: "weighs clusters of",
}  # fmt: skip


def accepts(port: Port, kind: type[Any]) -> bool:
    """Whether a port takes a value of a port type."""
    if port.kind is None or port.kind is kind:
        return True
    return port.kind in (Rows, Selection) and kind in ROW_LIKE


class Binding:
    """What the data set variables of one call stand for, and the type of T."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.about: dict[str, Ref] = {}
        self.kinds: list[Ref] = []
        self.faults: list[Fault] = []

    def wire(self, port: Port, ref: Ref) -> None:
        """Connect a reference to a port, and report what does not fit."""
        kind = ref.type.kind
        if kind is None:
            return
        if not accepts(port, kind):
            article = "expects" if port.name else "takes"
            message = f"{self.where(port)} {article} {port}, {quoted(ref_text(ref))} is {kind.__name__}"
            self.fault("SL303", message, ref.place)
            return
        if port.kind is None:
            self.same_kind(port, ref)
        variable = port.about if port.kind is not None else "T"
        first = self.about.setdefault(variable, ref)
        if first.type.about is None:
            self.about[variable] = ref
        elif ref.type.about is not None and ref.type.about != first.type.about:
            message = f"{says(ref)}, but {says(first)}"
            if self.faults and self.faults[-1].code == "SL302" and self.faults[-1].place == ref.place:
                return
            self.fault("SL302", message, ref.place, (f"{quoted(ref_text(first))} is given here", first.place))

    def same_kind(self, port: Port, ref: Ref) -> None:
        first = self.kinds[0] if self.kinds else ref
        self.kinds.append(ref)
        a, b = first.type.kind, ref.type.kind
        if a is not b and not (a in ROW_LIKE and b in ROW_LIKE):
            message = f"{quoted(ref_text(ref))} is {ref.type}, but {quoted(ref_text(first))} is {first.type}"
            self.fault("SL303", message, ref.place, ("the other is given here", first.place))

    def output(self, port: Port) -> Type:
        """The type of an output, given what was wired."""
        kind = port.kind
        if kind is None:
            kinds = [ref.type.kind for ref in self.kinds]
            if not kinds:
                return Type()
            kind = kinds[0] if all(k is kinds[0] for k in kinds) else Selection
        ref = self.about.get(port.about if port.kind is not None else "T")
        return Type(kind, ref.type.about if ref and kind.__name__ not in ("Model", "Metric") else None)

    def where(self, port: Port) -> str:
        return f"port {quoted(port.name)} of {self.method.kind} {self.method.name}"

    def fault(self, code: str, message: str, place: Place, also: tuple[str, Place] | None = None) -> None:
        self.faults.append(Fault(code, message, place, also))


def ref_text(ref: Ref) -> str:
    """A reference as it is written."""
    return ".".join(part for part in (ref.name, ref.port, ref.verdict) if part)


def says(ref: Ref) -> str:
    """What a reference says about which data set: `'quality' scores rows of 'targets'`."""
    about = quoted(ref.type.about or "?")
    if ref.type.kind is Rows and ref.name == ref.type.about:
        return f"{about} is a data set of its own"
    return f"{quoted(ref_text(ref))} {_SAYS.get(ref.type.kind, 'is about')} {about}"  # type: ignore[arg-type]
