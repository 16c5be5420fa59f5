"""Specs in Python: load one, plan it, run it, open a run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from selectlang.errors import UsageError
from selectlang.faults import nearest, quoted

if TYPE_CHECKING:
    from selectlang.engine.plan import Plan
    from selectlang.language.program import Program
    from selectlang.llm.options import Options
    from selectlang.origins.sources import Sources
    from selectlang.plugins import Registry
    from selectlang.result import Result
    from selectlang.store.store import Store


def load(
    spec: str | PathLike[str],
    plugins: Sequence[str | PathLike[str]] = (),
    *,
    lock: str | PathLike[str] | None = None,
    yes: bool = False,
) -> Spec:
    """A spec, by a path, `package:name`, the name of one of the library, or `git+URL@REV:PATH`.

    `plugins` are folders of plugins, one file each; `lock` is a lock to go by, as `--locked` does; `yes`
    agrees to git repositories that specs come from. A SpecError lists every fault of the spec.
    """
    from selectlang import plugins as found
    from selectlang.origins.sources import Sources
    from selectlang.sharing.lock import load as read

    path = None if lock is None else Path(lock)
    pins = {} if path is None else read(path).commits()
    folders = [Path(folder) for folder in plugins]
    return Spec(fspath(spec), found.load(folders), Sources(yes=yes, pins=pins), path)


def open_run(folder: str | PathLike[str]) -> Result:
    """A run that was written before, by its folder; a DataError says why it is none."""
    from selectlang.engine.opened import Opened
    from selectlang.result import Result

    return Result(Opened.open(Path(folder).absolute()), [])


class Spec:
    """A spec without faults. Params are given by name, or in a mapping where a name is taken here.

    A param of type path takes a path, several in a list, or rows: a list of dicts, a pyarrow Table, a pandas
    DataFrame, a datasets.Dataset. What is chosen has the shape of what was given.
    """

    def __init__(self, spec: str, registry: Registry, sources: Sources, lock: Path | None = None) -> None:
        self._spec = spec
        self._registry = registry
        self._sources = sources
        self._lock = lock
        self.program = self._checked({})

    def __repr__(self) -> str:
        program = self.program
        lines = [f"{program.name}: {program.doc}" if program.doc else program.name]
        for name, param in program.declared.items():
            value = repr(program.params[name]) if name in program.params else "no value yet"
            lines.append(f"  {name}: {param}, {value}{f' ({param.doc})' if param.doc else ''}")
        return "\n".join(lines)

    def plan(
        self,
        params: Mapping[str, Any] | None = None,
        /,
        *,
        options: Mapping[str, Any] | None = None,
        **named: Any,
    ) -> Plan:
        """What a run would do: its stages, their rows, what is stored already, what models are asked."""
        from selectlang.engine.datasets import Datasets
        from selectlang.engine.plan import plan
        from selectlang.store.store import Store

        store = Store.default()
        return plan(self._given(params, named, store), Datasets(store), _options(options))

    def run(
        self,
        params: Mapping[str, Any] | None = None,
        /,
        *,
        out: str | PathLike[str] | None = None,
        options: Mapping[str, Any] | None = None,
        engine: Literal["local", "ray"] = "local",
        address: str | None = None,
        control: bool = True,
        quiet: bool = False,
        **named: Any,
    ) -> Result:
        """Run the spec, and write its run folder: `out`, or a new one under `runs/`.

        `options` say how language models are reached, as the command line does: `api_base` (an address, or
        a mapping of model to address), `max_calls`, `max_cost`, `concurrency`, `requests_per_minute`,
        `tokens_per_minute`, `timeout`, `retries`. `engine` and `address` too are as there. Without `control`
        nothing is compared with random choices; `quiet` shows no progress.
        """
        import io
        from functools import partial

        from selectlang.engine.run import run
        from selectlang.progress import PlainProgress, progress
        from selectlang.report.write import write
        from selectlang.result import Result
        from selectlang.store.store import Store

        if engine not in ("local", "ray"):
            raise UsageError(f"engine is {quoted(engine)}, expected 'local' or 'ray'")
        if address is not None and engine != "ray":
            raise UsageError("address names a Ray cluster; give engine='ray' too")
        store = Store.default()
        program, asked = self._given(params, named, store), _options(options)
        cluster = None
        if engine == "ray":
            from selectlang.engine.cluster import Cluster

            cluster = Cluster(address)
        said = self._held(program, store)
        folder = None if out is None else Path(out)
        show = PlainProgress(io.StringIO()) if quiet else progress()
        report = partial(write, control=control)
        done = run(program, self._registry, store, folder, show, asked, report, cluster)
        done.opened.folder = done.folder.absolute()  # the working folder may change before it is read
        return Result(done.opened, said + done.notes)

    def _held(self, program: Program, store: Store) -> list[str]:
        """Hold a program to the lock, if there is one to go by; what people should know of what may move."""
        from selectlang.sharing import LOCK
        from selectlang.sharing.hold import hold
        from selectlang.sharing.mutable import mutable

        if self._lock is not None:
            return hold(program, self._lock, store)
        return list(mutable(program, LOCK))

    def _given(self, params: Mapping[str, Any] | None, named: dict[str, Any], store: Store) -> Program:
        """The spec with values of its params; rows in memory are files by then."""
        from selectlang.frames import as_path

        values = {**(params or {}), **named}
        if twice := sorted(set(params or ()) & set(named)):
            raise UsageError(f"param {quoted(twice[0])} is given twice")
        for name, value in values.items():
            declared = self.program.declared.get(name)
            if declared is not None and declared.type == "path":
                values[name] = as_path(value, store, name)
            elif type(value).__module__ == "numpy" and hasattr(value, "tolist"):
                values[name] = value.tolist()
            elif isinstance(value, PathLike):
                values[name] = fspath(value)
        program = self._checked(values)
        if program.missing:
            names = ", ".join(map(quoted, program.missing))
            given = ", ".join(f"{name}=..." for name in program.missing)
            raise UsageError(f"no value for param {names}: give {given}")
        return program

    def _checked(self, values: dict[str, Any]) -> Program:
        from selectlang.language.check import check

        return check(self._spec, self._registry, values, self._sources)


def _options(given: Mapping[str, Any] | None) -> Options:
    """Options of language models, by the names of the command line."""
    from dataclasses import fields

    from selectlang.llm.options import Options

    known = [field.name for field in fields(Options)]
    found = dict(given or {})
    for name in found:
        if name not in known:
            names = ", ".join(known)
            raise UsageError(
                f"options: there is no {quoted(name)}{nearest(str(name), known)} (options: {names})"
            )
    if isinstance(found.get("api_base"), str):
        found["api_base"] = {"": found["api_base"]}
    try:
        return Options(**found)
    except (TypeError, ValueError) as error:
        raise UsageError(f"options: a value is of the wrong type: {error}") from None
