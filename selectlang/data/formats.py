"""Text formats: JSON values, lines, and the rows of JSON Lines files with their places.

Each reader of a text format yields `(number, record, line)`: the number a person would look for (a line
of the file, or an element of a JSON array, both from 1), the row as a mapping, and the row as one line of
JSON. That of JSON Lines, the format of large files, yields blocks of them. A row that cannot be read
comes as a `Bad` in place of its record, so that reading goes on after it.

UTF-8 is expected, with or without a byte order mark. Empty lines mean nothing. NaN and Infinity are
read, as Python writes them. A line that is longer than `LONGEST` is an error of the file.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, AnyStr, BinaryIO, NamedTuple, overload

from selectlang.data.source import open_bytes
from selectlang.errors import DataError

PIECE = 1 << 17  # bytes of a file of lines that are read at a time
LONGEST = 64 << 20  # bytes (or characters) of one row: what is longer is no row, and would fill the memory
BOM = b"\xef\xbb\xbf"
NOT_UTF8 = "not UTF-8; convert the file to UTF-8"
TOO_DEEP = "lists and objects are nested too deep in it"


class Bad(str):
    """What is wrong with a row."""

    __slots__ = ()


class Records(Sequence[dict[str, Any]]):
    """The rows of a table, kept as its columns: a row becomes a mapping when it is asked for by itself."""

    def __init__(self, columns: dict[str, list[Any]], count: int) -> None:
        self.columns, self._count = columns, count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        names = self.columns.keys()
        if not names:
            return iter([{} for _ in range(self._count)])
        return (dict(zip(names, row, strict=True)) for row in zip(*self.columns.values(), strict=True))

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> Records: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | Records:
        if isinstance(at, int):
            return {name: values[at] for name, values in self.columns.items()}
        part = {name: values[at] for name, values in self.columns.items()}
        return Records(part, len(range(*at.indices(self._count))))


class Block(NamedTuple):
    """Rows that are read together: numbers, records and lines, as of single rows; no lines of a table."""

    numbers: Sequence[int]
    records: Sequence[Any]
    lines: Sequence[bytes | None] | None

    def part(self, start: int, stop: int) -> Block:
        """The rows from `start` to `stop`."""
        lines = None if self.lines is None else self.lines[start:stop]
        return Block(self.numbers[start:stop], self.records[start:stop], lines)


Item = tuple[int, Any, bytes | None]
Note = Callable[[str], None]


def loads(text: bytes | str) -> Any:
    """A JSON value; a ValueError when there is none. Twice as fast as json where text is strict JSON."""
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # also NaN and lone surrogates, which json reads
        try:
            return json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
        except RecursionError:
            raise ValueError(TOO_DEEP) from None


def dumps(value: Any) -> bytes:
    """A value as one line of JSON in UTF-8; a ValueError where it is nested too deep."""
    import orjson

    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # lone surrogates, whole numbers beyond 64 bits, and nesting that json may yet take
        try:
            return json.dumps(value, default=str).encode()
        except RecursionError:
            raise ValueError(TOO_DEEP) from None


def why_not(error: Exception) -> Bad:
    """What a failure to read JSON says about a row."""
    if isinstance(error, UnicodeDecodeError):
        return Bad(NOT_UTF8)
    if isinstance(error, json.JSONDecodeError):
        return Bad(f"not JSON: {error.msg} at character {error.pos + 1}")
    if isinstance(error, RecursionError) or str(error) == TOO_DEEP:
        return Bad(TOO_DEEP)
    return Bad("a whole number in it has too many digits to be read; write it as text")


def as_text(file: BinaryIO) -> io.TextIOWrapper:
    """A file as text, with the bytes that are not UTF-8 kept for `is_utf8` to find."""
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")


def is_utf8(text: str) -> bool:
    """Whether text read by `as_text` holds no byte that is not UTF-8."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def lines_of(file: IO[AnyStr], path: Path) -> Iterator[tuple[int, AnyStr]]:
    """The lines of a file, counted from 1; a DataError at one that is too long to be a row."""
    for number in itertools.count(1):
        line = file.readline(LONGEST)
        if not line:
            return
        if len(line) == LONGEST and line[-1:] not in ("\n", b"\n"):
            raise _too_long(path, number)
        yield number, line


def _too_long(path: Path, number: int) -> DataError:
    return DataError(
        f"{path}:{number}: this line is longer than {LONGEST >> 20} MiB, the most that a row may be; "
        "expected one row on each line"
    )


def read_jsonl(path: Path) -> Iterator[Block]:
    """The lines of a JSON Lines file."""
    first = 1
    with open_bytes(path) as file:
        while text := file.read(PIECE):
            lines = (text + file.readline(LONGEST)).split(b"\n")
            if first == 1:
                lines[0] = lines[0].removeprefix(BOM)
            if max(map(len, lines)) >= LONGEST:
                whole = next(at for at, line in enumerate(lines) if len(line) >= LONGEST)
                yield _parsed(first, lines[:whole])
                raise _too_long(path, first + whole)
            yield _parsed(first, lines)
            first += len(lines) - 1  # the last of them ends the file, or is what stands after a line break


def _parsed(first: int, lines: list[bytes]) -> Block:
    """The rows of some lines, of which the first has this number; empty lines are left out."""
    import orjson

    numbers: Sequence[int] = range(first, first + len(lines))
    lines = [line.strip() for line in lines]
    if not all(lines):
        numbers = [number for number, line in zip(numbers, lines, strict=True) if line]
        lines = list(filter(None, lines))
    try:
        return Block(numbers, list(map(orjson.loads, lines)), lines)
    except ValueError:
        return Block(numbers, list(map(_record, lines)), lines)


def _record(line: bytes) -> Any:
    try:
        return loads(line)
    except ValueError as error:
        return why_not(error)
