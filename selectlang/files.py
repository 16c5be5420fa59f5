"""Writing a file: whole, or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from selectlang.errors import UsageError
from selectlang.faults import file_name


def write_text(path: Path, text: str, anew: bool = False) -> None:
    """Write a file that people asked for. A UsageError when it cannot be written.

    One that is there is replaced, and keeps its permissions; where `path` is a link, so is the file that it
    leads to. With `anew` one that is there is never touched.
    """
    shown = file_name(str(path))
    if anew and os.path.lexists(path):
        raise UsageError(f"{shown} is there already, and is left as it is; choose another name with --out")
    try:
        target = Path(os.path.realpath(path))
        if target.exists() and not os.access(target, os.W_OK):  # it could be replaced all the same
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        written(target, text.encode(), _mode(target), anew)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise UsageError(f"cannot write {shown}: {getattr(error, 'strerror', None) or error}") from error


def written(path: Path, content: bytes, mode: int = 0o600, anew: bool = False) -> None:
    """Write a file under a temporary name, and give it its own when it is whole.

    What is there is replaced, and no link is followed; with `anew` an OSError says that it is there.
    """
    number, half = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:50]}.")
    try:
        with open(number, "wb") as file:
            file.write(content)
            os.fchmod(number, mode)
        if anew:
            os.link(half, path)  # fails where another has made one meanwhile
        else:
            os.replace(half, path)
    finally:
        with suppress(OSError):
            os.unlink(half)


def _mode(path: Path) -> int:
    """The permissions of a file that is there; those of a new one, where it is not."""
    with suppress(OSError):
        return path.stat().st_mode & 0o7777
    return 0o666 & ~umask()


def umask() -> int:
    """The permissions that new files do not get."""
    mask = os.umask(0o077)  # there is no other way to read it
    os.umask(mask)
    return mask
