"""Finding plugins, and what they register.

A plugin is a module named by an entry point of group `selectlang`, or a file in a folder given with
`--plugins`. One that fails is listed as broken with its reason, and matters only when a spec needs it.
"""

from __future__ import annotations

import dis
import hashlib
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from selectlang import hookspecs
from selectlang.errors import UsageError, described
from selectlang.language.spec import NAME
from selectlang.methods import Method
from selectlang.settings import BadMethod
from selectlang.signature import describe

GROUP = "selectlang"
NOTHING = (
    "it registers nothing; give it @sl.hookimpl and def register_methods(register), which calls "
    "register(...) with each method, or begin the name of a file that is no plugin with _"
)


@dataclass(frozen=True)
class Plugin:
    """Where methods come from: a distribution and its version, or a file and a hash of its content."""

    name: str
    distribution: str
    version: str


@dataclass(frozen=True)
class Broken:
    """A plugin, or one method of it, that cannot be used."""

    plugin: Plugin
    reason: str
    method: tuple[str, str] | None = None


@dataclass
class Registry:
    """All that the plugins registered."""

    plugins: list[Plugin] = field(default_factory=list)
    methods: dict[tuple[str, str], Method] = field(default_factory=dict)
    packs: dict[str, Path] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    collisions: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    manager: pluggy.PluginManager = field(default_factory=lambda: pluggy.PluginManager(GROUP))

    def names(self, kind: str) -> list[str]:
        """The methods of a kind, sorted."""
        return sorted(name for of, name in self.methods if of == kind)

    def method(self, plugin: Plugin, call: Any) -> None:
        """Register one method of a plugin; one that cannot be used is listed as broken."""
        key = (str(getattr(call, "selectlang_kind", "?")), str(getattr(call, "__name__", "?")).rstrip("_"))
        try:
            method = describe(call)
        except Exception as error:  # a BadMethod says what to change; anything else is as odd as its cause
            reason = str(error) if isinstance(error, BadMethod) else described(error)
            self.broken.append(Broken(plugin, f"{key[0]} {key[1]}: {reason}", key))
            return
        method = replace(method, distribution=plugin.distribution, version=plugin.version)
        other = self.methods.setdefault(key, method)
        if other is not method:
            names = self.collisions.setdefault(key, [f"{other.distribution} {other.version}"])
            names.append(f"{plugin.distribution} {plugin.version}")

    def pack(self, plugin: Plugin, name: str, folder: Path) -> None:
        """Register a spec pack of a plugin."""
        if not isinstance(name, str) or not NAME.match(name):
            reason = f"{name!r} is no name of a spec pack; use letters, digits, '_' and '-'"
        elif name in self.packs:
            reason = f"spec pack {name!r} is registered already, from {self.packs[name]}"
        elif not os.path.isdir(folder):
            reason = f"spec pack {name!r}: there is no folder {folder}"
        else:
            self.packs[name] = folder
            return
        self.broken.append(Broken(plugin, reason))


def load(folders: Iterable[Path] = ()) -> Registry:
    """Load all plugins: those of installed distributions, then the files of `folders`.

    What they print goes to stderr: stdout may be read by a program.
    """
    registry = Registry()
    registry.manager.add_hookspecs(hookspecs)
    with redirect_stdout(sys.stderr):
        _load(registry, folders)
    return registry


def _load(registry: Registry, folders: Iterable[Path]) -> None:
    for point in _points():
        distribution = point.dist.name if point.dist else point.value
        plugin = Plugin(point.name, distribution, point.dist.version if point.dist else "")
        _register(registry, plugin, point.load)
    for folder in {os.path.realpath(folder): folder for folder in folders}.values():
        if not os.path.isdir(folder):
            what = "it is a file; give the folder it is in" if folder.is_file() else "there is no such folder"
            raise UsageError(f"--plugins {folder}: {what}")
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            raise UsageError(f"--plugins {folder}: cannot be read: {error.strerror}") from None
        for name in names:
            if name.endswith(".py") and not name.startswith("_"):
                _file(registry, folder / name)


def _file(registry: Registry, path: Path) -> None:
    """Load the plugin that a file is; its version is a hash of what is in it."""
    try:
        if not path.is_file():
            raise OSError("it is no file")
        code = path.read_bytes()
    except OSError as error:
        registry.broken.append(Broken(Plugin(path.stem, str(path), ""), f"cannot be read: {error}"))
        return
    plugin = Plugin(path.stem, str(path), hashlib.sha256(code).hexdigest()[:12])
    _register(registry, plugin, partial(_import_file, path, code))


def _points() -> list[Any]:
    """Entry points without repeats: a distribution may be found twice on the path."""
    found = {(point.name, point.value): point for point in entry_points(group=GROUP)}
    return sorted(found.values(), key=lambda point: (point.dist.name if point.dist else "", point.name))


def _import_file(path: Path, code: bytes) -> Any:
    """A file as a module, always from its source: bytecode may be that of an edit in the same second."""
    folder = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    module = ModuleType(f"selectlang_file_plugin_{path.stem}_{folder}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    exec(compile(code, str(path), "exec"), module.__dict__)
    return module


def _register(registry: Registry, plugin: Plugin, importer: Callable[[], Any]) -> None:
    manager, name = registry.manager, f"{plugin.distribution}/{plugin.name}"
    module = None
    methods: list[Any] = []
    packs: list[tuple[str, Path]] = []
    try:
        module = importer()
        manager.register(module, name)
        manager.check_pending()
        others = [other for other in manager.get_plugins() if other is not module]
        manager.subset_hook_caller("register_methods", others)(register=methods.append)
        manager.subset_hook_caller("register_specs", others)(
            register=lambda name, folder: packs.append((name, Path(folder)))
        )
    except BaseException as error:  # a plugin may do anything, SystemExit included
        if isinstance(error, KeyboardInterrupt) and not _stated(error):
            raise
        if module is not None and manager.get_plugin(name) is module:
            manager.unregister(name=name)
        registry.broken.append(Broken(plugin, described(error)))
        return
    hooks = {hook.name for hook in manager.get_hookcallers(module) or ()}
    if not methods and not packs and not hooks - {"register_methods", "register_specs"}:
        registry.broken.append(Broken(plugin, NOTHING))
        return
    registry.plugins.append(plugin)
    for call in methods:
        registry.method(plugin, call)
    for name, folder in packs:
        registry.pack(plugin, name, folder)


def _stated(error: BaseException) -> bool:
    """Whether an exception comes from a `raise`: Ctrl-C comes between any two instructions."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]
