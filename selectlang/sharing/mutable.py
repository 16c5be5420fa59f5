"""What a run rests on that may be something else tomorrow, and is pinned by no lock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from selectlang.engine.datasets import data_spec
from selectlang.errors import LockError
from selectlang.faults import quoted
from selectlang.hub import hub_parts
from selectlang.language.program import Program
from selectlang.language.schemas import LOCAL
from selectlang.origins.address import COMMIT
from selectlang.sharing.hub import revised
from selectlang.sharing.lock import load
from selectlang.sharing.named import models, programs

PIN = "name a commit, or make a lock"


def mutable(program: Program, lock: Path) -> Iterator[str]:
    """A sentence for each name that means another thing when its owner says so.

    There is none where the spec has a lock, whether it is held to it or not, and none where a param has no
    value, for then it cannot be run.
    """
    if not program.missing and not _locks(lock, program):
        yield from dict.fromkeys([*_git(program), *_models(program), *_data(program)])


def _locks(lock: Path, program: Program) -> bool:
    try:
        return os.path.lexists(lock) and load(lock).spec == program.name
    except LockError:  # who holds to it will say so
        return False


def _git(program: Program) -> Iterator[str]:
    seen = {(str(origin.url), str(origin.rev)) for origin in program.origins if origin.mutable}
    for url, rev in sorted(seen):
        yield f"{url}: {quoted(rev)} is a branch, which moves; name a tag or a commit, or make a lock"


def _models(program: Program) -> Iterator[str]:
    for named in models(program):
        if named.kind == "hub":
            _, revision = revised(named.model.removeprefix(LOCAL))
            if not COMMIT.fullmatch(revision or ""):
                yield f"model {quoted(named.model)}: {_why(revision)}; {PIN}"


def _data(program: Program) -> Iterator[str]:
    for _, inner in programs(program):
        for settings in inner.data.values():
            hub = data_spec(settings).hub
            try:
                revision = None if hub is None else hub_parts(hub)[2]
            except ValueError:  # who reads it says so
                continue
            if hub is not None and not COMMIT.fullmatch(revision or ""):
                yield f"data {quoted(f'hf:{hub}')}: {_why(revision)}; {PIN}"


def _why(revision: str | None) -> str:
    return "its newest revision is used" if revision is None else f"{quoted(revision)} may be moved"
