"""Strict YAML with positions.

YAML is held to its JSON part: mappings, sequences and scalars, and of plain scalars only `true`, `false`,
`null` and JSON numbers are anything but strings. Anchors, aliases, tags, merge keys, duplicate keys and a
second document are faults. The reader goes over libyaml's events with a stack of its own, so that depth
costs no recursion.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from selectlang.errors import SpecError
from selectlang.faults import Fault, Place, Source, quoted
from selectlang.language.unreadable import unreadable

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\Z", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None, "": None}


@dataclass
class Node:
    """A value with its place. `value` is a scalar, a list of Nodes, or a dict of key to Node."""

    value: Any
    place: Place
    keys: dict[str, Place] | None = None  # of a mapping: where each key stands

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def scalars(self) -> Iterator[Node]:
        """The node itself, or all scalars in it."""
        if isinstance(self.value, dict | list):
            for part in self.value.values() if isinstance(self.value, dict) else self.value:
                yield from part.scalars()
        else:
            yield self

    @property
    def type(self) -> str:
        """What the value is, in words of the language."""
        return type_name(self.value)

    def items(self) -> Iterator[tuple[str, Place, Node]]:
        """The entries of a mapping, with the place of each key."""
        for key, node in self.value.items():
            yield key, (self.keys or {}).get(key, node.place), node


def type_name(value: object) -> str:
    """The word for the type of a plain value."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return "nothing" if value is None else names.get(type(value), "a mapping")


def read(path: Path) -> Node:
    """Read a YAML file; a SpecError says what is wrong with it."""
    source = Source(str(path))
    return decode(raw(path, source), source)


def raw(path: Path, source: Source) -> bytes:
    """What a file holds; a SpecError when it cannot be read."""
    try:
        with open(path, "rb", opener=_open) as file:
            found = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        problem = getattr(error, "strerror", None) or str(error)
        raise _error("SL101", f"cannot read the file: {problem}", Place(source)) from error
    if len(found) > MAX_BYTES:
        raise _error("SL105", f"a file has at most {MAX_BYTES:,} bytes, this one has more", Place(source))
    return found


def decode(raw: bytes, source: Source, faults: list[Fault] | None = None) -> Node:
    """Read what a YAML file holds; `source` has its name, and gets its text.

    With `faults`, those that leave the rest readable, such as a duplicate key, are added to it instead.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        place = Place(source, before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))
        raise _error("SL102", f"not UTF-8: byte 0x{raw[error.start]:02x}", place) from error
    return parse(text, replace(source, text=text), faults)


def _open(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to is empty, not waited for."""
    number = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(number, True)
    return number


def parse(text: str, source: Source, faults: list[Fault] | None = None) -> Node:
    """Read the text of a YAML file."""
    builder = _Builder(source)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.add(event)
    except yaml.YAMLError as error:
        builder.unreadable = True
        builder.faults.append(unreadable(error, text, source))
    if builder.root is None and not builder.faults:
        builder.lost("SL104", "the file is empty", Place(source), hint=_START)
    if builder.root is None or builder.unreadable or (builder.faults and faults is None):
        raise SpecError(builder.faults)
    if faults is not None:
        faults += builder.faults
    return builder.root


_START = "A spec starts with 'selectlang: 1', then name, params, data, stages and outputs."


def _error(code: str, message: str, place: Place) -> SpecError:
    return SpecError([Fault(code, message, place)])


class _Builder:
    """Builds nodes from events, and collects what the JSON part of YAML does not have."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: Node | None = None
        self.stack: list[tuple[Node, Node | None]] = []  # open collections, each with its waiting key
        self.faults: list[Fault] = []
        self.unreadable = False  # what stands in the file is not known: nothing else can be said of it
        self.documents = 0

    def lost(
        self, code: str, message: str, place: Place, also: tuple[str, Place] | None = None, hint: str = ""
    ) -> None:
        self.unreadable = True
        self.faults.append(Fault(code, message, place, also, hint))

    def add(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents == 2:
                self.fault("SL110", "a file holds one spec, this is a second YAML document", event)
        elif isinstance(event, yaml.AliasEvent):
            name = quoted(f"*{event.anchor}")
            self.lost("SL108", f"alias {name}: write the value out, or use a param", self.place(event))
            self.put(Node(None, self.place(event)))
        elif isinstance(event, yaml.NodeEvent):
            if event.anchor:
                name = quoted(f"&{event.anchor}")
                self.fault("SL108", f"anchor {name}: write the value out, or use a param", event)
            if tag := getattr(event, "tag", None):
                shown = quoted(tag.replace("tag:yaml.org,2002:", "!!"))
                self.fault("SL108", f"tag {shown}: a spec has no tags", event)
            self.node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()

    def node(self, event: Any) -> None:
        place = self.place(event)
        if isinstance(event, yaml.ScalarEvent):
            self.put(Node(_scalar(event), place))
            return
        node = Node({}, place, {}) if isinstance(event, yaml.MappingStartEvent) else Node([], place)
        self.put(node)
        self.stack.append((node, None))
        if len(self.stack) > MAX_DEPTH:
            raise SpecError([*self.faults, Fault("SL106", f"nested more than {MAX_DEPTH} deep", place)])

    def put(self, node: Node) -> None:
        if not self.stack:
            self.root = self.root or node
            return
        parent, key = self.stack[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif key is None:
            self.stack[-1] = (parent, node)
        else:
            self.stack[-1] = (parent, None)
            self.entry(parent, key, node)

    def entry(self, parent: Node, key: Node, node: Node) -> None:
        name, keys = key.value, parent.keys
        assert keys is not None
        if not isinstance(name, str):
            found = key.type if isinstance(name, dict | list) else quoted(name)
            hint = "" if isinstance(name, dict | list) else "To use it as a name, write it in quotes."
            self.faults.append(Fault("SL203", f"a key is text, found {found}", key.place, None, hint))
        elif name == "<<":
            self.lost("SL108", "merge key '<<': use extends, or write it out", key.place)
        elif name in keys:
            also = ("first here", keys[name])
            self.faults.append(Fault("SL107", f"key {quoted(name)} stands twice", key.place, also))
        else:
            parent.value[name], keys[name] = node, key.place

    def place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        if end.line == start.line:
            stop = end.column + 1
        else:
            stop = len(self.source.line(start.line + 1).rstrip()) + 1
        return Place(self.source, start.line + 1, start.column + 1, max(stop, start.column + 2))

    def fault(self, code: str, message: str, event: Any) -> None:
        self.faults.append(Fault(code, message, self.place(event)))


def _scalar(event: Any) -> str | int | float | bool | None:
    return event.value if event.style else plain(event.value)


def plain(text: str) -> str | int | float | bool | None:
    """What a text without quotes stands for."""
    if text in _WORDS:
        return _WORDS[text]
    match = _NUMBER.match(text)
    if match is None or len(text) > 40:
        return text
    number = float(text) if match.group(1) or match.group(2) else int(text)
    return text if number in (float("inf"), float("-inf")) else number
