"""Text formats: JSON values, lines, and the rows of JSON Lines files with their places.

Each reader of a text format yields `(number, record, text)`: the number a person would look for (a line
of the file, or an element of a JSON array, both from 1), the row as a mapping, and the row as one line of
JSON. A row that cannot be read comes as a `Bad` in place of its record, so that reading goes on after it.

UTF-8 is expected, with or without a byte order mark. Empty lines mean nothing. NaN and Infinity are
read, as Python writes them. A line that is longer than `LONGEST` is an error of the file.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, AnyStr, BinaryIO

from selectlang.data.source import open_bytes
from selectlang.errors import DataError

LONGEST = 64 << 20  # bytes (or characters) of one row: what is longer is no row, and would fill the memory
BOM = b"\xef\xbb\xbf"
NOT_UTF8 = "not UTF-8; convert the file to UTF-8"
TOO_DEEP = "lists and objects are nested too deep in it"


class Bad(str):
    """What is wrong with a row."""

    __slots__ = ()


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
            raise DataError(
                f"{path}:{number}: this line is longer than {LONGEST >> 20} MiB, the most that a row may be; "
                "expected one row on each line"
            )
        yield number, line


def read_jsonl(path: Path) -> Iterator[Item]:
    """The lines of a JSON Lines file."""
    import orjson

    fast = orjson.loads
    with open_bytes(path) as file:
        for number, line in lines_of(file, path):
            if number == 1:
                line = line.removeprefix(BOM)
            line = line.strip()
            if not line:
                continue
            try:
                yield number, fast(line), line
            except ValueError:
                try:
                    record = loads(line)
                except ValueError as error:
                    yield number, why_not(error), None
                else:
                    yield number, record, line
