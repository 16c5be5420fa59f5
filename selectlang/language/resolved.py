"""A program written out again as a spec: every default stated, every param put in that a spec can hold.

A spec holds no path and no folder of a model, and knows no value that it was not given. These stay params,
so that what is written out checks again, and runs to the same keys when its params get their values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selectlang.language.program import Call, Nested, Program, Ref, Rounds, Step
from selectlang.language.schemas import mismatch
from selectlang.language.spec import VERSION, Param
from selectlang.language.types import ref_text
from selectlang.language.values import Unknown


def resolved(program: Program) -> dict[str, Any]:
    """The program as plain data, in the words of the language; recipes hold their own spec."""
    return _Writer(program).spec()


def remaining(program: Program) -> dict[str, Any]:
    """The values of the params that the resolved program still has, of those that have one."""
    writer = _Writer(program)
    writer.spec()
    return writer.values


class _Writer:
    """Writes one scope, and collects the params that stay."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.params: dict[str, dict[str, Any]] = {}
        self.values: dict[str, Any] = {}

    def spec(self, bound: Iterable[str] = ()) -> dict[str, Any]:
        """The scope as a spec; `bound` are data sets that a recipe stage gives rows to."""
        program = self.program
        about = {"name": program.name, "doc": program.doc, "cite": program.cite}
        body = {
            "data": {
                **{name: {"path": self.param(Unknown(f"${name}"), "path", name)} for name in bound},
                **{name: self.data(name, entry) for name, entry in program.data.items()},
            },
            "stages": self.stages(program.steps),
            "outputs": {name: ref_text(ref) for name, ref in program.outputs.items()},
        }
        seed, limits = self.plain(program.seed), self.plain(program.limits)
        return {
            "selectlang": VERSION,
            **{word: value for word, value in about.items() if value},
            "seed": seed,
            **({"limits": limits} if limits else {}),
            **({"params": self.params} if self.params else {}),
            **body,
        }

    def param(self, value: Any, kind: Any, name: str) -> str:
        """`$` and the param that has this value: one of the scope, else a new one of that name."""
        declared, given = self.program.declared, self.program.params
        if isinstance(value, Unknown):
            name = next((known for known in given if given[known] == value), str(value)[1:])
        else:
            base = kind[0] if isinstance(kind, list) else kind
            alike = [known for known in given if given[known] == value and declared[known].type == base]
            alike += [
                known
                for known, found in self.values.items()
                if found == value and self.params[known]["type"] in (base, [base])
            ]
            name = alike[0] if alike else self.fresh(name)
            self.values[name] = value
        self.params[name] = _written(declared[name]) if name in declared else {"type": kind}
        return f"${name}"

    def fresh(self, name: str) -> str:
        """A name that no param has."""
        name, number = name[:56], 2
        found = name
        while found in self.program.declared or found in self.params:
            found, number = f"{name}_{number}", number + 1
        return found

    def data(self, name: str, entry: dict[str, Any]) -> dict[str, Any]:
        """A data set, whose paths are params."""
        path, given = entry["path"], self.program.params
        if isinstance(path, list) and path not in given.values():
            return {**self.plain(entry), "path": [self.param(part, "path", name) for part in path]}
        return {**self.plain(entry), "path": self.param(path, "path", name)}

    def stages(self, steps: list[Step]) -> dict[str, Any]:
        """The stages of a scope or of a loop."""
        return {step.name: self.step(step) for step in steps}

    def step(self, step: Step) -> dict[str, Any]:
        """One stage."""
        if isinstance(step, Call):
            words = {"over": step.over, "seed": step.seed}
            return {
                step.method.kind: step.method.name,
                "from": _wires(step.wires),
                **{name: self.setting(step, name, value) for name, value in step.settings.items()},
                **{word: self.plain(value) for word, value in words.items() if value is not None},
            }
        return self.recipe(step) if isinstance(step, Nested) else self.loop(step)

    def setting(self, step: Call, name: str, value: Any) -> Any:
        """The value of a setting; the folder of a model is a param."""
        if isinstance(value, str) and mismatch(value, step.method.settings[name].schema, literal=True):
            return self.param(value, "model", f"{step.name}_{name}")
        return self.plain(value)

    def recipe(self, step: Nested) -> dict[str, Any]:
        """A recipe with its spec; the params that stay in it become those of this scope."""
        inner = _Writer(step.program)
        spec = inner.spec(bound=step.data)
        given = {}
        for name, param in inner.params.items():
            value = step.program.params.get(name, inner.values.get(name))
            if value is not None:
                given[name] = self.param(value, param["type"], f"{step.name}_{name}")
        return {
            "recipe": spec,
            **({"params": given} if given else {}),
            "from": {name: ref_text(ref) for name, ref in step.data.items()},
        }

    def loop(self, step: Rounds) -> dict[str, Any]:
        """A loop with its stages."""
        until: dict[str, dict[str, float]] = {}
        for end in step.until:
            said = until.setdefault(ref_text(end.metric), {})
            said[end.comparison] = self.plain(end.bound)
            if end.comparison == "plateau":
                said["within"] = self.plain(end.within)
        carry = {
            name: {
                "next": ref_text(carried.next),
                **({"start": ref_text(carried.start)} if carried.start else {}),
            }
            for name, carried in step.carry.items()
        }
        return {
            "loop": self.plain(step.rounds),
            **({"until": until} if until else {}),
            "carry": carry,
            "stages": self.stages(step.steps),
        }

    def plain(self, value: Any) -> Any:
        """A value as it stands in a spec."""
        if isinstance(value, dict):
            return {name: self.plain(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self.plain(part) for part in value]
        if isinstance(value, str) and value.startswith("$"):
            return f"${value}"
        return self.param(value, "", "") if isinstance(value, Unknown) else value


def _written(param: Param) -> dict[str, Any]:
    kind = [param.type] if param.many else param.type
    return {"type": kind, **({"doc": param.doc} if param.doc else {})}


def _wires(wires: dict[str, list[Ref]]) -> dict[str, Any]:
    return {
        port: ref_text(refs[0]) if len(refs) == 1 else [ref_text(ref) for ref in refs]
        for port, refs in wires.items()
    }
