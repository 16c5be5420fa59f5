"""What specs are called: on the command line, and in `extends` and imports.

A spec is named by a path, by `package:name`, where the package is a spec pack that a plugin registers, or
by a git repository, a rev and a path in it. On the command line a bare name means the one pack that has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from selectlang.errors import SpecError
from selectlang.faults import Fault, Place, Source, closest, listing, nearest, quoted, unsaid
from selectlang.language.files import DiskFile, File, is_file, specs
from selectlang.language.git_parts import at, fault, git_parts, one_word
from selectlang.language.yaml import Node
from selectlang.origins import address
from selectlang.origins.origin import Unavailable
from selectlang.origins.sources import Sources

ELSEWHERE = "One of your own is found with --plugins DIR; `selectlang plugins` lists broken plugins."


@dataclass
class Names:
    """Finds the files of specs. `packs` are the folders of spec packs by name."""

    packs: Mapping[str, Path]
    sources: Sources

    def given(self, name: str) -> tuple[File, Place]:
        """The spec that a person names on the command line, and a place to say what is wrong with that."""
        start = Place(Source(unsaid(name)))
        file: File
        if name.startswith(address.PREFIX) and ("://" in name or not is_file(Path(name))):
            with at(start):
                file = self.sources.file(*address.word(name))
            return self.needs(file, file.path, start), start
        if ":" in name and not is_file(Path(name)):
            return self.packaged(name, start), start
        if "/" in name or "\\" in name or name.endswith(address.ENDINGS) or is_file(Path(name)):
            return DiskFile(Path(name), name, Path(name).parent), start
        return self.bare(name, start), start

    def bare(self, name: str, place: Place) -> File:
        files = {pack: folder / f"{name}.yaml" for pack, folder in self.packs.items()}
        found = [pack for pack, path in files.items() if is_file(path)]
        if len(found) == 1:
            return self.packaged(f"{found[0]}:{name}", place)
        if found:
            hint = f"name one: {listing(f'{pack}:{name}' for pack in found)}"
            raise _missing(f"several packs have a spec {quoted(name)}", place, hint)
        known = [path.stem for folder in self.packs.values() for path in folder.glob("*.yaml")]
        hint = f"A spec in a file is named by its path. Packaged specs: {', '.join(sorted(known))}"
        beside = f"{name}.yaml"
        close = f", did you mean {quoted(beside)}?" if is_file(Path(beside)) else nearest(name, known)
        raise _missing(f"there is no spec {quoted(name)}{close}", place, hint)

    def packaged(self, given: str, place: Place) -> File:
        pack, _, name = given.partition(":")
        folder = self.packs.get(pack)
        if folder is None:
            hint = f"spec packs: {listing(self.packs) or 'none'}\n{ELSEWHERE}"
            raise _missing(f"there is no spec pack {quoted(pack)}{nearest(pack, self.packs)}", place, hint)
        known = sorted(path.stem for path in folder.glob("*.yaml"))
        if name not in known:
            message = f"pack {quoted(pack)} has no spec {quoted(name)}{nearest(name, known)}"
            raise _missing(message, place, f"it has: {listing(known)}")
        path = folder / f"{name}.yaml"
        return DiskFile(path, str(path), folder, pack)

    def locate(self, node: Node, home: File) -> File:
        """The file that `extends` or an import names; `home` is the spec that says so."""
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
            file = home.beside(given)
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
        raise _missing(f"there is no spec {quoted(given)}{close}", place, hint)

    def meant(self, given: str, file: File) -> str:
        """`, did you mean 'selectlang:kmq'?` for the file beside or the packaged spec that is nearest."""
        known = {
            path.stem: f"{pack}:{path.stem}" for pack, folder in self.packs.items() for path in specs(folder)
        }
        beside = [Path(given).parent / name for name in file.siblings()]
        known |= {str(path.with_suffix("")): str(path) for path in beside}
        close = closest(given.removesuffix(".yml").removesuffix(".yaml"), known)
        return "" if close is None else f", did you mean {quoted(known[close])}?"


def _missing(message: str, place: Place, hint: str = "") -> SpecError:
    return SpecError([Fault("SL402", message, place, None, hint)])
