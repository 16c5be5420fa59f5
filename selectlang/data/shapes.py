"""Shapes: how the fields of a row make up its conversation.

A shape is found from the names of the fields (upper or lower case), in this order:

- a conversation under `messages`, `conversations` or `conversation`: a list of turns, each
  `{role, content}` (chat messages), `{from, value}` (ShareGPT), or a text (user and assistant by turns);
- a request and its response: `instruction` with `output` (Alpaca), `prompt` with `completion`,
  `question` with `answer`, and a few other pairs (`PAIRS`);
- a request alone, without a response; or `turns`, texts that are all of the user (FastChat questions).

A request may have an `input` (or `context`), which follows the instruction after a line break
(RDS+, arXiv 2503.01807), and any shape a `system` (or `system_prompt`). Text is taken as it stands. A
number or a truth value stands for its text in JSON, where text is expected; null (or NaN) is a missing
value. An empty response is a response. A pair of answers of which one is better (`chosen`, `rejected`) is
no response: which of the two is, `columns` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectlang.data.blocks import Texts, columns_reader
from selectlang.data.json_files import CONVERSATIONS
from selectlang.data.source import SECTION, DataSpec, nearest, some
from selectlang.data.turns import has, reader
from selectlang.errors import DataError

if TYPE_CHECKING:
    from selectlang.render import Turn

CANONICAL = ("system", "instruction", "input", "response", "messages")
OPTIONAL = ("system", "input")
PAIRS = (
    ("Alpaca", "instruction", ("output", "response", "completion", "answer")),
    ("prompt and completion", "prompt", ("completion", "response", "output", "answer")),
    ("question and answer", "question", ("answer", "response", "output")),
    ("query and response", "query", ("response", "answer", "output")),
    ("input and output", "input", ("output", "response")),
    ("inputs and targets", "inputs", ("targets",)),
)
ALONE = ("instruction", "prompt", "question", "query")
KNOWN = (
    "Known shapes: instruction + input + output, prompt + completion, question + answer, messages of "
    "{role, content}, conversations of {from, value}. For any other, say which fields hold what, as in "
    f"columns: {{instruction: text, response: code}}, {SECTION}"
)


@dataclass(frozen=True)
class Shape:
    """How rows are read: `words` for people, the fields that are looked at, and the reader itself.

    `read` raises BadRow; `columns` reads many rows at once, or none where it is not sure of each. A field of
    `optional` may lack in a row, but not in all of them. `note` says what is left unread that could have been
    meant.
    """

    words: str
    fields: tuple[str, ...]
    optional: tuple[str, ...]
    read: Callable[[dict[str, Any]], list[Turn]]
    columns: Callable[[Sequence[dict[str, Any]]], Texts | None]
    note: str = ""


def find(records: list[dict[str, Any]], columns: Mapping[str, str], where: str, hint: str = "") -> Shape:
    """The shape of a file from its first rows, or as `columns` says; a DataError when there is none."""
    fields = list(dict.fromkeys(name for record in records for name in record))
    if columns:
        _check_columns(columns)
        words = "columns (" + ", ".join(f"{part}: {name}" for part, name in columns.items()) + ")"
        optional = tuple(columns[part] for part in OPTIONAL if part in columns)
        return Shape(words, tuple(columns.values()), optional, reader(columns), columns_reader(columns))
    by_name = {name.lower(): name for name in reversed(fields)}
    label, parts = _recognise(by_name, records)
    note = _preference(by_name, parts, records)
    if label is None:
        more = hint + (f"; {note}" if note else "")
        raise DataError(f"{where}: these fields make no known shape: {some(fields) or 'none'}{more}. {KNOWN}")
    name = "system" if "system" in by_name else "system_prompt"
    parts["system"] = by_name.get(name, name)
    shown = tuple(name for name in parts.values() if name in fields)
    return Shape(f"{label} ({', '.join(shown)})", shown, (), reader(parts), columns_reader(parts), note)


def check_fields(spec: DataSpec, records: list[dict[str, Any]], name: str) -> None:
    """A DataError where a file lacks a field that the spec names; with bad_rows: skip its rows are bad."""
    named = [(part, field) for part, field in spec.columns.items() if part not in OPTIONAL]
    for part, field in [("id", spec.id), ("group", spec.group), *named]:
        if field in (None, "_file") or spec.bad_rows == "skip":
            continue
        if not any(has(record, field) for record in records):
            fields = dict.fromkeys(field for record in records for field in record)
            missing = f"{name}: {part}: the rows have no field '{field}'{nearest(field, fields)}"
            raise DataError(f"{missing}. Name another {SECTION}")


def _recognise(by_name: dict[str, str], records: list[dict[str, Any]]) -> tuple[str | None, dict[str, str]]:
    for name in CONVERSATIONS:
        if name in by_name:
            return _dialect(records, by_name[name]), {"messages": by_name[name]}
    for label, request, responses in PAIRS:
        response = next((name for name in responses if name in by_name), None)
        if request in by_name and response:
            return label, {**_request(by_name, request), "response": by_name[response]}
    for request in ALONE:
        if request in by_name:
            return "requests without responses", _request(by_name, request)
    if "turns" in by_name:
        return "turns of the user without responses", {"turns": by_name["turns"]}
    return None, {}


def _preference(by_name: dict[str, str], parts: dict[str, str], records: list[dict[str, Any]]) -> str:
    """What to say of rows with a chosen and a rejected answer, of which neither is read."""
    if not {"chosen", "rejected"} <= by_name.keys():
        return ""
    chosen, rejected = by_name["chosen"], by_name["rejected"]
    value = next((record[chosen] for record in records if record.get(chosen)), None)
    if isinstance(value, list):
        columns = f"messages: {chosen}"
    elif parts:
        part, request = next(iter(parts.items()))
        keys = value if isinstance(value, dict) else ()
        inner = next((f".{key}" for key in ("content", "value") if key in keys), "")
        columns = f"{part}: {request}, response: {chosen}{inner}"
    else:
        return ""
    unread = f"'{chosen}' and '{rejected}' are not read"
    return f"{unread}; to read one of them, say columns: {{{columns}}}, {SECTION}"


def _request(by_name: dict[str, str], request: str) -> dict[str, str]:
    parts = {"instruction": by_name[request]}
    if request == "instruction":
        name = next((name for name in ("input", "context") if name in by_name), "input")
        parts["input"] = by_name.get(name, name)
    return parts


def _dialect(records: list[dict[str, Any]], name: str) -> str:
    for record in records:
        turns = record.get(name)
        turn = turns[0] if isinstance(turns, list) and turns else None
        if isinstance(turn, str):
            return "user and assistant by turns"
        if isinstance(turn, dict):
            return "ShareGPT conversations" if "from" in turn else "chat messages"
    return "chat messages"


def _check_columns(columns: Mapping[str, str]) -> None:
    for part in columns:
        if part not in CANONICAL:
            raise DataError(f"columns: there is no part '{part}' of a row{nearest(part, CANONICAL)}")
    if "messages" not in columns and "instruction" not in columns:
        raise DataError("columns: say which field holds the instruction, or the messages")
