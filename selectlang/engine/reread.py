"""The record of a run read again: nothing that it says is believed before its form is seen to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selectlang.errors import DataError
from selectlang.faults import brief, quoted

RECORD = "record.json"
MOST = 1 << 28  # bytes; a record of 100,000 stages has less
_KEY = re.compile(r"[0-9a-f]{64}")


def is_run(folder: Path) -> bool:
    """Whether there is a record in a folder."""
    return (folder / RECORD).is_file()


def split(identity: str) -> tuple[str, str, str]:
    """The key, the port and the verdict of a result, each as in `handles`; empty where there is none."""
    key, _, rest = identity.partition(".")
    port, _, verdict = rest.partition(".")
    return key, port, verdict


def is_key(value: Any) -> bool:
    """Whether a value has the form of a key of the store."""
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def reread(folder: Path) -> dict[str, Any]:
    """The record in a run folder; a DataError says why it is none that can be read."""
    path = folder / RECORD
    if not is_run(folder):
        what = "it holds no record.json" if folder.is_dir() else "there is no such folder"
        raise DataError(
            f"{folder}: {what}; name the folder of a run, such as one under runs/ or what --out named"
        )
    try:
        if path.stat().st_size > MOST:
            raise DataError(f"{path}: it is larger than any record; expected one that a run has written")
        found: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: it is no JSON ({error}); run the spec again") from None
    version = found.get("selectlang") if isinstance(found, dict) else None
    if not isinstance(version, str):
        raise DataError(f"{path}: it is no record of a run: it does not say by which selectlang")
    _not_newer(path, version)
    for fault in _faults(found):
        raise DataError(f"{path}: it is no record that selectlang {brief(version)} wrote: {fault}")
    return dict(found)


def _not_newer(path: Path, version: str) -> None:
    import selectlang

    def number(text: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d{1,9}", text)[:3]]

    if number(version) > number(selectlang.__version__):
        raise DataError(
            f"{path}: it was written by selectlang {brief(version)}, and this is "
            f"{selectlang.__version__}; upgrade selectlang"
        )


def _faults(record: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the parts of a record that lead to values; stops at the first of a kind."""
    shapes = {"stages": list, "outputs": dict, "data": dict, "spec": dict, "spec_params": dict, "file": str}
    for name, kind in shapes.items():
        if not isinstance(record.get(name), kind):
            yield f"{quoted(name)} is missing, or no {'list' if kind is list else kind.__name__}"
            return
    for stage in record["stages"]:
        if not (isinstance(stage, dict) and _is_stage(stage)):
            yield f"the stage {quoted(stage.get('path') if isinstance(stage, dict) else stage)} is damaged"
    for name, data in record["data"].items():
        if not (isinstance(data, dict) and is_key(data.get("key"))):
            yield f"data {quoted(name)} has no key"
    for name, output in record["outputs"].items():
        if not (isinstance(output, dict) and isinstance(output.get("result"), str) and _is_identity(output)):
            yield f"the output {quoted(name)} does not say whose result it is"
        elif not (type(output.get("rows", 0)) is int and isinstance(output.get("value", 0), int | float)):
            yield f"the output {quoted(name)} is damaged"


def _is_stage(stage: dict[str, Any]) -> bool:
    texts = all(_is_text(stage.get(name)) for name in ("path", "kind", "method", "state"))
    ports, inputs = stage.get("ports"), stage.get("inputs")
    lists = [stage.get(name, []) for name in ("also", "notes")]
    return (
        texts
        and is_key(stage.get("key"))
        and isinstance(ports, list)
        and bool(ports)
        and all(isinstance(port, str) and (not port or port.isidentifier()) for port in ports)
        and isinstance(inputs, dict)
        and all(isinstance(found, list) and all(map(_is_text, found)) for found in inputs.values())
        and all(isinstance(found, list) and all(map(_is_text, found)) for found in lists)
        and isinstance(stage.get("settings"), dict)
    )


def _is_identity(output: dict[str, Any]) -> bool:
    kind = output["result"].partition(":")[0]
    return kind in ("data", "empty") or is_key(split(output["result"])[0])


def _is_text(value: Any) -> bool:
    """Whether a value is a text, and one that can be written as UTF-8."""
    try:
        return isinstance(value, str) and bool(value.encode() or True)
    except UnicodeEncodeError:
        return False
