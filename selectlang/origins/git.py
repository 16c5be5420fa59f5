"""Reading single files out of git repositories, with the git of this machine.

A repository has a bare clone in the store, shared by all runs: of each commit that was asked for the files,
without its history. Nothing of it is checked out, no hook or filter runs, and no submodule is followed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from selectlang.faults import listing, nearest, quoted
from selectlang.files import written
from selectlang.origins import process
from selectlang.origins.address import COMMIT
from selectlang.origins.origin import Unavailable
from selectlang.origins.process import Failed
from selectlang.store.lock import alone

MAX_READS = 1000  # of names and files, for one check
WHOLE = 2**31 - 1  # a depth that git takes for all
CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = false\n\tbare = true\n"
_NOT_GIVEN = re.compile("not our ref|unadvertised object|couldn't find remote ref|no such remote ref", re.I)


class Clone:
    """The clone of one repository. `url` is in its normal form, `folder` is made when it is needed.

    `tell` is called with a sentence before a commit is fetched.
    """

    def __init__(self, url: str, folder: Path, tell: Callable[[str], None] = lambda text: None) -> None:
        self.url, self.folder, self.tell = url, folder, tell
        self._made, self._reads = False, 0
        self._entries: dict[tuple[str, str], tuple[str, str, int] | None] = {}

    def commit(self, rev: str, fresh: bool = False) -> tuple[str, bool]:
        """The commit that a rev means, and whether it is a branch; its files are there afterwards.

        A commit, and a tag that was used before, are not looked up, unless `fresh`.
        """
        if COMMIT.match(rev):
            self.need(rev)
            return rev, False
        tag = f"refs/tags/{hashlib.sha256(rev.encode()).hexdigest()}"  # on a disk V1 and v1 may be one name
        if not fresh and (known := self._tagged(tag)):
            return known, False
        found = self._names(f"refs/tags/{rev}", f"refs/heads/{rev}")
        if f"refs/tags/{rev}" in found:
            self._fetch(f"+refs/tags/{rev}:{tag}")
            if known := self._tagged(tag):
                return known, False
            raise Unavailable("SL406", f"tag {quoted(rev)} of {self.url} is of no commit", part="rev")
        if f"refs/heads/{rev}" in found:
            commit = found[f"refs/heads/{rev}"]
            self.need(commit)
            return commit, True
        raise self._no_rev(rev)

    def need(self, commit: str) -> None:
        """Have the files of a commit."""
        if self._has(commit):
            return
        try:
            self._fetch(f"{commit}:refs/commits/{commit}")
        except Unavailable as error:
            if not _NOT_GIVEN.search(str(error.__cause__)):
                raise
            with suppress(Unavailable):  # a server may give no commit by its number
                self._fetch("+refs/heads/*:refs/all/heads/*", "+refs/tags/*:refs/all/tags/*", depth=WHOLE)
        if not self._has(commit):
            hint = "It may be on no branch any more, after a push by force."
            raise Unavailable("SL406", f"{self.url} has no commit {commit}", hint, "rev")

    def entry(self, commit: str, path: str) -> tuple[str, str, int] | None:
        """The mode, the object and the size of a path; None when it is not there."""
        if (commit, path) not in self._entries:
            self._entries[commit, path] = self._entry(commit, path)
        return self._entries[commit, path]

    def _entry(self, commit: str, path: str) -> tuple[str, str, int] | None:
        found = self._read("ls-tree", "-z", "--long", commit, "--", path).decode(errors="replace")
        for line in found.split("\0"):
            about, _, name = line.partition("\t")
            if name == path:
                mode, _, thing, size = about.split()
                return mode, thing, int(size) if size.isdigit() else 0
        return None

    def names(self, commit: str, folder: str) -> list[str]:
        """What stands in a folder of a commit, but for folders; nothing where there is no such folder."""
        where = ["--", f"{folder}/"] if folder else []
        found = self._read("ls-tree", "-z", commit, *where).decode(errors="replace")
        lines = [line.partition("\t") for line in found.split("\0")]
        return [name.rpartition("/")[2] for about, _, name in lines if name and " tree " not in about]

    def blob(self, thing: str) -> bytes:
        """The content of a file; see that it is not too large before."""
        return self._read("cat-file", "blob", thing)

    def _has(self, commit: str) -> bool:
        with suppress(Failed):
            return bool(self._git("cat-file", "-t", commit) == b"commit\n")
        return False

    def _tagged(self, ref: str) -> str | None:
        with suppress(Failed):
            return self._git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").decode().strip()
        return None

    def _names(self, *patterns: str) -> dict[str, str]:
        """The refs that the repository has now, of those named or of all, each with its object."""
        found = self._far(["ls-remote", "--refs", "--", self.url, *patterns], process.LOOK_UP)
        lines = [line.split("\t") for line in found.decode(errors="replace").splitlines()]
        if any(len(line[0]) == 64 for line in lines):
            message = f"{self.url} names its commits by SHA-256, in 64 digits; those of 40 digits are read"
            raise Unavailable("SL406", message)
        return {line[1]: line[0] for line in lines if len(line) == 2 and COMMIT.match(line[0])}

    def _fetch(self, *refs: str, depth: int = 1) -> None:
        words = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", f"--depth={depth}"]
        self.tell(f"fetching {self.url}")
        with self._alone():
            self._far([*words, "--", self.url, *refs], process.FETCH)

    def _no_rev(self, rev: str) -> Unavailable:
        refs = [ref.split("/", 2) for ref in self._names()]
        known = {kind: [name for _, of, name in refs if of == kind] for kind in ("tags", "heads")}
        hint = f"tags: {listing(known['tags']) or 'none'}\nbranches: {listing(known['heads']) or 'none'}"
        if re.fullmatch("[0-9a-f]{4,39}", rev):
            hint = "A commit is written out, in 40 digits."
        close = nearest(rev, [*known["tags"], *known["heads"]])
        message = f"{self.url} has no tag and no branch {quoted(rev)}{close}"
        return Unavailable("SL406", message, hint, "rev")

    def _far(self, words: list[str], wait: float) -> bytes:
        """Run a command of git that asks the repository itself."""
        try:
            return self._git(*words, wait=wait)
        except Failed as error:
            raise process.explained(error, self.url) from error

    def _read(self, *words: str) -> bytes:
        """Run a command of git on what the clone has."""
        self._reads += 1
        if self._reads > MAX_READS:
            raise Unavailable("SL404", f"more than {MAX_READS:,} names of {self.url} are looked up")
        try:
            return self._git(*words)
        except Failed as error:
            message = f"cannot read the clone of {self.url}"
            raise Unavailable("SL406", message, f"git says: {error}\nDelete {self.folder}") from error

    def _git(self, *words: str, wait: float = process.LOOK_UP) -> bytes:
        self._make()
        return process.git(self.folder, words, wait)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Fetch while no other process does: git does not wait for another fetch that cuts history."""
        self._make()
        with ExitStack() as stack:
            with suppress(OSError):  # a file system without locks
                stack.enter_context(alone(self.folder / "lock", wait=True))
                self._clean()
            yield

    def _clean(self) -> None:
        """Delete what a fetch that was killed has left: git would wait for it."""
        for left in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*"):
            for path in self.folder.glob(left):
                path.unlink()

    def _make(self) -> None:
        """Make the clone, or take its settings back to ours: a store may come from somebody else."""
        if self._made:
            return
        folders = [self.folder / name for name in ("objects", "refs", "files")]
        try:
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder.parent, self.folder, *folders):
                if folder.is_symlink():
                    raise Unavailable("SL406", f"{folder} is a link: a store keeps its folders itself")
            for name, text in (("HEAD", "ref: refs/heads/none\n"), ("config", CONFIG)):
                file = self.folder / name
                if file.is_symlink() or not file.is_file() or file.read_bytes() != text.encode():
                    written(file, text.encode())
        except OSError as error:
            raise Unavailable("SL406", f"cannot make {self.folder}: {error.strerror}") from None
        self._made = True
