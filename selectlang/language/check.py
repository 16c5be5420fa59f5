"""Checking a spec: names, settings and types, every fault in one pass, and the program that comes of it."""

from __future__ import annotations

from typing import Any

from selectlang.errors import SpecError, UsageError
from selectlang.faults import Fault, nearest, quoted
from selectlang.language.bare import bare_names
from selectlang.language.calls import check_call
from selectlang.language.given import bind, param_schema
from selectlang.language.load import Library, Loaded
from selectlang.language.loops import check_loop
from selectlang.language.names import Names
from selectlang.language.order import ordered
from selectlang.language.program import Call, Nested, Program, Ref, Rounds, Step, Type, calls
from selectlang.language.recipes import check_recipe
from selectlang.language.schemas import fitted, mismatch
from selectlang.language.scope import Env, Symbol, resolve, taken
from selectlang.language.sections import DEFAULT_SEED, LIMITS, SEED, check_data
from selectlang.language.spec import AnyStage, Faulty, Loop, Param, Spec, Stage, Use
from selectlang.language.values import Values
from selectlang.origins.sources import Sources
from selectlang.params import typed
from selectlang.plugins import Registry
from selectlang.rows import Rows

MAX_STAGES = 20_000  # with those of all recipes: a few lines of recipes in recipes could ask for billions
MAX_CALLS = 100_000  # with all rounds of loops: a plan lists each
MAX_FAULTS = 1_000  # enough for a person; a megabyte of mistakes would take minutes to describe


def check(
    spec: str, registry: Registry, given: dict[str, Any] | None = None, sources: Sources | None = None
) -> Program:
    """Check the spec that a person names, with the values given to its params.

    `sources` gives specs of git repositories; without it, only those that the person agreed to before.
    Raises a SpecError with every fault, or a UsageError about a param that was given.
    """
    library = Library(Names(registry.packs, sources or Sources()))
    checker = Checker(registry, library)
    program = None
    try:
        program = checker.top(library.open(spec), dict(given or {}))
    except SpecError as error:
        checker.faults += error.faults
    found = {(f.code, f.message, str(f.place)): f for f in [*library.faults, *checker.faults]}
    if found or program is None:
        raise SpecError(
            sorted(found.values(), key=lambda fault: (fault.place.order, fault.code))[:MAX_FAULTS]
        )
    program.notes = [f"{place}: {text}" for place, text in library.replaced.items()]
    program.origins = library.origins
    return program


class Checker:
    """Walks a spec and all its recipes, and collects faults."""

    def __init__(self, registry: Registry, library: Library) -> None:
        self.registry = registry
        self.library = library
        self.faults: list[Fault] = []
        self.count = 0
        self.depth = 0  # of loops in one another, those of recipes included

    def top(self, loaded: Loaded, given: dict[str, Any]) -> Program:
        spec = self.read(loaded)
        given = _given(spec.params, given)
        values = Values(spec.params, bind(spec.params, given, self.faults), self.faults)
        program = self.scope(loaded, spec, values, {}, "")
        self.size(program, spec)
        return program

    def size(self, program: Program, spec: Spec) -> None:
        """A fault at the largest stage when the rounds of all loops are more than anybody can mean."""
        counts = {step.name: calls([step]) for step in program.steps}
        if sum(counts.values()) > MAX_CALLS:
            name = max(counts, key=lambda name: counts[name])
            stage = spec.stages[name]
            place = stage.rounds.place if isinstance(stage, Loop) else stage.place
            message = f"{quoted(name)} comes to {counts[name]:,} calls with all its rounds"
            hint = f"A spec has at most {MAX_CALLS:,}. Give the loop fewer rounds that do more each."
            self.faults.append(Fault("SL404", message, place, None, hint))

    def read(self, loaded: Loaded) -> Spec:
        spec, faults = loaded.parts
        self.faults += faults
        for _, node in spec.imports.values():
            try:
                self.library.locate(node)
            except SpecError as error:
                self.faults += error.faults
        return spec

    def scope(self, loaded: Loaded, spec: Spec, values: Values, bound: dict[str, Ref], path: str) -> Program:
        """Check one spec as a scope of its own; `bound` are data sets that a recipe stage gives rows to."""
        env: Env = {}
        data = {}
        for name, (place, node) in spec.data.items():
            ref = bound.get(name)
            env[name] = Symbol("data set", place, ref.type if ref else Type(Rows, f"{path}{name}"))
            if ref is None:
                data[name] = check_data(name, node, values)
        steps = self.stages(spec.stages, env, values, path, False, loaded)
        outputs = {name: resolve(node, env, self.faults) for name, (_, node) in spec.outputs.items()}
        limits = values.checked(spec.limits, LIMITS, "'limits'") if spec.limits else {}
        seed = values.checked(spec.seed, SEED, "'seed'") if spec.seed else DEFAULT_SEED
        missing = sorted(name for name in values.used if name not in values.given)
        said = {fault.place for fault in self.faults}
        self.faults += [fault for fault in bare_names(loaded.root, spec) if fault.place not in said]
        return Program(
            name=spec.name,
            doc=spec.doc,
            cite=spec.cite,
            file=loaded.file.name,
            declared=spec.params,
            params=values.given,
            data=data,
            steps=_needed(steps, outputs.values()),
            outputs=outputs,
            limits=limits,
            seed=seed,
            missing=missing,
        )

    def stages(
        self, stages: dict[str, AnyStage], env: Env, values: Values, path: str, looped: bool, loaded: Loaded
    ) -> list[Step]:
        """Check the stages of a scope in the order of their references; adds their symbols to `env`."""
        unclear = taken([(name, stage.place, "stage") for name, stage in stages.items()], env, self.faults)
        for name, stage in stages.items():  # until it is checked, and where that is behind a fault
            loop = stage if isinstance(stage, Loop) else None
            env[name] = Symbol(_WHAT[type(stage)], stage.place, hidden=True, loop=loop)
        self.count += len(stages)
        if self.count > MAX_STAGES:
            place = next(iter(stages.values())).place
            message = f"more than {MAX_STAGES:,} stages, with those of recipes"
            raise SpecError([*self.faults, Fault("SL404", message, place)])
        steps = []
        for name in ordered(stages, unclear, self.faults):
            if len(self.faults) > MAX_FAULTS:
                raise SpecError(self.faults)
            symbol, step = self.stage(stages[name], env, values, path, looped, loaded)
            if name not in unclear:
                env[name] = symbol
            if step is not None:
                steps.append(step)
        return steps

    def stage(
        self, stage: AnyStage, env: Env, values: Values, path: str, looped: bool, loaded: Loaded
    ) -> tuple[Symbol, Step | None]:
        if isinstance(stage, Stage):
            return check_call(self, stage, env, values, path, looped)
        if isinstance(stage, Loop):
            return check_loop(self, stage, env, values, path, loaded)
        if isinstance(stage, Use):
            return check_recipe(self, stage, env, values, path, loaded)
        return env[stage.name], None


_WHAT = {Stage: "stage", Loop: "loop", Use: "recipe", Faulty: "stage"}


def _given(params: dict[str, Param], given: dict[str, Any]) -> dict[str, Any]:
    """The values that a person gave, each of the type of its param."""
    found, problems = {}, []
    for name, value in given.items():
        if name not in params:
            known = ", ".join(params) or "none"
            close = nearest(name, params)
            problems.append(f"the spec has no param {quoted(name)}{close} (params: {known})")
        elif params[name].type:
            value, schema = typed(params[name], value), param_schema(params[name])
            problem = mismatch(value, schema)
            if problem is not None:
                problems.append(f"param {quoted(name)}{problem[1]}")
            found[name] = fitted(value, schema)
    if problems:
        raise UsageError("\n".join(problems))
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
