"""The lock of a spec: a file that pins all that decides what a run of it gives.

It holds no path of this machine: a spec is named as another spec names it, a data set and a folder that is
a model are hashes of what is in them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from selectlang.errors import LockError, SpecError
from selectlang.faults import file_name, quoted
from selectlang.language.schemas import mismatch
from selectlang.language.yaml import plain, read

FORMAT = 1
_HEAD = """\
# Made by `selectlang lock`, and held to by `selectlang run --locked`. Not to be edited by hand.
# A hosted model can be named, but not pinned. Of packages, other versions only warn.
"""

Pins = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Lock:
    """What a lock says; each part maps a name to what pins it.

    spec: the name that the spec gives itself.
    selectlang, language: the version of selectlang, and of the language.
    request: the hash of what the spec asks for, with every default, param and commit put in.
    params: values of the params that are no path and no folder, as a person may give them.
    specs: of every spec file its `sha256`; of git also `url`, `rev` and `commit`.
    methods: by kind and method, the `distribution`, its `version`, and `source`, a hash of the files.
    models: a `commit` of the hub, a `package` and its `sha256`, or the `sha256` of a folder, which is named
        by the setting that it is given to; `hosted` for one that cannot be pinned.
    data: the `sha256` of the content and of how it is read; of the hub also its name and `commit`.
    packages: versions of what does the arithmetic.
    """

    spec: str
    selectlang: str
    language: int
    request: str
    params: dict[str, Any]
    specs: Pins
    methods: Pins
    models: Pins
    data: Pins
    packages: dict[str, str]

    def commits(self) -> Mapping[tuple[str, str], str]:
        """The commit of each URL and rev of git."""
        found = [pin for pin in self.specs.values() if {"url", "rev", "commit"} <= pin.keys()]
        return {(pin["url"], pin["rev"]): pin["commit"] for pin in found}

    def text(self) -> str:
        """The file, one line for each pin."""
        lines = []
        for name, part in {"selectlang_lock": FORMAT, **asdict(self)}.items():
            if part and isinstance(part, dict):
                lines += [f"{name}:", *(f"  {_line(key)}: {_line(value)}" for key, value in part.items())]
            else:
                lines.append(f"{name}: {_line(part)}")
        return _HEAD + "\n".join(lines) + "\n"


def load(path: Path) -> Lock:
    """The lock that a file holds; a LockError when it holds none."""
    name = file_name(str(path))
    if not os.path.lexists(path):
        do = "name one with --lock FILE, or make one: selectlang lock SPEC"
        raise LockError(f"there is no {name} here; {do}")
    again = "it was edited or damaged; take it from where it was made, or delete it and lock again"
    try:
        found = read(path).plain()
    except SpecError as error:
        first = error.faults[0]
        do = "" if first.code == "SL101" else f"; {again}"  # SL101: it could not be read at all
        raise LockError(f"{first.place}: {first.message}{do}") from None
    form = found.get("selectlang_lock") if isinstance(found, dict) else None
    if isinstance(form, int) and form > FORMAT:
        raise LockError(f"{name} has format {form}, made by a newer selectlang; upgrade this one")
    if problem := mismatch(found, _SHAPE):
        where = ".".join(map(str, problem[2]))
        what = quoted(where) if where else "it"
        raise LockError(f"{name} is no lock: {what} is not as `selectlang lock` writes it; {again}")
    return Lock(**{key: value for key, value in found.items() if key != "selectlang_lock"})


class _Dumper(yaml.SafeDumper):
    """Writes texts so that they are read again as texts: `1e5` would be a number."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    bare = plain(value) == value and value.isprintable()
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, None if bare else '"')


_Dumper.add_representer(str, _text)


def _line(value: Any) -> str:
    """A value as YAML on one line."""
    options: dict[str, Any] = {"default_flow_style": True, "width": float("inf"), "allow_unicode": True}
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, **options)
    return text.removesuffix("...\n").rstrip("\n")


_TEXT = {"type": "string", "maxLength": 2000}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_COMMIT = {"type": "string", "pattern": "^[0-9a-f]{40}([0-9a-f]{24})?$"}


def _pins(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    one = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return {"type": "object", "additionalProperties": one}


_PARTS = {
    "selectlang_lock": {"enum": [FORMAT]},
    "spec": _TEXT,
    "selectlang": _TEXT,
    "language": {"type": "integer"},
    "request": _SHA256,
    "params": {"type": "object"},
    "specs": {
        **_pins(("sha256",), sha256=_SHA256, url=_TEXT, rev=_TEXT, commit=_COMMIT),
        "minProperties": 1,
    },
    "methods": _pins(
        ("distribution", "version", "source"), distribution=_TEXT, version=_TEXT, source=_SHA256
    ),
    "models": _pins((), sha256=_SHA256, package=_TEXT, commit=_COMMIT, hosted={"type": "boolean"}),
    "data": _pins(("sha256",), sha256=_SHA256, hub=_TEXT, commit=_COMMIT),
    "packages": {"type": "object", "additionalProperties": _TEXT},
}
_SHAPE = {
    "type": "object",
    "properties": _PARTS,
    "required": list(_PARTS),
    "additionalProperties": False,
}
