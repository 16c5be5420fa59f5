"""The rules by which a value fits a port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selectlang.faults import Fault, Place, listing, quoted
from selectlang.language.program import Ref, Type
from selectlang.methods import Method, Port
from selectlang.ports import Clusters, Labels, Metric, Model, Replies, Scores, Selection, Vectors, Weights
from selectlang.rows import Rows

if TYPE_CHECKING:
    from selectlang.language.scope import Env
    from selectlang.plugins import Registry

ROW_LIKE = (Rows, Selection, Replies, Labels)
"""What can stand where rows or a selection are asked for."""

NOTHING_AT_START = frozenset({"Vectors", "Clusters", "Weights", "Model", "Metric"})
"""Types without an empty value: without `start` a first round has none, and the port must be optional."""

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

    def __init__(self, method: Method, env: Env, registry: Registry) -> None:
        self.method = method
        self.env = env
        self.registry = registry
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
            self.fault("SL303", message, ref.place, self.made(ref), self.instead(port, ref))
            return
        if port.kind is None:
            self.same_kind(port, ref)
        variable = port.about if port.kind is not None else "T"
        first = self.about.setdefault(variable, ref)
        if first.type.about is None:
            self.about[variable] = ref
        elif ref.type.about is not None and ref.type.about != first.type.about:
            self.fault("SL302", differ(ref, first), ref.place, self.other(first, ref))

    def same_kind(self, port: Port, ref: Ref) -> None:
        first = self.kinds[0] if self.kinds else ref
        self.kinds.append(ref)
        a, b = first.type.kind, ref.type.kind
        if a is not b and not (a in ROW_LIKE and b in ROW_LIKE):
            message = f"{quoted(ref_text(ref))} is {ref.type}, but {quoted(ref_text(first))} is {first.type}"
            self.fault("SL303", message, ref.place, self.other(first, ref))

    def output(self, port: Port) -> Type:
        """The type of an output, given what was wired."""
        kind = port.kind
        if kind is None:
            kinds = {ref.type.kind for ref in self.kinds}
            if not kinds:
                return Type()
            kind = kinds.pop() if len(kinds) == 1 else Selection
        ref = self.about.get(port.about if port.kind is not None else "T")
        return Type(kind, ref.type.about if ref and kind not in (Model, Metric) else None)

    def other(self, first: Ref, ref: Ref) -> tuple[str, Place]:
        """The second place when two references disagree: the other one, or on the same line what it made."""
        if (first.place.source, first.place.line) == (ref.place.source, ref.place.line):
            return self.made(ref)
        return f"{quoted(ref_text(first))} is given here", first.place

    def made(self, ref: Ref) -> tuple[str, Place]:
        """Where the name of a reference comes from."""
        return f"{quoted(ref.name)} is here", self.env[ref.name].place

    def where(self, port: Port) -> str:
        return f"port {quoted(port.name)} of {self.method.kind} {self.method.name}"

    def instead(self, port: Port, ref: Ref) -> str:
        """Where a value that fits comes from: another output of the same stage, or methods that make one."""
        wanted, kind = (port.kind or Rows).__name__, ref.type.kind or Rows
        ports = self.env[ref.name].ports.items()
        if found := [f"{ref.name}.{name}" for name, made in ports if made.kind and accepts(port, made.kind)]:
            return f"{wanted} of the same stage: {listing(found)}"
        makers = [
            f"{method.kind}: {method.name}"
            for method in self.registry.methods.values()
            if method.outputs[0].kind is port.kind
            and [accepts(part, kind) for part in method.inputs if not part.optional] == [True]
        ]
        return f"{wanted} of {kind.__name__} are made by {listing(makers)}" if makers else ""

    def fault(
        self, code: str, message: str, place: Place, also: tuple[str, Place] | None = None, hint: str = ""
    ) -> None:
        self.faults.append(Fault(code, message, place, also, hint))


def ref_text(ref: Ref) -> str:
    """A reference as it is written."""
    return ".".join(part for part in (ref.name, ref.port, ref.verdict) if part)


def differ(ref: Ref, first: Ref) -> str:
    """That two references speak about different data sets."""
    if all(part.type.kind is Rows and part.name == part.type.about for part in (ref, first)):
        return f"{quoted(ref.name)} and {quoted(first.name)} are two data sets"
    return f"{says(ref)}, but {says(first)}"


def says(ref: Ref) -> str:
    """What a reference says about which data set: `'quality' scores rows of 'targets'`."""
    about = quoted(ref.type.about or "?")
    if ref.type.kind is Rows and ref.name == ref.type.about:
        return f"{about} is a data set of its own"
    return f"{quoted(ref_text(ref))} {_SAYS.get(ref.type.kind, 'is about')} {about}"  # type: ignore[arg-type]
