"""Hashes of content: of JSON, of a file, of a folder. Each is a SHA-256 in hexadecimal."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any


def json_digest(value: Any) -> str:
    """A hash of a value as JSON, in one way of writing it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """A hash of what a file holds."""
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def folder_digest(folder: str) -> str:
    """A hash of the files of a local model, by their paths from the folder: its content, not its own path.

    It is read once: no model changes while a process uses it.
    """
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file() and ".git" not in path.parts)
    return json_digest([[str(path.relative_to(folder)), file_digest(path)] for path in files])
