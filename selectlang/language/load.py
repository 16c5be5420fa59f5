"""Reading a spec, and what it extends, which is merged before anything is read.

A spec may lead to specs alone: of another file, no line is shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256

from selectlang.errors import SpecError
from selectlang.faults import Fault, Place
from selectlang.language import yaml
from selectlang.language.files import File
from selectlang.language.foreign import foreign, led_to, record
from selectlang.language.git_parts import fault
from selectlang.language.merge import merge, replaced
from selectlang.language.names import Names
from selectlang.language.reader import Reader
from selectlang.language.spec import Spec
from selectlang.language.yaml import Node
from selectlang.origins.origin import Origin, Unavailable

MAX_SPECS = 200  # files that one spec may draw in, with all it extends and imports
MAX_CHAIN = 20  # specs of which each extends or imports the next
_SPEC = re.compile(r"""^(["']?)selectlang\1\s*:""", re.MULTILINE)  # of a file that is no YAML


@dataclass
class Library:
    """Reads specs, each file once."""

    names: Names
    faults: list[Fault] = field(default_factory=list)  # those that leave the rest of a file readable
    files: dict[Hashable, Node] = field(default_factory=dict)
    homes: dict[str, File] = field(default_factory=dict)  # by the name that places have
    digests: dict[Hashable, str] = field(default_factory=dict)
    origins: list[Origin] = field(default_factory=list)  # of all files that were read, in that order
    loaded: dict[tuple[Hashable, ...], Loaded] = field(default_factory=dict)
    replaced: dict[Place, str] = field(default_factory=dict)  # what stages of a parent lose to a child

    def open(self, given: str) -> Loaded:
        """The spec that a person names on the command line."""
        file, start = self.names.given(given)
        return self.load(file, start, ())

    def load(self, file: File, place: Place, above: tuple[Hashable, ...]) -> Loaded:
        """Read a spec file and all that it extends; `above` are the files that led here."""
        try:
            here = file.identity
        except (OSError, RuntimeError) as error:  # RuntimeError: before Python 3.13, a link to itself
            message = "cannot read the file: its links lead nowhere"
            raise SpecError([Fault("SL101", message, place)]) from error
        if here in self.digests:
            origin = file.origin(self.digests[here])
            if origin.kind == "git" and origin not in self.origins:  # it was read by another rev
                self.origins.append(origin)
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
                close = self.names.meant(file.name, file)
                raise SpecError([replace(first, message=f"{first.message}{close}")]) from error
            raise SpecError(
                [led_to(fault, place) for fault in error.faults] if led else error.faults
            ) from error
        if led and not (isinstance(root.value, dict) and "selectlang" in root.value):
            raise SpecError([foreign(file.name, place)])
        if isinstance(root.value, dict) and {"spec", "spec_params"} <= root.value.keys():
            raise SpecError([record(root, file.name, place, led)])
        self.homes[file.name] = file
        self.digests[file.identity] = sha256(raw).hexdigest()
        self.origins.append(file.origin(self.digests[file.identity]))
        self.faults += faults
        return root

    def locate(self, node: Node) -> File:
        """The file that `extends` or an import names."""
        return self.names.locate(node, self.homes[node.place.source.name])


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
