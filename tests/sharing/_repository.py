"""A git repository made in a test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PARENT = """\
selectlang: 1
name: base
params: {pool: {type: path}, size: {type: amount, default: 2}}
data: {pool: {path: $pool}}
stages:
  lengths: {score: length, from: pool}
  chosen:  {budget: top, from: lengths, size: $size}
outputs: {chosen: chosen}
"""
CHILD = "selectlang: 1\nname: child\nextends: ../base.yaml\nparams: {size: {default: 1}}\n"
RECIPES: Mapping[str, str] = {"base.yaml": PARENT, "deep/child.yaml": CHILD}
EXAMPLE = "https://example.org/team/recipes"  # which pages of the documentation name


class Repository:
    """A repository with a branch `main`; `url` is what a spec names."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, f"file://{folder}"
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        who = {f"GIT_{role}_{part}": "a@b" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *words], cwd=self.folder, env=os.environ | who, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | bytes], tag: str = "") -> str:
        """Commit files among those that are there; the commit."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=x")
        if tag:
            self.git("tag", "--force", tag)
        return self.git("rev-parse", "HEAD")

    def at(self, rev: str, path: str = "base.yaml") -> str:
        """How the command line names a file."""
        return f"git+{self.url}@{rev}:{path}"


def published(p: Any, files: Mapping[str, str], tag: str, url: str = EXAMPLE) -> Repository:
    """A repository that the commands of a project reach as `url`, by the settings of git."""
    made = Repository(p.folder / "published" / "recipes")
    made.commit(files, tag)
    settings = p.folder / "published" / "gitconfig"
    settings.write_text(f'[url "{made.url}"]\n\tinsteadOf = {url}\n')
    p.environment |= {"GIT_CONFIG_GLOBAL": str(settings), "XDG_CONFIG_HOME": str(p.folder / "published")}
    return made
