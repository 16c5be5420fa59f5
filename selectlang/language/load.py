"""Finding a spec, and what it extends.

A spec is named by a path, by `package:name`, where the package is a spec pack that a plugin registers, or
by a git repository, a rev and a path in it. On the command line a bare name means the one pack that has it.
`extends` is merged before anything is read. A spec may lead to specs alone: of another file, no line is
shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from selectlang.errors import SpecError
from selectlang.faults import Fault, Place, Source, closest, listing, nearest, quoted, unsaid
from selectlang.language import yaml
from selectlang.language.files import DiskFile, File, is_file, specs
from selectlang.language.foreign import foreign, led_to, record
from selectlang.language.git_parts import at, fault, git_parts, one_word
from selectlang.language.merge import merge, replaced
from selectlang.language.reader import Reader
from selectlang.language.spec import Spec
from selectlang.language.yaml import Node
from selectlang.origins import address
from selectlang.origins.origin import Origin, Unavailable
from selectlang.origins.sources import Sources

MAX_SPECS = 200  # files that one spec may draw in, with all it extends and imports
MAX_CHAIN = 20  # specs of which each extends or imports the next
ELSEWHERE = "One of your own is found with --plugins DIR; `selectlang plugins` lists broken plugins."
_SPEC = re.compile(r"""^(["']?)selectlang\1\s*:""", re.MULTILINE)  # of a file that is no YAML


@dataclass
class Library:
    """Finds and reads specs, each file once. `packs` are the folders of spec packs by name."""

    packs: Mapping[str, Path]
    sources: Sources = field(default_factory=Sources)
    faults: list[Fault] = field(default_factory=list)  # those that leave the rest of a file readable
    files: dict[Hashable, Node] = field(default_factory=dict)
    homes: dict[str, File] = field(default_factory=dict)  # by the name that places have
    origins: list[Origin] = field(default_factory=list)  # of all files that were read, in that order
    loaded: dict[tuple[Hashable, ...], Loaded] = field(default_factory=dict)
    replaced: dict[Place, str] = field(default_factory=dict)  # what stages of a parent lose to a child

    def open(self, given: str) -> Loaded:
        """The spec that a person names on the command line."""
        start = Place(Source(unsaid(given)))
        file: File
        if given.startswith(address.PREFIX) and ("://" in given or not is_file(Path(given))):
            with at(start):
                file = self.sources.file(*address.word(given))
            self.needs(file, file.path, start)
        elif ":" in given and not is_file(Path(given)):
            file = self.packaged(given, start)
        elif "/" in given or "\\" in given or given.endswith(address.ENDINGS) or is_file(Path(given)):
            file = DiskFile(Path(given), given, Path(given).parent)
        else:
            file = self.bare(given, start)
        return self.load(file, start, ())

    def bare(self, name: str, place: Place) -> File:
        files = {pack: folder / f"{name}.yaml" for pack, folder in self.packs.items()}
        found = [pack for pack, path in files.items() if is_file(path)]
        if len(found) == 1:
            return self.packaged(f"{found[0]}:{name}", place)
        if found:
            hint = f"name one: {listing(f'{pack}:{name}' for pack in found)}"
            raise self.missing(f"several packs have a spec {quoted(name)}", place, hint)
        known = [path.stem for folder in self.packs.values() for path in folder.glob("*.yaml")]
        hint = f"A spec in a file is named by its path. Packaged specs: {', '.join(sorted(known))}"
        beside = f"{name}.yaml"
        close = f", did you mean {quoted(beside)}?" if is_file(Path(beside)) else nearest(name, known)
        raise self.missing(f"there is no spec {quoted(name)}{close}", place, hint)

    def packaged(self, given: str, place: Place) -> File:
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
        path = folder / f"{name}.yaml"
        return DiskFile(path, str(path), folder, pack)

    def missing(self, message: str, place: Place, hint: str = "") -> SpecError:
        return SpecError([Fault("SL402", message, place, None, hint)])

    def load(self, file: File, place: Place, above: tuple[Hashable, ...]) -> Loaded:
        """Read a spec file and all that it extends; `above` are the files that led here."""
        try:
            here = file.identity
        except (OSError, RuntimeError) as error:  # RuntimeError: before Python 3.13, a link to itself
            message = "cannot read the file: its links lead nowhere"
            raise SpecError([Fault("SL101", message, place)]) from error
        chain = (*above, here)
        if chain in self.loaded:
            return self.loaded[chain]
        if here in above:
            around = [self.files[part].place.source.name for part in chain[above.index(here) :]]
            names = " -> ".join(name.rpartition("/")[2] for name in around)
            message = f"specs extend or import one another in a cycle: {names}"
            raise SpecError([Fault("SL401", message, place)])
        if len(chain) > MAX_CHAIN:
            message = f"specs lead to one another more than {MAX_CHAIN} deep"
            raise SpecError([Fault("SL404", message, place)])
        if here not in self.files:
            self.files[here] = self.read(file, place, bool(above))
        root = self.files[here]
        parent = root.value.get("extends") if isinstance(root.value, dict) else None
        if parent is not None:
            older = self.load(self.locate(parent), parent.place, chain).root
            self.replaced |= replaced(older, root)
            root = merge(older, root)
        self.loaded[chain] = Loaded(root, file, chain)
        return self.loaded[chain]

    def read(self, file: File, place: Place, led: bool) -> Node:
        """One file; when another spec led to it, a fault of the file as a whole says where.

        A spec may lead to any YAML file of the machine, so one that is no spec is told without its text.
        """
        if len(self.files) >= MAX_SPECS:
            message = f"a spec draws in at most {MAX_SPECS - 1} others"
            raise SpecError([Fault("SL404", message, place)])
        faults: list[Fault] = []
        try:
            raw = file.raw()
            root = yaml.decode(raw, file.source(), faults)
        except Unavailable as error:
            raise SpecError([fault(error, place)]) from error
        except SpecError as error:
            text = error.faults[0].place.source.text
            if led and error.faults[0].code not in ("SL101", "SL105") and not _SPEC.search(text):
                raise SpecError([foreign(file.name, place)]) from None
            if not led and error.faults[0].code == "SL101" and not os.path.lexists(file.name):
                first = error.faults[0]
                close = self.meant(file.name, file)
                raise SpecError([replace(first, message=f"{first.message}{close}")]) from error
            raise SpecError(
                [led_to(fault, place) for fault in error.faults] if led else error.faults
            ) from error
        if led and not (isinstance(root.value, dict) and "selectlang" in root.value):
            raise SpecError([foreign(file.name, place)])
        if isinstance(root.value, dict) and {"spec", "spec_params"} <= root.value.keys():
            raise SpecError([record(root, file.name, place, led)])
        self.homes[file.name] = file
        self.origins.append(file.origin(sha256(raw).hexdigest()))
        self.faults += faults
        return root

    def locate(self, node: Node) -> File:
        """The file that `extends` or an import names, from the folder of the spec that says so."""
        given = node.value
        if isinstance(given, dict):
            return self.of_git(node)
        if not isinstance(given, str) or not given:
            found = "an empty text" if given == "" else node.type
            message = f"expected a path, package:name or {{git, rev, path}}, found {found}"
            raise SpecError([Fault("SL203", message, node.place)])
        if given.startswith(address.PREFIX):
            raise SpecError([one_word(given, node.place)])
        if ":" in given:
            return self.packaged(given, node.place)
        if Path(given).is_absolute() or given.startswith(("~", "$")):
            message = (
                f"{quoted(given)}: a spec names others by a path from its own folder, or as package:name"
            )
            raise SpecError([Fault("SL403", message, node.place)])
        with at(node.place):
            file = self.homes[node.place.source.name].beside(given)
        return self.needs(file, given, node.place)

    def of_git(self, node: Node) -> File:
        """The file that a mapping of URL, rev and path names."""
        url, rev, path = git_parts(node)
        try:
            file = self.sources.file(url, rev, path)
        except Unavailable as error:
            raise SpecError([fault(error, node.value[error.part].place)]) from error
        return self.needs(file, path, node.value["path"].place)

    def needs(self, file: File, given: str, place: Place) -> File:
        """The file itself, if it is there and may be a spec."""
        with at(place):
            if given.endswith(address.ENDINGS) and file.is_there():
                return file
            close, beside = self.meant(given, file), file.siblings()
        hint = "A spec is named by a path that ends in .yaml or .yml, or as package:name."
        if given.endswith(address.ENDINGS):
            hint = f"looked for {file.name}"
            if not isinstance(file, DiskFile):  # a folder that nobody can look into
                hint += f"\nspecs in that folder: {listing(beside) or 'none'}"
        raise self.missing(f"there is no spec {quoted(given)}{close}", place, hint)

    def meant(self, given: str, file: File) -> str:
        """`, did you mean 'selectlang:kmq'?` for the file beside or the packaged spec that is nearest."""
        known = {
            path.stem: f"{pack}:{path.stem}" for pack, folder in self.packs.items() for path in specs(folder)
        }
        beside = [Path(given).parent / name for name in file.siblings()]
        known |= {str(path.with_suffix("")): str(path) for path in beside}
        close = closest(given.removesuffix(".yml").removesuffix(".yaml"), known)
        return "" if close is None else f", did you mean {quoted(known[close])}?"


@dataclass
class Loaded:
    """A spec's nodes after `extends`, the file they came from, and the chain of files that led to it."""

    root: Node
    file: File
    chain: tuple[Hashable, ...]

    @cached_property
    def parts(self) -> tuple[Spec, list[Fault]]:
        """The parts of the spec, and the faults of their form."""
        reader = Reader()
        spec = reader.spec(self.root)
        return spec, reader.faults
