"""Finding a spec, and what it extends.

A spec is named by a path, or by `package:name`, where the package is a spec pack that a plugin registers.
On the command line a bare name means the one pack that has it. `extends` is merged before anything is
read: a stage that states its kind replaces the parent's, one that does not changes the settings it names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from selectlang.errors import SpecError
from selectlang.faults import Fault, Place, Source, listing, nearest, quoted
from selectlang.language import yaml
from selectlang.language.reader import Reader
from selectlang.language.spec import STRUCTURAL, Spec
from selectlang.language.yaml import Node
from selectlang.methods import KINDS

MAX_SPECS = 200  # files that one spec may draw in, with all it extends and imports
MAX_CHAIN = 20  # specs of which each extends or imports the next


@dataclass
class Library:
    """Finds and reads specs, each file once. `packs` are the folders of spec packs by name."""

    packs: Mapping[str, Path]
    faults: list[Fault] = field(default_factory=list)  # those that leave the rest of a file readable
    files: dict[Path, Node] = field(default_factory=dict)
    loaded: dict[tuple[Path, ...], Loaded] = field(default_factory=dict)

    def open(self, given: str) -> Loaded:
        """The spec that a person names on the command line."""
        start = Place(Source(given))
        if ":" in given and not _is_file(Path(given)):
            path = self.packaged(given, start)
        elif "/" in given or "\\" in given or given.endswith((".yaml", ".yml")) or _is_file(Path(given)):
            path = Path(given)
        else:
            path = self.bare(given, start)
        return self.load(path, given if path == Path(given) else str(path), start, ())

    def bare(self, name: str, place: Place) -> Path:
        files = {pack: folder / f"{name}.yaml" for pack, folder in self.packs.items()}
        found = {pack: path for pack, path in files.items() if _is_file(path)}
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            hint = f"name one: {listing(f'{pack}:{name}' for pack in found)}"
            raise self.missing(f"several packs have a spec {quoted(name)}", place, hint)
        known = [path.stem for folder in self.packs.values() for path in folder.glob("*.yaml")]
        hint = f"A spec in a file is named by its path. Packaged specs: {', '.join(sorted(known))}"
        raise self.missing(f"there is no spec {quoted(name)}{nearest(name, known)}", place, hint)

    def packaged(self, given: str, place: Place) -> Path:
        pack, _, name = given.partition(":")
        folder = self.packs.get(pack)
        if folder is None:
            hint = f"spec packs: {listing(self.packs) or 'none'}"
            raise self.missing(
                f"there is no spec pack {quoted(pack)}{nearest(pack, self.packs)}", place, hint
            )
        known = sorted(path.stem for path in folder.glob("*.yaml"))
        if name not in known:
            message = f"pack {quoted(pack)} has no spec {quoted(name)}{nearest(name, known)}"
            raise self.missing(message, place, f"it has: {listing(known)}")
        return folder / f"{name}.yaml"

    def missing(self, message: str, place: Place, hint: str = "") -> SpecError:
        return SpecError([Fault("SL402", message, place, None, hint)])

    def load(self, path: Path, name: str, place: Place, above: tuple[Path, ...]) -> Loaded:
        """Read a spec file and all that it extends; `above` are the files that led here."""
        here = path.resolve()
        chain = (*above, here)
        if chain in self.loaded:
            return self.loaded[chain]
        if here in above:
            names = " -> ".join(file.name for file in chain[above.index(here) :])
            message = f"specs extend or import one another in a cycle: {names}"
            raise SpecError([Fault("SL401", message, place)])
        if len(chain) > MAX_CHAIN:
            message = f"specs lead to one another more than {MAX_CHAIN} deep"
            raise SpecError([Fault("SL404", message, place)])
        if here not in self.files:
            self.files[here] = self.read(path, name, place, bool(above))
        root = self.files[here]
        parent = root.value.get("extends") if isinstance(root.value, dict) else None
        if parent is not None:
            target, shown = self.locate(parent)
            root = merge(self.load(target, shown, parent.place, chain).root, root)
        self.loaded[chain] = Loaded(root, path, chain)
        return self.loaded[chain]

    def read(self, path: Path, name: str, place: Place, led: bool) -> Node:
        """One file; when another spec led to it, a fault of the file as a whole says where."""
        if len(self.files) >= MAX_SPECS:
            message = f"a spec draws in at most {MAX_SPECS - 1} others"
            raise SpecError([Fault("SL404", message, place)])
        try:
            return yaml.read(path, name, self.faults)
        except SpecError as error:
            raise SpecError(
                [_led(fault, place) for fault in error.faults] if led else error.faults
            ) from error

    def locate(self, node: Node) -> tuple[Path, str]:
        """The file that `extends` or an import names, from the folder of the spec that says so."""
        given, base = node.value, Path(node.place.source.name)
        if not isinstance(given, str) or not given:
            found = "an empty text" if given == "" else node.type
            raise SpecError([Fault("SL203", f"expected a path or package:name, found {found}", node.place)])
        if ":" in given:
            path = self.packaged(given, node.place)
            return path, str(path)
        if Path(given).is_absolute() or given.startswith(("~", "$")):
            message = (
                f"{quoted(given)}: a spec names others by a path from its own folder, or as package:name"
            )
            raise SpecError([Fault("SL403", message, node.place)])
        path = base.parent / given
        if not _is_file(path):
            close = nearest(given, [str(Path(given).parent / name) for name in _beside(path)])
            raise self.missing(f"there is no spec {quoted(given)}{close}", node.place, f"looked for {path}")
        return path, str(path)


def _is_file(path: Path) -> bool:
    """Whether a file is there; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _beside(path: Path) -> list[str]:
    """The names of the YAML files in the folder where `path` would be."""
    try:
        return sorted(file.name for file in path.parent.iterdir() if file.suffix in (".yaml", ".yml"))
    except (OSError, ValueError):
        return []


@dataclass
class Loaded:
    """A spec's nodes after `extends`, the file they came from, and the chain of files that led to it."""

    root: Node
    path: Path
    chain: tuple[Path, ...]

    @cached_property
    def parts(self) -> tuple[Spec, list[Fault]]:
        """The parts of the spec, and the faults of their form."""
        reader = Reader()
        spec = reader.spec(self.root)
        return spec, reader.faults


def _led(fault: Fault, place: Place) -> Fault:
    return fault if fault.also else replace(fault, also=("named here", place))


def merge(parent: Node, child: Node) -> Node:
    """A child spec over its parent."""
    if not isinstance(child.value, dict) or not isinstance(parent.value, dict):
        return child
    merged = _over(parent, child)
    for section in ("params", "data", "outputs", "imports", "limits"):
        _section(merged, parent, child, section, _entry if section in ("params", "data") else None)
    _section(merged, parent, child, "stages", _stage)
    merged.value.pop("extends", None)
    return merged


def _over(parent: Node, child: Node) -> Node:
    keys = {**(parent.keys or {}), **(child.keys or {})}
    return Node({**parent.value, **child.value}, child.place, keys)


def _section(
    merged: Node, parent: Node, child: Node, name: str, entry: Callable[[Node, Node], Node] | None
) -> None:
    old, new = parent.value.get(name), child.value.get(name)
    if old is None or new is None or not isinstance(old.value, dict) or not isinstance(new.value, dict):
        return
    both = _over(old, new)
    if entry is not None:
        for key in new.value:
            if key in old.value:
                both.value[key] = entry(old.value[key], new.value[key])
    merged.value[name] = both


def _entry(old: Node, new: Node) -> Node:
    """A param or data entry: the child changes the keys it names; a type replaces the whole."""
    if isinstance(old.value, dict) and isinstance(new.value, dict) and "type" not in new.value:
        return _over(old, new)
    return new


def _stage(old: Node, new: Node) -> Node:
    if not isinstance(old.value, dict) or not isinstance(new.value, dict):
        return new
    if any(word in new.value for word in (*KINDS, *STRUCTURAL)):
        return new
    both = _over(old, new)
    _section(both, old, new, "carry", _entry)
    _section(both, old, new, "stages", _stage)
    _section(both, old, new, "params", None)
    return both
