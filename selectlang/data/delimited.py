"""CSV and TSV files: their rows, with the line each begins on.

A TSV file follows the quoting of CSV when all of it can be read so; otherwise quotes are ordinary
characters and a cell is what stands between two tabs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from selectlang.data.formats import (
    BOM,
    LONGEST,
    NOT_UTF8,
    Bad,
    Item,
    Note,
    as_text,
    dumps,
    is_utf8,
    lines_of,
)  # fmt: skip
from selectlang.data.source import open_bytes, some
from selectlang.errors import DataError


def read_csv(path: Path, note: Note, header: tuple[str, ...] | None, tabs: bool) -> Iterator[Item]:
    """The rows of a CSV or TSV file, under the names of its first line or of `header`."""
    csv.field_size_limit(LONGEST)  # in place of 128 KiB
    names = header
    with open_bytes(path) as file, ExitStack() as stack:
        if tabs and (line := _misquoted(path)):
            note(f"{path}: quotes are ordinary characters, for line {line} does not use them as CSV does")
            rows = _plain(lines_of(file, path))
        else:
            rows = _quoted(lines_of(stack.enter_context(as_text(file)), path), "\t" if tabs else ",")
        for number, cells in rows:
            if isinstance(cells, Bad):
                yield number, cells, None
            elif not is_utf8("".join(cells)):
                yield number, Bad(NOT_UTF8), None
            elif names is None:
                names = tuple(cells)
                if len(set(names)) < len(names):
                    raise DataError(f"{path}:{number}: a column name stands twice in {some(cells)}")
            elif len(cells) != len(names):
                yield (
                    number,
                    Bad(f"found {len(cells)} cells, expected {len(names)} ({some(list(names))})"),
                    None,
                )
            else:
                record = dict(zip(names, cells, strict=True))
                yield number, record, dumps(record)


def _quoted(lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, list[str] | Bad]]:
    reader = csv.reader((line for _, line in lines), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield number, Bad(f"its quotes or line breaks are at fault: {error}")
            continue
        if cells is None:
            return
        if cells:
            yield number, cells


def _plain(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, list[str] | Bad]]:
    for number, line in lines:
        if number == 1:
            line = line.removeprefix(BOM)
        text = line.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")
        if text:
            yield number, text.split("\t")


def _misquoted(path: Path) -> int:
    """The line where a TSV file breaks the quoting rules of CSV, or 0."""
    with open_bytes(path) as file, as_text(file) as text:
        reader = csv.reader((line for _, line in lines_of(text, path)), delimiter="\t", strict=True)
        try:
            for _ in reader:
                pass
        except csv.Error:
            return reader.line_num
    return 0
