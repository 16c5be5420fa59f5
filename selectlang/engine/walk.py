"""Walking a program: every call gets its key, and becomes a task.

Planning and running walk the same way. The keys of tasks follow from the keys of their inputs alone, so
nothing need run for them, but where the end of a loop depends on a number that a round gives.
"""

from __future__ import annotations

from dataclasses import dataclass

from selectlang.engine.handles import EmptyHandle, Handle, ResultHandle, nothing, with_default
from selectlang.engine.keys import call_key
from selectlang.engine.results import Results
from selectlang.engine.task import Task, seed_of, setting
from selectlang.language.program import Call, Nested, Program, Ref, Rounds, Step, Until

Scope = dict[str, dict[str | None, Handle]]


@dataclass
class Walk:
    """A walk over one program, whose tasks it adds to `results`. With `run` False nothing is executed."""

    results: Results
    seed: int
    run: bool

    def program(
        self, program: Program, bound: dict[str, Handle], prefix: str = "", rounds: tuple[int, ...] = ()
    ) -> dict[str, Handle]:
        """Walk a program, and return the handle of each output."""
        scope: Scope = {}
        for name, settings in program.data.items():
            scope[name] = {None: self.results.sets.handle(f"{prefix}{name}", settings)}
        scope |= {name: {None: handle} for name, handle in bound.items()}
        self.steps(program.steps, scope, rounds)
        return {name: self.handle(ref, scope) for name, ref in program.outputs.items()}

    def steps(self, steps: list[Step], scope: Scope, rounds: tuple[int, ...]) -> None:
        """Walk the steps of a scope in order."""
        for step in steps:
            if isinstance(step, Call):
                scope[step.name] = self.call(step, scope, rounds)
            elif isinstance(step, Rounds):
                scope[step.name] = self.loop(step, scope, rounds)
            else:
                scope[step.name] = self.nested(step, scope, rounds)

    def nested(self, step: Nested, scope: Scope, rounds: tuple[int, ...]) -> dict[str | None, Handle]:
        """Walk a recipe, in a scope of its own."""
        bound = {name: self.handle(ref, scope) for name, ref in step.data.items()}
        outputs = self.program(step.program, bound, f"{step.path}/", rounds)
        return with_default(outputs)

    def handle(self, ref: Ref, scope: Scope) -> Handle:
        """The handle that a reference stands for."""
        handle = scope[ref.name][ref.port]
        if ref.verdict is None:
            return handle
        if isinstance(handle, EmptyHandle):
            return EmptyHandle("Selection", handle.data)
        assert isinstance(handle, ResultHandle)
        return ResultHandle(handle.key, handle.port, ref.verdict)

    def call(self, step: Call, scope: Scope, rounds: tuple[int, ...]) -> dict[str | None, Handle]:
        """Lay out one call. Its seed follows from the spec's seed, the stage's path and the round."""
        settings = {name: setting(step, name, value, rounds) for name, value in step.settings.items()}
        inputs = {port: [self.handle(ref, scope) for ref in refs] for port, refs in step.wires.items()}
        seed = seed_of(step, self.seed, rounds) if step.method.seeded else None
        identities = {port: [handle.identity for handle in handles] for port, handles in inputs.items()}
        key = call_key(step.method, settings, identities, seed)
        path = step.path + "".join(f"#{index + 1}" for index in rounds)
        task = self.results.tasks.get(key)
        if task is None:
            cached = self.results.standing.has(key)
            self.results.add(Task(path, step.method, settings, inputs, seed, key, cached, rounds))
        elif path != task.path:
            task.also.append(path)
        outputs: dict[str | None, Handle] = {
            port.name: ResultHandle(key, port.name) for port in step.method.outputs
        }
        return {**outputs, None: ResultHandle(key, step.method.outputs[0].name)}

    def loop(self, step: Rounds, scope: Scope, rounds: tuple[int, ...]) -> dict[str | None, Handle]:
        """Rounds of a loop: each starts from what the last handed on."""
        seen: list[list[float]] = [[] for _ in step.until]
        named = self.results.sets.named
        carried: dict[str, Handle] = {
            name: self.handle(carry.start, scope) if carry.start else nothing(carry.type, named)
            for name, carry in step.carry.items()
        }
        for index in range(step.rounds):
            inner: Scope = {**scope, **{name: {None: handle} for name, handle in carried.items()}}
            self.steps(step.steps, inner, (*rounds, index))
            carried = {name: self.handle(carry.next, inner) for name, carry in step.carry.items()}
            for until, values in zip(step.until, seen, strict=True):
                values += self.metric(until, inner)
            held = [until for until, values in zip(step.until, seen, strict=True) if until.holds(values)]
            if held:
                break
        path = step.path + "".join(f"#{number + 1}" for number in rounds)
        ended = str(held[0]) if held else None
        self.results.loops.append({"path": path, "rounds": index + 1, "ended": ended})
        return with_default(carried)

    def metric(self, until: Until, scope: Scope) -> list[float]:
        """The number a round gave; nothing in a plan that cannot know it, which goes on to the last round."""
        handle = self.handle(until.metric, scope)
        if not isinstance(handle, ResultHandle):
            return []
        if self.run:
            return [self.results.value(handle)]
        meta = self.results.store.meta(handle.key)
        return [] if meta is None else [meta["metrics"][handle.port]]
