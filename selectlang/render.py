"""How a conversation becomes text.

A row is a list of turns, each a role (system, user, assistant or tool) and a content. A part of it:

- `instruction`: all turns before the first of the assistant;
- `response`: the first turn of the assistant and all that follows it;
- `full`: both.

And two templates:

- `plain`: the stripped contents of the turns, with an empty line between them;
- `tulu`: for each turn a line with its role in `<|role|>`, the stripped content, a line break; an
  assistant's content ends in the end-of-sequence token of the model, and so does the whole text
  (RDS+, arXiv 2503.01807, section 3 and its code's `encode_with_messages_format`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectlang.rows import Template, Text

Turn = tuple[str, str]
_TOKEN = re.compile(r"\w+|[^\w\s]")


def response_at(turns: Sequence[Turn]) -> int:
    """The index of the first turn of the assistant, or the number of turns."""
    return next((i for i, (role, _) in enumerate(turns) if role == "assistant"), len(turns))


def part(turns: Sequence[Turn], text: Text) -> Sequence[Turn]:
    """The turns that `text` names."""
    if text == "full":
        return turns
    at = response_at(turns)
    return turns[:at] if text == "instruction" else turns[at:]


def render(turns: Sequence[Turn], text: Text = "full", template: Template = "plain", eos: str = "") -> str:
    """One row as text. `eos` is the model's end-of-sequence token, for the tulu template."""
    chosen = part(turns, text)
    if template == "plain":
        return "\n\n".join(content for content in (turn[1].strip() for turn in chosen) if content)
    lines = []
    for role, content in chosen:
        end = eos if role == "assistant" else ""
        lines.append(f"<|{role}|>\n{content.strip()}{end}\n")
    whole = "".join(lines).strip()
    return whole if not eos or whole.endswith(eos) else whole + eos


def with_reply(turns: Sequence[Turn], reply: str) -> list[Turn]:
    """The instruction of a row, answered by `reply`."""
    return [*part(turns, "instruction"), ("assistant", reply)]


def count_tokens(text: str) -> int:
    """Words and punctuation marks: a stand-in for tokens that needs no model."""
    if not text.isascii():
        return len(_TOKEN.findall(text))
    marked = text.encode().translate(_ascii_marks())
    return marked.count(b".") + len(marked.replace(b".", b" ").split())


@cache
def _ascii_marks() -> bytes:
    """A table of what `_TOKEN` takes each character of ASCII for: `w` in a word, `.` a mark, or a space."""
    kinds = ((r"\w", b"w"), (r"\s", b" "), ("", b"."))
    marks = (next(mark for kind, mark in kinds if re.match(kind, chr(code))) for code in range(128))
    return b"".join(marks) + bytes(128)
