"""Finding a spec, and what it extends.

A spec is named by a path, or by `package:name`, where the package is a spec pack that a plugin registers.
On the command line a bare name means the one pack that has it. `extends` is merged before anything is
read. A spec may lead to specs alone: of another file, no line is shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from selectlang.errors import SpecError
from selectlang.faults import Fault, Place, Source, closest, listing, nearest, quoted
from selectlang.language import yaml
from selectlang.language.foreign import foreign, led_to, record
from selectlang.language.merge import merge, replaced
from selectlang.language.reader import Reader
from selectlang.language.spec import Spec
from selectlang.language.yaml import Node

MAX_SPECS = 200  # files that one spec may draw in, with all it extends and imports
MAX_CHAIN = 20  # specs of which each extends or imports the next
ENDINGS = (".yaml", ".yml")
ELSEWHERE = "One of your own is found with --plugins DIR; `selectlang plugins` lists broken plugins."
_SPEC = re.compile(r"""^(["']?)selectlang\1\s*:""", re.MULTILINE)  # of a file that is no YAML


@dataclass
class Library:
    """Finds and reads specs, each file once. `packs` are the folders of spec packs by name."""

    packs: Mapping[str, Path]
    faults: list[Fault] = field(default_factory=list)  # those that leave the rest of a file readable
    files: dict[Path, Node] = field(default_factory=dict)
    loaded: dict[tuple[Path, ...], Loaded] = field(default_factory=dict)
    replaced: dict[Place, str] = field(default_factory=dict)  # what stages of a parent lose to a child

    def open(self, given: str) -> Loaded:
        """The spec that a person names on the command line."""
        start = Place(Source(given))
        if ":" in given and not _is_file(Path(given)):
            path = self.packaged(given, start)
        elif "/" in given or "\\" in given or given.endswith(ENDINGS) or _is_file(Path(given)):
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
            hint = f"spec packs: {listing(self.packs) or 'none'}\n{ELSEWHERE}"
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
        try:
            here = path.resolve()
        except (OSError, RuntimeError) as error:  # RuntimeError: before Python 3.13, a link to itself
            message = "cannot read the file: its links lead nowhere"
            raise SpecError([Fault("SL101", message, place)]) from error
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
            older = self.load(target, shown, parent.place, chain).root
            self.replaced |= replaced(older, root)
            root = merge(older, root)
        self.loaded[chain] = Loaded(root, path, chain)
        return self.loaded[chain]

    def read(self, path: Path, name: str, place: Place, led: bool) -> Node:
        """One file; when another spec led to it, a fault of the file as a whole says where.

        A spec may lead to any YAML file of the machine, so one that is no spec is told without its text.
        """
        if len(self.files) >= MAX_SPECS:
            message = f"a spec draws in at most {MAX_SPECS - 1} others"
            raise SpecError([Fault("SL404", message, place)])
        faults: list[Fault] = []
        try:
            root = yaml.read(path, name, faults)
        except SpecError as error:
            text = error.faults[0].place.source.text
            if led and error.faults[0].code not in ("SL101", "SL105") and not _SPEC.search(text):
                raise SpecError([foreign(name, place)]) from None
            if not led and not os.path.lexists(path):
                first = error.faults[0]
                close = self.meant(name, path)
                raise SpecError([replace(first, message=f"{first.message}{close}")]) from error
            raise SpecError(
                [led_to(fault, place) for fault in error.faults] if led else error.faults
            ) from error
        if led and not (isinstance(root.value, dict) and "selectlang" in root.value):
            raise SpecError([foreign(name, place)])
        if isinstance(root.value, dict) and {"spec", "spec_params"} <= root.value.keys():
            raise SpecError([record(root, name, place, led)])
        self.faults += faults
        return root

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
        if not given.endswith(ENDINGS):
            hint = "A spec is named by a path that ends in .yaml or .yml, or as package:name."
        elif _is_file(path):
            return path, str(path)
        else:
            hint = f"looked for {path}"
        raise self.missing(f"there is no spec {quoted(given)}{self.meant(given, path)}", node.place, hint)

    def meant(self, given: str, path: Path) -> str:
        """`, did you mean 'selectlang:kmq'?` for the file beside or the packaged spec that is nearest."""
        known = {
            file.stem: f"{pack}:{file.stem}" for pack, folder in self.packs.items() for file in _specs(folder)
        }
        beside = [Path(given).parent / file.name for file in _specs(path.parent)]
        known |= {str(file.with_suffix("")): str(file) for file in beside}
        close = closest(given.removesuffix(".yml").removesuffix(".yaml"), known)
        return "" if close is None else f", did you mean {quoted(known[close])}?"


def _is_file(path: Path) -> bool:
    """Whether a file is there; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _specs(folder: Path) -> list[Path]:
    """The YAML files of a folder, if there is one."""
    try:
        return sorted(file for file in folder.iterdir() if file.suffix in ENDINGS)
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
