"""JSON files: the elements of an array, of the only list in an object, or one object.

An array is read piece by piece. One that is broken cannot be read on, so that is an error of the file; so
is an element that is longer than `LONGEST`.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

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
    loads,
    why_not,
)
from selectlang.data.source import open_bytes, some
from selectlang.errors import DataError

CHUNK = 1 << 20  # characters of an array that are read at a time
WHOLE = 1 << 30  # bytes of an object that holds all rows, for it is in memory as a whole
CONVERSATIONS = ("messages", "conversations", "conversation")  # fields that hold the turns of a row
_SPACE = re.compile(r"[ \t\n\r]*")


def read_json(path: Path, note: Note) -> Iterator[Item]:
    """The elements of a JSON array, one at a time; those of the only list in an object; or one object."""
    with open_bytes(path) as file, as_text(file) as text:
        pieces = iter(partial(text.read, CHUNK), "")
        first = next((piece.strip()[0] for piece in pieces if piece.strip()), "")
    if first == "{":
        yield from _object(path, note)
    elif first:
        with open_bytes(path) as file, as_text(file) as text:
            yield from _array(path, text)


def _object(path: Path, note: Note) -> Iterator[Item]:
    with open_bytes(path) as file:
        content = file.read(WHOLE + 1)
    if len(content) > WHOLE:
        raise DataError(
            f"{path}: this JSON object is larger than {WHOLE >> 20} MiB, the most that is read as a whole; "
            "write its rows as JSON Lines (.jsonl), one on each line"
        )
    try:
        whole = loads(content.removeprefix(BOM))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not JSON: {error.msg}; expected an array of rows") from None
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
    odd = b"NaN" in content or b"Infinity" in content
    for number, row in enumerate(whole[lists[0]] if lists else [whole], 1):
        yield _item(number, row, odd)


def _item(number: int, row: Any, odd: bool) -> Item:
    """A row with its line of JSON; `odd` where it may hold NaN or Infinity, for which orjson writes null."""
    try:
        return number, row, json.dumps(row).encode() if odd else dumps(row)
    except (ValueError, RecursionError) as error:
        return number, why_not(error), None


def holds_lines(path: Path) -> bool:
    """Whether a file holds JSON Lines, whatever it is called: two objects, the first of them on one line."""
    with open_bytes(path) as file:
        if file.read(CHUNK).removeprefix(BOM).lstrip().startswith(b"["):
            return False  # before a line is read, for an array may be one line of many megabytes
        file.seek(0)
        lines = (line.removeprefix(BOM).strip() for line in iter(partial(file.readline, LONGEST), b""))
        first = next((line for line in lines if line), b"")
        try:
            return first.startswith(b"{") and isinstance(loads(first), dict) and any(lines)
        except ValueError:
            return False


def _array(path: Path, text: io.TextIOWrapper) -> Iterator[Item]:
    decode = json.JSONDecoder().raw_decode
    buffer, done, at, ended = "", 0, 0, False

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
            except json.JSONDecodeError as error:
                if ended:
                    raise broken(f"{error.msg} in element {number}") from None
            except (ValueError, RecursionError) as error:
                raise broken(f"element {number}: {why_not(error)}") from None
            if len(buffer) - at > LONGEST:
                most = f"{LONGEST >> 20} MiB, the most that a row may be"
                raise broken(f"element {number} does not end within {most}")
            more()
        raw, at = buffer[at:end], end
        if is_utf8(raw):
            yield _item(number, record, "NaN" in raw or "Infinity" in raw)
        else:
            yield number, Bad(NOT_UTF8), None
        following = symbol()
        if following == "]":
            break
        if following != ",":
            raise broken(f"expected ',' or ']' after element {number}")
        at += 1
    at += 1
    if symbol():
        raise broken("something follows its end")
