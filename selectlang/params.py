"""The values that a person gives to the params of a spec, on the command line or in a file."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selectlang.errors import UsageError
from selectlang.faults import closest, quoted
from selectlang.language import yaml
from selectlang.language.schemas import LOCAL
from selectlang.language.spec import Param


class Texts(list[str]):
    """What `--set` gave to one param: a text each time it was named."""


def given(sets: Sequence[str], file: Path | None) -> dict[str, Any]:
    """Values by param. Those of `--set` come before those of the file."""
    values: dict[str, Any] = {}
    if file is not None:
        node = yaml.read(file)
        if not isinstance(node.value, dict):
            raise UsageError(f"--params {file}: expected a mapping of param to value, found {node.type}")
        values = node.plain()
    texts: dict[str, Texts] = {}
    for item in sets:
        name, equals, text = item.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {item}: expected name=value")
        texts.setdefault(name, Texts()).append(text)
    return {**values, **texts}


def typed(param: Param, value: Any) -> Any:
    """A value as the type of its param; texts are read, anything else is left as it is.

    A model's folder becomes its absolute path, wherever it is given.
    """
    if isinstance(value, Texts):
        value = _texts(param, value)
    if param.type == "model":
        parts = value if isinstance(value, list) else [value]
        found = [_model(param, part) for part in parts]
        return found if isinstance(value, list) else found[0]
    return value


def _texts(param: Param, texts: Texts) -> Any:
    parts = [part for text in texts for part in _listed(text)] if param.many else list(texts)
    read = [_read(param, part) for part in parts]
    if param.many or (param.type == "path" and len(read) > 1):
        return read
    if len(read) > 1:
        raise UsageError(f"param {quoted(param.name)} is given {len(read)} times, and takes one {param}")
    return read[0]


def _listed(text: str) -> list[Any]:
    """A list may be given whole, as JSON: --set k='[64, 128]'."""
    if not text.startswith("["):
        return [text]
    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    return [part if isinstance(part, str) else json.dumps(part) for part in found]


def _read(param: Param, text: str) -> Any:
    """A text as a number or as true or false; anything else stays, for the type check to name."""
    if param.type == "path":
        _one_path(param, text)
    if param.type in ("int", "float", "bool") and len(text) <= 40:
        try:
            value = json.loads(text)
        except ValueError:
            return text
        if isinstance(value, bool | int | float) and math.isfinite(value):
            return value
    return text


def _one_path(param: Param, text: str) -> None:
    """Several files in one text are a UsageError that says how they are given."""
    parts = [part for part in re.split(r"[,\s]+", text) if part]
    if len(parts) > 1 and not os.path.exists(text) and all(map(os.path.isfile, parts)):
        how = " ".join(f"--set {param.name}={part}" for part in parts)
        raise UsageError(f"param {quoted(param.name)} takes one path each time: give {how}")


def _model(param: Param, value: Any) -> Any:
    """The absolute path of a folder; the name of a model as it is.

    A method takes an absolute path alone for a folder: a spec, which has none, then never names one.
    """
    if not isinstance(value, str):
        return value
    name = value.removeprefix(LOCAL)
    path = os.path.expanduser(name)
    if os.path.isdir(path):
        return value.removesuffix(name) + os.path.abspath(path)
    first, *rest = name.split("/")  # a name has an owner at most; of a service it may have more parts
    if name.startswith((".", "~", "/")) or (len(rest) > 1 and os.path.isdir(first)):
        raise UsageError(f"param {quoted(param.name)}: there is no folder '{path}'{_near(path)}")
    return value


def _near(path: str) -> str:
    """The end of a message about a folder that is not there: the nearest one."""
    parent, name = os.path.split(os.path.abspath(path))
    if os.path.isfile(path):
        return "; it is a file, name the folder that holds it"
    if not os.path.isdir(parent):
        return f"; there is no folder '{parent}' either"
    found = closest(name, sorted(entry.name for entry in os.scandir(parent) if entry.is_dir()))
    return f"; the nearest is '{os.path.join(os.path.dirname(path), found)}'" if found else ""
