"""Text formats: the rows of JSON and JSON Lines files, with their places.

Each reader yields `(number, record, text)`: the number a person would look for (a line of the file,
or an element of a JSON array, both from 1), the row as a mapping, and the row as one line of JSON. A
row that cannot be read comes as a `Bad` in place of its record, so that reading goes on after it.

UTF-8 is expected, with or without a byte order mark. Empty lines mean nothing. NaN and Infinity are
read, as Python writes them. An array that is broken cannot be read on, so that is an error of the file.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from selectlang.data.source import open_bytes, some
from selectlang.errors import DataError

CHUNK = 1 << 20  # characters of a JSON array that are read at a time
BOM = b"\xef\xbb\xbf"
NOT_UTF8 = "not UTF-8; convert the file to UTF-8"
_SPACE = re.compile(r"[ \t\n\r]*")
CONVERSATIONS = ("messages", "conversations", "conversation")  # fields that hold the turns of a row


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
        except RecursionError as error:
            raise ValueError("nested too deep") from error


def dumps(value: Any) -> bytes:
    """A value as one line of JSON in UTF-8."""
    import orjson

    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # lone surrogates, and whole numbers beyond 64 bits
        return json.dumps(value, default=str).encode()


def why_not(error: ValueError) -> Bad:
    """What a failed `loads` says about a row."""
    if isinstance(error, UnicodeDecodeError):
        return Bad(NOT_UTF8)
    if isinstance(error, json.JSONDecodeError):
        return Bad(f"not JSON: {error.msg} at character {error.pos + 1}")
    return Bad(f"not JSON: {error}")


def as_text(file: BinaryIO) -> io.TextIOWrapper:
    """A file as text, with the bytes that are not UTF-8 kept for `is_utf8` to find."""
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")


def is_utf8(text: str) -> bool:
    """Whether text read by `as_text` holds no byte that is not UTF-8."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def read_jsonl(path: Path) -> Iterator[Item]:
    """The lines of a JSON Lines file."""
    import orjson

    fast = orjson.loads
    with open_bytes(path) as file:
        for number, line in enumerate(file, 1):
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


def read_json(path: Path, note: Note) -> Iterator[Item]:
    """The elements of a JSON array, one at a time; those of the only list in an object; or one object."""
    with open_bytes(path) as file, as_text(file) as text:
        start = ""
        while start.isspace() or not start:
            piece = text.read(CHUNK)
            if not piece:
                return
            start += piece
        if not start.lstrip().startswith("{"):
            yield from _array(path, text, start)
            return
    with open_bytes(path) as file:
        try:
            whole = loads(file.read().removeprefix(BOM))
        except ValueError as error:
            raise DataError(f"{path}: {why_not(error)}; expected an array of rows") from None
    lists = [name for name, value in whole.items() if isinstance(value, list) and name not in CONVERSATIONS]
    lists = [name for name in lists if whole[name] and all(isinstance(row, dict) for row in whole[name])]
    if len(lists) > 1:
        raise DataError(
            f"{path}: the file holds an object with several lists ({some(lists)}); expected one list of rows"
        )
    if lists:
        note(f"{path}: rows are under '{lists[0]}'")
    for number, row in enumerate(whole[lists[0]] if lists else [whole], 1):
        yield number, row, dumps(row)


def holds_lines(path: Path) -> bool:
    """Whether a file holds JSON Lines, whatever it is called: two objects, the first of them on one line."""
    with open_bytes(path) as file:
        lines = (line.removeprefix(BOM).strip() for line in file)
        first = next((line for line in lines if line), b"")
        try:
            return first.startswith(b"{") and isinstance(loads(first), dict) and any(lines)
        except ValueError:
            return False


def _array(path: Path, text: io.TextIOWrapper, buffer: str) -> Iterator[Item]:
    decode = json.JSONDecoder().raw_decode
    done, at, ended = 0, 0, False

    def more() -> None:
        nonlocal buffer, done, at, ended
        fresh = text.read(max(CHUNK, len(buffer)))
        ended = not fresh
        done += buffer.count("\n", 0, at)
        buffer, at = buffer[at:] + fresh, 0

    def symbol() -> str:
        nonlocal at
        at = _SPACE.match(buffer, at).end()  # type: ignore[union-attr]
        while at == len(buffer) and not ended:
            more()
            at = _SPACE.match(buffer, at).end()  # type: ignore[union-attr]
        return buffer[at : at + 1]

    def broken(what: str) -> DataError:
        return DataError(f"{path}:{done + buffer.count(chr(10), 0, at) + 1}: not a JSON array: {what}")

    if symbol() != "[":
        raise broken(f"found {buffer[at : at + 20]!r}, expected '['")
    at += 1
    for number in itertools.count(1):
        if symbol() == "]" and number == 1:
            break
        while True:
            try:
                record, end = decode(buffer, at)
                if end < len(buffer) or ended:
                    break
            except (ValueError, RecursionError) as error:
                if ended:
                    what = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deep"
                    raise broken(f"{what} in element {number}") from None
            more()
        raw, at = buffer[at:end], end
        if not is_utf8(raw):
            yield number, Bad(NOT_UTF8), None
        elif "NaN" in raw or "Infinity" in raw:  # orjson would write null
            yield number, record, json.dumps(record).encode()
        else:
            yield number, record, dumps(record)
        following = symbol()
        if following == "]":
            break
        if following != ",":
            raise broken(f"expected ',' or ']' after element {number}")
        at += 1
    at += 1
    if symbol():
        raise broken("something follows its end")
