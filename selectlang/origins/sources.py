"""Specs of git repositories: what was agreed to, the commit that a rev means, and the files of it."""

from __future__ import annotations

import hashlib
import posixpath
import sys
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selectlang.faults import Source, quoted
from selectlang.language import yaml
from selectlang.origins import address
from selectlang.origins.origin import Origin, Unavailable
from selectlang.tables import say

if TYPE_CHECKING:
    from selectlang.origins.git import Clone

MAX_COMMITS = 50  # that one check may look up
MAX_DATA = 100_000_000  # bytes of a file that a param has as its default


@dataclass
class Sources:
    """Gives the files of git sources to the Library of one check. An Unavailable says why one cannot be had.

    yes: agree to sources that are used for the first time, without asking.
    interactive: ask on the terminal, if there is one, and say there what is fetched.
    pins: the commit of each URL, in its normal form, and rev that a lock pins; it is not looked up.
    fresh: look tags up anew too, as when pins are moved.
    """

    yes: bool = False
    interactive: bool = False
    pins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    fresh: bool = False
    _found: dict[tuple[str, str], Snapshot | Unavailable] = field(default_factory=dict)
    _refused: dict[str, Unavailable] = field(default_factory=dict)

    def file(self, url: str, rev: str, path: str) -> GitFile:
        """The file of a git source; an Unavailable when any part is not of the right form."""
        url, rev, path = address.url(url), address.rev(rev), address.path(path)
        return GitFile(self.snapshot(url, rev), path)

    def snapshot(self, url: str, rev: str) -> Snapshot:
        """The commit of a URL in its normal form and a rev: one for the life of this object."""
        if (url, rev) not in self._found:
            if len(self._found) >= MAX_COMMITS:
                raise Unavailable("SL404", f"a spec draws in at most {MAX_COMMITS} revs of git repositories")
            try:
                self._found[url, rev] = self._look_up(url, rev)
            except Unavailable as error:
                self._found[url, rev] = error
        found = self._found[url, rev]
        if isinstance(found, Unavailable):
            raise found
        return found

    def _look_up(self, url: str, rev: str) -> Snapshot:
        from selectlang.origins.git import Clone
        from selectlang.store.store import Store

        self._agree(address.bare(url))
        folder = Store.default().scratch / "cache" / "git" / hashlib.sha256(url.encode()).hexdigest()[:32]
        clone = Clone(url, folder, self._tell)
        if pinned := self.pins.get((url, rev)):
            if not address.COMMIT.match(pinned):
                raise Unavailable("SL406", f"the lock pins {quoted(rev)} of {url} to no commit")
            clone.need(pinned)
            return Snapshot(clone, rev, pinned, mutable=False)
        return Snapshot(clone, rev, *clone.commit(rev, self.fresh))

    def _agree(self, source: str) -> None:
        """Ask once, whatever the answer."""
        from selectlang.origins.consent import agree

        if source in self._refused:
            raise self._refused[source]
        try:
            agree(source, self.yes, self.interactive)
        except Unavailable as error:
            self._refused[source] = error
            raise

    def _tell(self, text: str) -> None:
        if self.interactive:
            say(text, sys.stderr)


@dataclass(frozen=True)
class Snapshot:
    """A commit of a repository; `mutable` when it was looked up as that of a branch."""

    clone: Clone
    rev: str
    commit: str
    mutable: bool


@dataclass(frozen=True)
class GitFile:
    """A file of a commit. `path` is seen from the top of the repository, and never leads out of it."""

    of: Snapshot
    path: str

    @property
    def name(self) -> str:
        """The file as the command line names it."""
        return f"{address.PREFIX}{self.of.clone.url}@{self.of.rev}:{self.path}"

    @property
    def identity(self) -> Hashable:
        """The same for the same file of a commit, by whatever rev it is named."""
        return self.of.clone.url, self.of.commit, self.path

    def beside(self, given: str) -> GitFile:
        """The file that a path from the folder of this one names."""
        return GitFile(self.of, address.path(given, posixpath.dirname(self.path)))

    def is_there(self) -> bool:
        """Whether the commit has a file, or a link, of this path."""
        entry = self.of.clone.entry(self.of.commit, self.path)
        return entry is not None and entry[0] != "040000"

    def siblings(self) -> list[str]:
        """The names of the specs in the folder of this file."""
        names = self.of.clone.names(self.of.commit, posixpath.dirname(self.path))
        return sorted(name for name in names if name.endswith(address.ENDINGS))

    def raw(self) -> bytes:
        """What the file holds."""
        return self._content(self.path, yaml.MAX_BYTES, "SL105")

    def source(self) -> Source:
        """Its name, and where a file beside it is, with no text yet."""
        return Source(self.name, beside=self.data)

    def data(self, given: str) -> str:
        """A file of the repository that a param has as its default, as one of this machine."""
        from selectlang.files import written

        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), given))
        top = self.of.clone.folder / "files"
        file = top / self.of.commit / path
        try:
            if not file.is_file():
                content = self._content(path, MAX_DATA, "SL215")
                file.parent.mkdir(parents=True, exist_ok=True)
                if not file.parent.resolve().is_relative_to(top.resolve()):
                    raise Unavailable("SL215", f"{file.parent} leads out of the store: delete it")
                written(file, content)
        except OSError as error:
            raise Unavailable("SL215", f"cannot write {file}: {error.strerror}") from None
        return str(file)

    def origin(self, digest: str) -> Origin:
        """Where the file comes from; `digest` is that of what it holds."""
        of = self.of
        return Origin("git", self.name, self.path, of.clone.url, of.rev, of.commit, of.mutable, digest)

    def _content(self, path: str, most: int, code: str) -> bytes:
        clone, where = self.of.clone, f"of {self.of.clone.url} at {self.of.rev}"
        entry = clone.entry(self.of.commit, path)
        if entry is None or not entry[0].startswith("100"):
            what = "is a link" if entry is not None and entry[0] == "120000" else "is no file"
            hint = "A file of a repository is read where it stands: no link and no submodule is followed."
            if entry is None:
                hint = "It is not in that commit. Another path is given with --set."
            raise Unavailable("SL215" if code == "SL215" else "SL402", f"{quoted(path)} {what} {where}", hint)
        if entry[2] > most:
            message = f"{quoted(path)} {where} has {entry[2]:,} bytes, at most {most:,} are read"
            raise Unavailable(code, message)
        return clone.blob(entry[1])
