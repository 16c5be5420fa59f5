"""Turns: the conversation that a row holds, read from its fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from selectlang.data.formats import dumps, loads
from selectlang.data.source import nearest

if TYPE_CHECKING:
    from selectlang.render import Turn

ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "chatgpt", "model", "bot", "ai", "bing", "bard", "function_call", "tool_call"),
        "assistant",
    ),
    **dict.fromkeys(
        ("tool", "function", "observation", "function_response", "tool_response", "ipython"), "tool"
    ),
}
EXPECTED_ROLE = "expected system, user (human), assistant (gpt) or tool"
_SURROGATES = re.compile("[\ud800-\udfff]")


class BadRow(Exception):
    """A row that is not of its shape; the message says what was found and what was expected."""


def reader(parts: Mapping[str, str]) -> Callable[[dict[str, Any]], list[Turn]]:
    """A function from a row to its turns. `parts` says which field holds which part; BadRow is raised."""
    system, messages, turns, instruction, given, response = map(
        parts.get, ("system", "messages", "turns", "instruction", "input", "response")
    )

    def read(record: dict[str, Any]) -> list[Turn]:
        found: list[Turn] = []
        if system and (words := _optional(record, system)):
            found.append(("system", words))
        if messages:
            value = record[messages] if messages in record else _field(record, messages)
            found += conversation(value, messages)
        if turns:
            found += [("user", text(turn, f"'{turns}'")) for turn in _list(_field(record, turns), turns)]
        if instruction:
            request = _required(record, instruction)
            if given and (more := _optional(record, given)):
                request = f"{request}\n{more}" if request.strip() else more
            found.append(("user", request))
        if response:
            found.append(("assistant", _required(record, response)))
        _check_request(found)
        return found

    return read


def conversation(value: Any, name: str) -> list[Turn]:
    """The turns of a list: `{role, content}`, `{from, value}`, or texts of user and assistant by turns."""
    if type(value) is list:
        try:
            plain = [(ROLES[turn["role"]], turn["content"]) for turn in value]
            if {type(content) for _, content in plain} == {str}:
                return plain
        except (KeyError, TypeError):  # all else that a turn can be
            pass
    found: list[Turn] = []
    for number, turn in enumerate(_list(value, name), 1):
        where = f"turn {number} of '{name}'"
        if isinstance(turn, str):
            found.append(("user" if number % 2 else "assistant", turn))
            continue
        if not isinstance(turn, dict):
            raise BadRow(f"{where} is {_kind(turn)}, expected an object or a text")
        said = turn.get("role")
        said = turn.get("from") if said is None else said
        role = ROLES.get(said.lower()) if isinstance(said, str) else None
        if role is None:
            raise BadRow(f"{where} has the role {said!r}; {EXPECTED_ROLE}")
        content = turn.get("content")
        content = turn.get("value") if content is None else content
        calls = turn.get("tool_calls") or turn.get("function_call")
        if content is None and calls:
            try:
                content = dumps(calls).decode()
            except ValueError as error:
                raise BadRow(f"{where} calls a tool, but {error}") from None
        found.append((role, content if type(content) is str else text(content, f"the content of {where}")))
    return found


def _list(value: Any, name: str) -> list[Any]:
    if isinstance(value, str):  # a cell of a CSV file, or a column of text, that holds JSON
        try:
            value = loads(value)
        except ValueError:
            raise BadRow(f"'{name}' is a text that is not JSON; expected a list of turns") from None
    if not isinstance(value, list):
        raise BadRow(f"'{name}' is {_kind(value)}, expected a list of turns")
    if not value:
        raise BadRow(f"'{name}' is empty; expected at least one turn")
    return value


def _check_request(turns: list[Turn]) -> None:
    for role, content in turns:
        if role == "user" and content and not content.isspace():
            return
        if role == "assistant":
            break
    raise BadRow("nothing is asked; expected a text of the user before the first turn of the assistant")


def _field(record: dict[str, Any], name: str) -> Any:
    try:
        return lookup(record, name)
    except KeyError:
        raise BadRow(f"no field '{name}'{nearest(name, record)}") from None


def _required(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return value if type(value) is str else text(_field(record, name), f"'{name}'")


def _optional(record: dict[str, Any], name: str) -> str:
    """A text, or nothing where the field lacks, is null, or holds white space alone."""
    value = record.get(name)
    if value is None and "." not in name:  # then it is no path either
        return ""
    if type(value) is not str:
        try:
            value = lookup(record, name)
        except KeyError:
            return ""
        value = "" if is_missing(value) else text(value, f"'{name}'")
    return "" if value.isspace() else value


def lookup(record: Any, name: str) -> Any:
    """A field of a row, or what stands at a path into it such as `instances.0.input`; a KeyError without."""
    if name in record:
        return record[name]
    found = record
    for step in name.split("."):
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]
        except (LookupError, TypeError, ValueError):
            raise KeyError(name) from None
    return found


def has(record: dict[str, Any], name: str) -> bool:
    """Whether a row has a field, or something at a path."""
    try:
        lookup(record, name)
    except KeyError:
        return False
    return True


def text(value: Any, what: str) -> str:
    """A value as text; BadRow says that `what` has none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) and abs(value) >= 2**63:  # no reader keeps all its digits
        raise BadRow(f"{what} is a number beyond 64 bits; write it as text")
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise BadRow(f"{what} holds bytes that are not UTF-8") from None
    if is_missing(value):
        raise BadRow(f"{what} is null, expected text")
    if isinstance(value, list | dict):
        raise BadRow(f"{what} is {_kind(value)}, expected text")
    return str(value)


def is_missing(value: Any) -> bool:
    """Whether a value is null or NaN."""
    return value is None or (isinstance(value, float) and value != value)


def _kind(value: Any) -> str:
    kinds = ((type(None), "null"), (dict, "an object"), (list, "a list"), (bool, "true or false"))
    return next((words for kind, words in kinds if isinstance(value, kind)), f"a {type(value).__name__}")


def without_surrogates(content: str) -> str:
    """Text with each half of a broken surrogate pair replaced, for they are not characters."""
    return _SURROGATES.sub("\ufffd", content)
