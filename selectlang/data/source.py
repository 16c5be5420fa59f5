"""Where rows come from: the files of a data set, and their formats."""

from __future__ import annotations

import glob
import gzip
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, cast

from selectlang.errors import DataError

ENDINGS = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
FORMATS = tuple(dict.fromkeys(ENDINGS.values()))
SECTION = "in the data section of the spec (docs/data.md; a spec of the library is changed by extends)"
"""Where what a message advises is to be written."""


@dataclass(frozen=True)
class DataSpec:
    """One entry of `data:`, with its params put in.

    `path` holds files, globs, or one `hf:name[:config][@revision]`. `columns` maps what a row is made
    of (system, instruction, input, response, messages) to the fields that hold it. `header` names the
    columns of a CSV or TSV file whose first line holds no names.
    """

    path: tuple[str, ...]
    format: str | None = None
    id: str | None = None
    group: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    header: tuple[str, ...] | None = None
    bad_rows: str = "error"
    split: str | None = None

    @property
    def hub(self) -> str | None:
        """The name after `hf:`, for a data set of the Hugging Face hub."""
        return self.path[0][3:] if len(self.path) == 1 and self.path[0].startswith("hf:") else None


def files(spec: DataSpec) -> list[Path]:
    """The files of a data set: in the order given, each glob in natural order, none twice.

    A DataError names the nearest file where there is none. A data set of the hub has no files.
    """
    if spec.hub is not None:
        return []
    found: dict[Path, Path] = {}
    for pattern in spec.path:
        for path in _expand(pattern):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _expand(pattern: str) -> list[Path]:
    path = Path(pattern)
    if pattern.startswith("hf:"):
        raise DataError(f"'{pattern}' stands beside other paths; a data set of the hub is a data set alone")
    if path.is_dir():
        raise DataError(f"'{pattern}' is a folder; name its files, as in '{path / '*.jsonl'}'")
    if path.is_file():
        return [path]
    if path.exists():
        raise DataError(f"'{pattern}' is not a regular file; write its rows to a file, and name that one")
    if glob.has_magic(pattern):
        matches = [Path(match) for match in glob.glob(pattern, recursive=True)]
        matches = sorted((match for match in matches if match.is_file()), key=_natural)
        if matches:
            return matches
    what = "no file matches" if glob.has_magic(pattern) else "there is no file"
    raise DataError(f"{what} '{pattern}'{_near(path)}")


def _natural(path: Path) -> list[str | int]:
    """A key that puts part_2 before part_10."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", str(path)))]


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return "" if glob.has_magic(str(folder)) else f"; there is no folder '{folder}' either"
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    close = get_close_matches(path.name, names, 1, 0.5)
    if close:
        return f"; the nearest is '{folder / close[0]}'"
    return f"; '{folder}' holds " + (some(names) if names else "no files")


def some(names: list[str], most: int = 12) -> str:
    """Names in a sentence, the first `most` of them, none very long."""
    shown = ", ".join(repr(name if len(name) <= 40 else name[:39] + "…") for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of a message about a name that does not exist: the nearest one, and all."""
    names = list(names)
    close = get_close_matches(name, names, 1, 0.6)
    return (f"; did you mean '{close[0]}'?" if close else ";") + f" there are {some(names) or 'none'}"


def stems(spec: DataSpec, paths: Sequence[Path]) -> list[str]:
    """What the field `_file` holds for the rows of each file: its name without the endings of its format.

    It is empty where the data set is one file, unless rows are grouped by it: it would tell no rows
    apart, and the file can be renamed without any result being made again.
    """
    if len(paths) == 1 and "_file" not in (spec.group, spec.id):
        return [""]
    return [_stem(path) for path in paths]


def _stem(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    ending = Path(name).suffix
    return name.removesuffix(ending) if ending.lower() in ENDINGS else name


def format_of(path: Path, spec: DataSpec) -> str:
    """The format of a file: as the spec says, or by its ending."""
    given = spec.format or ENDINGS.get(Path(path.name.removesuffix(".gz")).suffix.lower())
    if given in FORMATS:
        return given
    if given is not None:
        raise DataError(f"there is no format '{given}'; the formats are {', '.join(FORMATS)}")
    raise DataError(
        f"the format of '{path}' cannot be told from its name; say it with format: {' | '.join(FORMATS)}"
        f" (known endings: {' '.join(ENDINGS)}, each also with .gz)"
    )


def zipped(path: Path) -> bool:
    """Whether a file is compressed by gzip: its first bytes say so, whatever its name."""
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


def open_bytes(path: Path) -> BinaryIO:
    """A file to read from, decompressed on the way if need be."""
    return cast(BinaryIO, gzip.open(path, "rb")) if zipped(path) else open(path, "rb")
