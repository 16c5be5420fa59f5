"""Blocks: rows that are read together, column by column, for a call per row and step costs the most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import chain
from operator import add, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from selectlang.data.formats import Block, Item, Records
from selectlang.data.identity import digest, flat
from selectlang.data.source import nearest
from selectlang.data.turns import BadRow, lookup, text, without_surrogates
from selectlang.errors import DataError

if TYPE_CHECKING:
    from selectlang.data.shapes import Shape
    from selectlang.render import Turn

Texts = tuple[list[str | None] | None, list[str], list[str] | None]  # system turns, requests, responses
ROWS, BYTES = 256, 1 << 20  # a block of single rows ends when it has reached either


class Columns(NamedTuple):
    """The conversations of some rows, column by column: texts or None, what goes on, and characters."""

    system: Sequence[str | None]
    instruction: Sequence[str | None]
    response: Sequence[str | None]
    rest: Sequence[list[Turn] | None]
    length: Sequence[int]


def blocks(items: Iterator[Item]) -> Iterator[Block]:
    """Rows that are read one by one, in blocks; those before an error come before it."""
    error, ended = None, False
    while not ended:
        held: list[Item] = []
        size = 0
        try:
            while len(held) < ROWS and size < BYTES:
                item = next(items)
                held.append(item)
                size += len(item[2] or b"")
        except StopIteration:
            ended = True
        except DataError as found:
            error, ended = found, True
        if held:
            yield Block(*zip(*held, strict=True))
    if error is not None:
        raise error


def columns_reader(parts: Mapping[str, str]) -> Callable[[Sequence[dict[str, Any]]], Texts | None]:
    """A function from rows to the columns of their texts, as `reader` reads them one by one.

    It gives None when a row has more than a system turn, a request and a response, or holds anything but
    text in them, or is bad: `reader` reads such rows, or says what is wrong.
    """
    system, instruction, given, response = map(parts.get, ("system", "instruction", "input", "response"))
    by_turns = "messages" in parts or "turns" in parts or any("." in name for name in parts.values())

    def read(records: Sequence[dict[str, Any]]) -> Texts | None:
        if instruction is None or by_turns:
            return None
        requests = _column(instruction, records)
        responses = _column(response, records) if response else None
        more = _column(given, records) if given else ()
        systems = _column(system, records) if system else ()
        if set(map(type, chain(requests, responses or ()))) != {str}:
            return None
        if not set(map(type, chain(more, systems))) <= {str, type(None)}:
            return None
        if any(more):
            requests = [
                (f"{asked}\n{also}" if asked.strip() else also) if also and not also.isspace() else asked
                for asked, also in zip(requests, more, strict=True)
            ]
        if "" in requests or any(map(str.isspace, requests)):
            return None
        turns = [one if one and not one.isspace() else None for one in systems] if any(systems) else None
        return turns, requests, responses

    return read


def read_block(shape: Shape, records: Sequence[dict[str, Any]]) -> tuple[Columns, bytes]:
    """The conversations of some rows, and the digest of each; BadRow when one is not of the shape.

    Rows that give a request and a response as text are read column by column, others turn by turn.
    """
    columns = shape.columns(records)
    if columns is not None:
        try:
            return _of_columns(*columns)
        except UnicodeEncodeError:  # half of a surrogate pair
            pass
    rows = list(map(shape.read, records))
    try:
        digests = b"".join(map(digest, rows))
    except UnicodeEncodeError:
        rows = [[(role, without_surrogates(content)) for role, content in turns] for turns in rows]
        digests = b"".join(map(digest, rows))
    lengths = [sum([len(content) for _, content in turns]) for turns in rows]
    system, instruction, response, rest = zip(*map(flat, rows), strict=True)
    return Columns(system, instruction, response, rest, lengths), digests


def field_texts(name: str, records: Sequence[dict[str, Any]]) -> list[str]:
    """A field of each row as text; BadRow where one has none."""
    found = _column(name, records)
    if set(map(type, found)) == {str} and "".join(found).isascii():
        return found
    return [_text(name, record) for record in records]


def _column(name: str, records: Sequence[dict[str, Any]]) -> list[Any]:
    """A field of each row, None where a row lacks it; a table has it ready."""
    if isinstance(records, Records):
        return records.columns.get(name) or [None] * len(records)
    try:
        return list(map(itemgetter(name), records))
    except KeyError:
        return [record.get(name) for record in records]


def _text(name: str, record: dict[str, Any]) -> str:
    try:
        return without_surrogates(text(lookup(record, name), f"'{name}'"))
    except KeyError:
        raise BadRow(f"no field '{name}'{nearest(name, record)}") from None


def _of_columns(
    systems: list[str | None] | None, requests: list[str], responses: list[str] | None
) -> tuple[Columns, bytes]:
    nothing: list[Any] = [None] * len(requests)
    lengths = list(map(len, requests))
    if responses is None:
        written = [f"user:{len(asked)}:{asked}" for asked in requests]
    else:
        pairs = zip(requests, responses, strict=True)
        written = [f"user:{len(asked)}:{asked}assistant:{len(said)}:{said}" for asked, said in pairs]
        lengths = list(map(add, lengths, map(len, responses)))
    for i, system in enumerate(systems or ()):
        if system is not None:
            written[i] = f"system:{len(system)}:{system}{written[i]}"
            lengths[i] += len(system)
    digests = b"".join([blake2b(text.encode(), digest_size=8).digest() for text in written])
    return Columns(systems or nothing, requests, responses or nothing, nothing, lengths), digests
