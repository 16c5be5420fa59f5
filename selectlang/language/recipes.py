"""Checking a recipe stage: another spec, in a scope of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from selectlang.errors import SpecError
from selectlang.faults import Fault, Place, listing, nearest, quoted
from selectlang.language.given import bind, literal
from selectlang.language.load import Loaded
from selectlang.language.program import Nested, Ref, Step, Type
from selectlang.language.scope import Env, Symbol, resolve
from selectlang.language.spec import Param, Spec, Use, Wire
from selectlang.language.types import accepts, ref_text
from selectlang.language.values import Values
from selectlang.methods import Port
from selectlang.rows import Rows

if TYPE_CHECKING:
    from selectlang.language.check import Checker


def check_recipe(
    checker: Checker, use: Use, env: Env, values: Values, path: str, loaded: Loaded
) -> tuple[Symbol, Step | None]:
    """The symbol of a recipe stage, whose ports are the recipe's outputs; params go in, rows may."""
    inner = _opened(checker, use, loaded)
    if inner is None:
        for wire in use.wires:
            for node in wire.refs:
                resolve(node, env, checker.faults)
        for _, node in use.params.values():
            values.plain(node)
        return Symbol("stage", use.place, hidden=True), None
    spec = checker.read(inner)
    before = len(checker.faults)
    bound = _bound(use, spec, env, checker.faults)
    behind = {fault.code for fault in checker.faults[before:]} & {"SL209", "SL308"}
    given = _given(use, spec, values)
    inside = Values(spec.params, bind(spec.params, given, checker.faults), checker.faults)
    program = checker.scope(inner, spec, inside, bound, f"{path}{use.name}/")
    for lacking in program.missing:
        if lacking not in use.params and not behind:
            also = ("it is declared here", spec.params[lacking].place)
            message = f"recipe {_name(use)} needs param {quoted(lacking)}"
            hint = f"params: {{{lacking}: ...}}{_or_rows(lacking, spec)}"
            checker.faults.append(Fault("SL202", message, use.place, also, hint))
    ports = {name: ref.type for name, ref in program.outputs.items()}
    default = next(iter(ports.values())) if len(ports) == 1 else None
    symbol = Symbol("recipe", use.place, default, ports, hidden=not ports)
    return symbol, Nested(f"{path}{use.name}", use.name, program, bound)


def _opened(checker: Checker, use: Use, loaded: Loaded) -> Loaded | None:
    """The spec of a recipe stage: one that `imports` names, or one that is written out, as in a record."""
    if isinstance(use.recipe.value, dict):
        if "extends" in use.recipe.value:
            message = "a recipe that is written out extends no other"
            checker.faults.append(Fault("SL403", message, use.recipe.value["extends"].place))
        return Loaded(use.recipe, loaded.file, loaded.chain)
    imports = loaded.parts[0].imports
    name = use.recipe.value
    if not isinstance(name, str) or name not in imports:
        close = nearest(name, imports) if isinstance(name, str) else ""
        hint = f"imports: {listing(imports)}" if imports else "Name it first: imports: {kmq: ./kmq.yaml}"
        shown = quoted(name) if isinstance(name, str) else use.recipe.type
        message = f"a recipe is the name of an import, found {shown}{close}"
        checker.faults.append(Fault("SL403", message, use.recipe.place, None, hint))
        return None
    where = imports[name][1]
    try:
        return checker.library.load(checker.library.locate(where), where.place, loaded.chain)
    except SpecError as error:
        checker.faults += error.faults
        return None


def _name(use: Use) -> str:
    return quoted(use.recipe.value if isinstance(use.recipe.value, str) else use.name)


def _or_rows(param: str, spec: Spec) -> str:
    """Rows may come from `from` instead of a file."""
    for name, (_, node) in spec.data.items():
        path = node.value.get("path") if isinstance(node.value, dict) else None
        if path is not None and path.value == f"${param}":
            return f", or give it rows: from: {{{name}: ...}}"
    return ""


def _bound(use: Use, spec: Spec, env: Env, faults: list[Fault]) -> dict[str, Ref]:
    """The data sets of a recipe that `from` gives rows to."""
    found: dict[str, Ref] = {}
    for wire in use.wires:
        refs = [resolve(node, env, faults) for node in wire.refs]
        for target, ref in _targets(use, wire, refs, spec, faults):
            kind = ref.type.kind
            if kind is not None and not accepts(Port(target, Rows, ""), kind):
                what = f"data set {quoted(target)} of recipe {_name(use)}"
                message = f"{what} expects Rows, {quoted(ref_text(ref))} is {kind.__name__}"
                also = ("the data set is here", spec.data[target][0])
                faults.append(Fault("SL303", message, ref.place, also))
                kind = None
            found[target] = replace(ref, type=Type(Rows, ref.type.about) if kind else Type())
    return found


def _targets(use: Use, wire: Wire, refs: list[Ref], spec: Spec, faults: list[Fault]) -> list[tuple[str, Ref]]:
    recipe = f"recipe {_name(use)}"
    known = f"data sets: {listing(spec.data) or 'none'}"
    if wire.port is None:
        if len(refs) > len(spec.data):
            message = f"{recipe} has {_count(len(spec.data))}, found {len(refs)} inputs"
            faults.append(Fault("SL308", message, wire.place, ("the recipe", spec.place), known))
        return list(zip(spec.data, refs, strict=False))
    if wire.port not in spec.data:
        message = f"{recipe} has no data set {quoted(wire.port)}{nearest(wire.port, spec.data)}"
        faults.append(Fault("SL209", message, wire.place, ("the recipe", spec.place), known))
        return []
    if len(refs) != 1:
        message = f"data set {quoted(wire.port)} of {recipe} takes one input, found {len(refs)}"
        faults.append(Fault("SL308", message, wire.place))
        return []
    return [(wire.port, refs[0])]


def _count(number: int) -> str:
    return f"{number} data set{'' if number == 1 else 's'}"


def _given(use: Use, spec: Spec, values: Values) -> dict[str, Any]:
    """The params that a recipe stage gives. One that has no value yet is given as Unknown."""
    found: dict[str, Any] = {}
    for name, (place, node) in use.params.items():
        param: Param | None = spec.params.get(name)
        if param is None:
            message = f"recipe {_name(use)} has no param {quoted(name)}{nearest(name, spec.params)}"
            also: tuple[str, Place] = ("the recipe", spec.place)
            values.faults.append(
                Fault("SL207", message, place, also, f"params: {listing(spec.params) or 'none'}")
            )
        elif param.type:
            also = (f"it is declared as {param} here", param.place)
            found[name] = literal(param, node, values, f"param {quoted(name)}", also)
    return found
