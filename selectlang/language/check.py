"""Checking a spec: names, settings and types, every fault in one pass, and the program that comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from selectlang.errors import SpecError, UsageError
from selectlang.faults import Fault, nearest, quoted
from selectlang.language.calls import check_call
from selectlang.language.load import Library, Loaded
from selectlang.language.loops import check_loop
from selectlang.language.program import Call, Nested, Program, Ref, Rounds, Step, Type
from selectlang.language.scope import Env, Symbol, ordered, resolve, taken
from selectlang.language.spec import Loop, Spec, Stage, Use, param_name
from selectlang.language.types import accepts
from selectlang.language.values import UNKNOWN, Values, bind, literal, mismatch, param_schema
from selectlang.language.yaml import Node
from selectlang.methods import Port
from selectlang.params import typed
from selectlang.plugins import Registry
from selectlang.rows import Rows

MAX_STAGES = 20_000  # with those of all recipes: a few lines of recipes in recipes could ask for billions
DEFAULT_SEED = 42
DATA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path"],
    "properties": {
        "path": {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "minItems": 1}]},
        "format": {"enum": ["json", "jsonl", "csv", "tsv", "parquet"]},
        "id": {"type": "string"},
        "group": {"type": "string"},
        "columns": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: {"type": "string"} for name in ("system", "instruction", "input", "response", "messages")
            },
        },
        "header": {"type": "array", "items": {"type": "string"}},
        "bad_rows": {"enum": ["error", "skip"]},
        "split": {"type": "string"},
        "doc": {"type": "string"},
    },
}
LIMITS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "max_cost": {"type": "number", "minimum": 0},
        "max_calls": {"type": "integer", "minimum": 0},
    },
}
SEED: dict[str, Any] = {"type": "integer", "minimum": 0}


def check(spec: str, registry: Registry, given: dict[str, Any] | None = None) -> Program:
    """Check the spec that a person names, with the values given to its params.

    Raises a SpecError with every fault, or a UsageError about a param that was given.
    """
    library = Library(registry.packs)
    loaded = library.open(spec)
    checker = Checker(registry, library)
    program = checker.top(loaded, dict(given or {}))
    faults = {(f.code, f.message, str(f.place)): f for f in checker.faults}.values()
    if faults:
        raise SpecError(sorted(faults, key=lambda f: (f.place.source.name, f.place.line, f.place.column, f.code)))
    return program


class Checker:
    """Walks a spec and all its recipes, and collects faults."""

    def __init__(self, registry: Registry, library: Library) -> None:
        self.registry = registry
        self.library = library
        self.faults: list[Fault] = []
        self.count = 0

    def top(self, loaded: Loaded, given: dict[str, Any]) -> Program:
        spec = self.read(loaded)
        for name, value in list(given.items()):
            if name not in spec.params:
                known = ", ".join(spec.params) or "none"
                raise UsageError(f"the spec has no param {quoted(name)}{nearest(name, spec.params)} (params: {known})")
            given[name] = value = typed(spec.params[name], value)
            problem = mismatch(value, param_schema(spec.params[name])) if spec.params[name].type else None
            if problem is not None:
                raise UsageError(f"param {quoted(name)} {problem[1]}")
        values = Values(spec.params, bind(spec.params, given, self.faults), self.faults)
        return self.scope(loaded, spec, values, {}, "")

    def read(self, loaded: Loaded) -> Spec:
        spec, faults = loaded.spec()
        self.faults += faults
        return spec

    def scope(self, loaded: Loaded, spec: Spec, values: Values, bound: dict[str, Ref], path: str) -> Program:
        """Check one spec as a scope of its own; `bound` are data sets that a recipe stage gives rows to."""
        env: Env = {}
        data = {}
        for name, (place, node) in spec.data.items():
            ref = bound.get(name)
            about = ref.type.about if ref else f"{path}{name}"
            env[name] = Symbol("data set", place, Type(Rows, about))
            if ref is None:
                data[name] = self.data(name, node, values)
        steps = self.stages(spec.stages, env, values, path, False, loaded)
        outputs = {name: resolve(node, env, self.faults) for name, (_, node) in spec.outputs.items() if self.named(node)}
        limits = values.checked(spec.limits, LIMITS, "'limits'") if spec.limits else {}
        seed = values.checked(spec.seed, SEED, "'seed'") if spec.seed else DEFAULT_SEED
        missing = sorted(name for name in values.used if name not in values.given)
        return Program(
            name=spec.name, doc=spec.doc, cite=spec.cite, file=str(loaded.path), params=values.given, data=data,
            steps=_needed(steps, outputs.values()), outputs=outputs, limits=limits if isinstance(limits, dict) else {},
            seed=seed if isinstance(seed, int) else DEFAULT_SEED, missing=missing,
        )  # fmt: skip

    def named(self, node: Node) -> bool:
        if isinstance(node.value, str) and node.value:
            return True
        self.faults.append(Fault("SL203", f"expected the name of a stage, found {node.type}", node.place))
        return False

    def data(self, name: str, node: Node, values: Values) -> dict[str, Any]:
        value = values.checked(node, DATA, f"data {quoted(name)}")
        paths = node.value.get("path") if isinstance(node.value, dict) else None
        for part in paths.value if paths is not None and isinstance(paths.value, list) else [paths]:
            if part is None or not isinstance(part.value, str):
                continue
            param = values.params.get(param_name(part.value) or "")
            if param_name(part.value) is None:
                hint = f"Declare it: params: {{{name}: {{type: path}}}}, then write path: ${name}"
                self.faults.append(Fault("SL215", "the path of a data set is a param", part.place, None, hint))
            elif param is not None and param.type not in ("path", ""):
                also = ("it is declared here", param.place)
                self.faults.append(Fault("SL203", f"param {quoted(param.name)} is {param}, expected path", part.place, also))
        return value if isinstance(value, dict) else {}

    def stages(self, stages: dict[str, Any], env: Env, values: Values, path: str, looped: bool, loaded: Loaded) -> list[Step]:
        """Check the stages of a scope in the order of their references; adds their symbols to `env`."""
        taken([(name, stage.place, "stage") for name, stage in stages.items()], env, self.faults)
        self.count += len(stages)
        if self.count > MAX_STAGES:
            place = next(iter(stages.values())).place
            raise SpecError([Fault("SL404", f"more than {MAX_STAGES:,} stages, with those of recipes", place)])
        order, cyclic = ordered(stages, self.faults)
        for name in cyclic:
            env[name] = Symbol("stage", stages[name].place, hidden=True)
        steps = []
        for name in order:
            symbol, step = self.stage(stages[name], env, values, path, looped, loaded)
            env[name] = symbol
            if step is not None:
                steps.append(step)
        return steps

    def stage(
        self, stage: Stage | Loop | Use, env: Env, values: Values, path: str, looped: bool, loaded: Loaded
    ) -> tuple[Symbol, Step | None]:
        if isinstance(stage, Stage):
            return check_call(self, stage, env, values, path, looped)
        if isinstance(stage, Loop):
            return check_loop(self, stage, env, values, path, loaded)
        return self.recipe(stage, env, values, path, loaded)

    def recipe(self, use: Use, env: Env, values: Values, path: str, loaded: Loaded) -> tuple[Symbol, Step | None]:
        """A recipe stage: another spec, in a scope of its own."""
        hidden = Symbol("stage", use.place, hidden=True)
        imports = self.read_quietly(loaded).imports
        name = use.recipe.value
        if not isinstance(name, str) or name not in imports:
            close = nearest(name, imports) if isinstance(name, str) else ""
            hint = "Name it under 'imports' first: imports: {kmq: ./kmq.yaml}"
            message = f"there is no import {quoted(use.recipe.plain())}{close}"
            self.faults.append(Fault("SL403", message, use.recipe.place, None, hint))
            return hidden, None
        try:
            where = imports[name][1]
            target, shown = self.library.locate(where, loaded.path)
            inner = self.library.load(target, shown, where.place, loaded.chain)
        except SpecError as error:
            self.faults += error.faults
            return hidden, None
        spec = self.read(inner)
        bound = self.bound(use, spec, env)
        given = self.given(use, spec, values)
        inside = Values(spec.params, bind(spec.params, given, self.faults), self.faults)
        program = self.scope(inner, spec, inside, bound, f"{path}{use.name}/")
        for lacking in program.missing:
            if lacking not in given:
                also = ("declared here", spec.params[lacking].place)
                message = f"recipe {quoted(name)} needs param {quoted(lacking)}"
                self.faults.append(Fault("SL202", message, use.place, also, f"params: {{{lacking}: ...}}"))
        ports = {name: ref.type for name, ref in program.outputs.items()}
        default = next(iter(ports.values())) if len(ports) == 1 else None
        return Symbol("recipe", use.place, default, ports), Nested(f"{path}{use.name}", use.name, program, bound)

    def read_quietly(self, loaded: Loaded) -> Spec:
        return loaded.spec()[0]

    def bound(self, use: Use, spec: Spec, env: Env) -> dict[str, Ref]:
        """The data sets of a recipe that `from` gives rows to."""
        found: dict[str, Ref] = {}
        names = list(spec.data)
        for wire in use.wires:
            targets = [wire.port] if wire.port is not None else names[: len(wire.refs)]
            if len(wire.refs) > len(targets):
                self.faults.append(Fault("SL308", f"the recipe has {len(names)} data sets, given {len(wire.refs)}", wire.place))
            for target, node in zip(targets, wire.refs, strict=False):
                ref = resolve(node, env, self.faults)
                if target not in spec.data:
                    message = f"recipe {quoted(use.recipe.value)} has no data set {quoted(target)}{nearest(target or '', names)}"
                    self.faults.append(Fault("SL209", message, wire.place, ("the recipe", spec.place)))
                elif ref.type.kind is not None and not accepts(Port(target or "", Rows, ""), ref.type.kind):
                    message = f"data set {quoted(target)} of the recipe takes Rows, {quoted(ref.name)} is {ref.type.kind.__name__}"
                    self.faults.append(Fault("SL303", message, node.place))
                elif target:
                    found[target] = replace(ref, type=Type(Rows, ref.type.about))
        return found

    def given(self, use: Use, spec: Spec, values: Values) -> dict[str, Any]:
        """The params that a recipe stage gives. One that has no value yet is given as UNKNOWN."""
        found: dict[str, Any] = {}
        for name, (place, node) in use.params.items():
            param = spec.params.get(name)
            if param is None:
                message = f"recipe {quoted(use.recipe.value)} has no param {quoted(name)}{nearest(name, spec.params)}"
                self.faults.append(Fault("SL207", message, place, ("the recipe", spec.place)))
            elif param_name(node.value) is None and param.type:
                value = values.plain(node)
                found[name] = literal(param, node, value, f"param {quoted(name)}", self.faults)
            elif param.type:
                found[name] = values.checked(node, param_schema(param), f"param {quoted(name)}")
        return found


def _needed(steps: list[Step], outputs: Any) -> list[Step]:
    """The steps that the outputs depend on: a stage that nothing asks for is not run."""
    wanted = {ref.name for ref in outputs}
    kept = []
    for step in reversed(steps):
        if step.name not in wanted:
            continue
        kept.append(step)
        if isinstance(step, Rounds):
            ends = [carried.next for carried in step.carry.values()] + [until.metric for until in step.until]
            step.steps = _needed(step.steps, [*ends])
            inner = [ref for part in step.steps for ref in _refs(part)]
            wanted |= {ref.name for ref in (*ends, *inner)}
        wanted |= {ref.name for ref in _refs(step)}
    return kept[::-1]


def _refs(step: Step) -> list[Ref]:
    if isinstance(step, Call):
        return [ref for refs in step.wires.values() for ref in refs]
    if isinstance(step, Nested):
        return list(step.data.values())
    starts = [carried.start for carried in step.carry.values() if carried.start is not None]
    inner = [ref for part in step.steps for ref in _refs(part)]
    return [*starts, *inner, *(carried.next for carried in step.carry.values())]


__all__ = ["UNKNOWN", "Checker", "check"]
