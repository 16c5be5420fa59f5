"""Names of data sets of the Hugging Face hub: `hf:name[:config][@revision]`."""

from __future__ import annotations

import re

_NAME = re.compile(r"(?P<name>\w[\w.-]*(/\w[\w.-]*)?)(:(?P<config>[^@/]+))?(@(?P<revision>.+))?", re.ASCII)


def hub_parts(path: str) -> tuple[str, str | None, str | None]:
    """Name, configuration and revision; a ValueError where it could name a folder of this machine."""
    found = _NAME.fullmatch(path.removeprefix("hf:"))
    if found is None or ".." in found["name"]:
        raise ValueError(f"'{path}' names no data set of the hub; expected hf:name or hf:owner/name")
    return found["name"], found["config"], found["revision"]
