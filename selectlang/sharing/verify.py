"""Verifying a run folder against its own record, without the network, and without the store.

A record may come from anybody. It names no file that is opened: those are looked for under the names that
a run gives, and must be regular files in the folder itself. Who forges a whole record, with all its hashes,
is not found out: that takes a lock, and the record of somebody else.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selectlang.digests import file_digest, json_digest
from selectlang.engine.guard import ENDINGS, REPORT
from selectlang.engine.opened import store_of
from selectlang.engine.reread import RECORD, reread
from selectlang.errors import DataError
from selectlang.faults import brief, quoted
from selectlang.language.spec import NAME
from selectlang.plugins import Registry
from selectlang.sharing.counted import Miscounted, count
from selectlang.sharing.retraced import asked_for, follows
from selectlang.store.entry import Damage, compare, walk
from selectlang.store.store import Store
from selectlang.tables import counted


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: `fine` is None where nothing can be said here."""

    what: str
    fine: bool | None
    found: str


def verify(folder: Path, registry: Registry, store: Store | None = None) -> list[Check]:
    """What is as the record of a run says, and what is not; a DataError where there is no record to go by."""
    path = folder / RECORD
    if path.is_symlink():
        raise DataError(f"{path}: it is a link; a run writes a file")
    record = reread(folder)
    try:
        return _checks(folder, record, registry, store or store_of(folder, record))
    except RecursionError:
        raise DataError(f"{path}: it is nested deeper than any record") from None


def _checks(folder: Path, record: dict[str, Any], registry: Registry, store: Store) -> list[Check]:
    found = [_sealed(record)]
    found += [_output(folder, name, output) for name, output in record["outputs"].items()]
    if "report" in record:
        found.append(_report(folder, record["report"]))
    found.append(Check("stages", *follows(record)))
    found.append(Check("spec", *asked_for(record, folder, registry, store)))
    found.append(_stored(record, store))
    return found


def _sealed(record: dict[str, Any]) -> Check:
    rest = {name: value for name, value in record.items() if name != "sha256"}
    if record.get("sha256") != json_digest(rest):
        return Check(RECORD, False, "it was changed after the run wrote it")
    return Check(RECORD, True, f"as selectlang {brief(record['selectlang'])} wrote it")


def _output(folder: Path, name: str, output: dict[str, Any]) -> Check:
    if not NAME.match(name):
        return Check(f"output {quoted(name)}", False, "no output of a run has this name")
    try:
        if "folder" in output:
            return Check(name, True, _model(folder, name, output))
        if "file" in output:
            return Check(name, True, _file(folder, name, output))
    except (Damage, Miscounted) as error:
        return Check(name, False, str(error))
    return Check(name, True, quoted(output["value"]) if "value" in output else "nothing was given")


def _model(folder: Path, name: str, output: dict[str, Any]) -> str:
    """A Damage unless the folder of a model holds what the record says, and nothing else."""
    expected = output.get("files")
    shape = isinstance(expected, dict) and all(map(_is_sum, expected.values()))
    if output["folder"] != name or not shape:
        raise Damage(f"the record does not say what is in it, or names another folder than {name}")
    if not os.path.lexists(folder / name):
        raise Damage("it is missing")
    try:
        files, _ = walk(folder / name)
        compare(folder / name, output["files"], files)
    except OSError as error:
        raise Damage(f"it cannot be read: {error.strerror}") from None
    return f"{counted(len(files), 'file')}, {sum(files.values()):,} bytes"


def _is_sum(value: object) -> bool:
    return isinstance(value, list) and list(map(type, value)) == [int, str]


def _file(folder: Path, name: str, output: dict[str, Any]) -> str:
    """A Damage or Miscounted unless the file of an output is what the record says."""
    if output["file"] not in [name + ending for ending in ENDINGS]:
        raise Damage(f"no run gives this name to the output {name}; expected {name}.jsonl or {name}.parquet")
    path = folder / output["file"]
    size = _whole(path, output)
    if "rows" not in output:
        return f"{size:,} bytes in {path.name}"
    count(path, output)
    return f"{counted(output['rows'], 'row')}, {size:,} bytes in {path.name}"


def _whole(path: Path, said: dict[str, Any]) -> int:
    """The bytes of a file; a Damage unless it is the one that was written."""
    try:
        facts = os.lstat(path)
        if not stat.S_ISREG(facts.st_mode):
            raise Damage("it is a link, or no regular file")
        if facts.st_size != said.get("bytes"):
            raise Damage(f"it has {facts.st_size:,} bytes, the record says {quoted(said.get('bytes'))}")
        if file_digest(path) != said.get("sha256"):
            raise Damage("its content is not what the run wrote")
    except FileNotFoundError:
        raise Damage("it is missing") from None
    except OSError as error:
        raise Damage(f"it cannot be read: {error.strerror}") from None
    return facts.st_size


def _report(folder: Path, said: Any) -> Check:
    try:
        if not isinstance(said, dict) or said.get("file") != REPORT:
            raise Damage(f"the record names another file than {REPORT}")
        return Check(REPORT, True, f"{_whole(folder / REPORT, said):,} bytes")
    except Damage as error:
        return Check(REPORT, False, str(error))


def _stored(record: dict[str, Any], store: Store) -> Check:
    """The results of the stages in the store at hand, if it has them."""
    stages = [stage for stage in record["stages"] if stage["state"] != "not needed"]
    here = 0
    for stage in stages:
        meta = store.meta(stage["key"])
        if meta is not None:
            here += 1
            if "content" not in stage and meta.get("rows", {}) != stage.get("rows_out"):
                return Check("store", False, f"what it holds of {quoted(stage['path'])} has other rows")
    if not here:
        return Check("store", None, "it holds none of the results")
    return Check("store", True, f"{here} of {counted(len(stages), 'result')} are there, with the same counts")
