"""Spec files: what is asked of one wherever it is, and those of this machine."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from selectlang.faults import Source
from selectlang.language import yaml
from selectlang.origins.address import ENDINGS
from selectlang.origins.origin import Origin


class File(Protocol):
    """A spec file, of this machine or of a git repository. A SpecError or Unavailable says why not."""

    @property
    def name(self) -> str:
        """The file as messages name it."""

    @property
    def identity(self) -> Hashable:
        """The same for two ways to one file."""

    def beside(self, given: str) -> File:
        """The file that a path from the folder of this one names."""

    def is_there(self) -> bool:
        """Whether there is such a file."""

    def siblings(self) -> list[str]:
        """The names of the specs in its folder."""

    def raw(self) -> bytes:
        """What it holds."""

    def source(self) -> Source:
        """Its name, and where a file beside it is, with no text yet."""

    def origin(self, digest: str) -> Origin:
        """Where it comes from; `digest` is that of what it holds."""


@dataclass(frozen=True)
class DiskFile:
    """A file of this machine. `top` is the folder of the spec that was asked for, or that of `pack`."""

    path: Path
    name: str
    top: Path
    pack: str = ""

    @property
    def identity(self) -> Hashable:
        """The file with all links followed; an OSError or RuntimeError when they lead nowhere."""
        return self.path.resolve()

    def beside(self, given: str) -> DiskFile:
        path = self.path.parent / given
        return DiskFile(path, str(path), self.top, self.pack)

    def is_there(self) -> bool:
        return is_file(self.path)

    def siblings(self) -> list[str]:
        return [file.name for file in specs(self.path.parent)]

    def raw(self) -> bytes:
        return yaml.raw(self.path, self.source())

    def source(self) -> Source:
        return Source(self.name)

    def origin(self, digest: str) -> Origin:
        path = Path(os.path.relpath(self.path, self.top)).as_posix()
        if self.pack:
            name = f"{self.pack}:{path.removesuffix('.yaml')}"
            return Origin("pack", name, name, None, None, None, False, digest)
        return Origin("file", self.name, path, None, None, None, False, digest)


def is_file(path: Path) -> bool:
    """Whether a file is there; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def specs(folder: Path) -> list[Path]:
    """The YAML files of a folder, if there is one."""
    try:
        return sorted(file for file in folder.iterdir() if file.suffix in ENDINGS)
    except (OSError, ValueError):
        return []
