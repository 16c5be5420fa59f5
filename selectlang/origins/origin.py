"""Where a spec file comes from, and why one could not be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Origin:
    """One file of a spec, as it was read.

    kind: a file of this machine, one of a spec pack, or one of a git repository.
    name: as a person names it, and as it stands in messages.
    path: of a file, seen from the folder of the spec that was asked for; of a pack, `package:name`; of
        git, the path in the repository. It has `/` on every system, and does not depend on this machine.
    url, rev: of git, as the spec has them, the URL in its normal form, which holds no password.
    commit: of git, 40 hexadecimal digits.
    mutable: `rev` is a branch, and no lock pins it: tomorrow it may be another commit.
    digest: SHA-256 of the bytes of the file, in hexadecimal.
    """

    kind: Literal["file", "pack", "git"]
    name: str
    path: str
    url: str | None
    rev: str | None
    commit: str | None
    mutable: bool
    digest: str


class Unavailable(Exception):
    """A source that cannot be had: the code of the fault, what is wrong, and what to do.

    `part` says which part of `{git: URL, rev: REV, path: PATH}` is at fault.
    """

    def __init__(
        self, code: str, message: str, hint: str = "", part: Literal["git", "rev", "path"] = "git"
    ) -> None:
        self.code, self.message, self.hint, self.part = code, message, hint, part
        super().__init__(message)
