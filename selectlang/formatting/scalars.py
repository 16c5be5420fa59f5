"""Scalars in their one form: without quotes where every reader of YAML takes them for what they are."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from functools import lru_cache
from io import StringIO

import yaml
from yaml.emitter import Emitter

from selectlang.formatting.parts import Scalar
from selectlang.language.yaml import plain

_ODD = re.compile(r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What a block of text cannot hold."""


def inline(scalar: Scalar, flow: bool) -> str:
    """A scalar in one line; `flow` where it stands within brackets."""
    if scalar.style is None and not isinstance(plain(scalar.value), str):
        return scalar.value or ("null" if flow else "")
    return text(scalar.value, flow)


@lru_cache(maxsize=4096)
def text(value: str, flow: bool) -> str:
    """A text in one line, in quotes where some reader of YAML would take it for anything else without."""
    analyze = Emitter(StringIO(), allow_unicode=True).analyze_scalar
    found = analyze(value)
    bare = found.allow_block_plain
    if flow:  # a colon ends a text there only where it could end a key
        bare = analyze(_COLON.sub("x", value)).allow_flow_plain
    if bare and isinstance(plain(value), str) and _string(value):
        return value
    if any(sign in value for sign in '"\\') and found.allow_single_quoted and not found.multiline:
        return "'" + value.replace("'", "''") + "'"
    quoted: str = yaml.safe_dump(value, default_style='"', allow_unicode=True, width=float("inf"))
    return quoted.rstrip("\n")


_OCTAL = re.compile(r"0o[0-7]+")  # a number in YAML 1.2
_COLON = re.compile(r"(?<=\S):(?=[^\s,?\[\]{}])")


def _string(value: str) -> bool:
    """Whether YAML 1.1 and 1.2 too take a plain text for a text: they have more words and numbers."""
    if _OCTAL.fullmatch(value):
        return False
    tag = yaml.SafeLoader("").resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    return bool(tag == "tag:yaml.org,2002:str")


def block(scalar: Scalar, width: int) -> list[str] | None:
    """A text in a block: its first line, such as `|-`, then those of the text; None where it cannot be one.

    One that is folded is filled to `width` columns.
    """
    value = scalar.value
    body = value.rstrip("\n")
    if not body or body[0] == "\t" or _ODD.search(value):
        return None
    more = len(value) - len(body)
    end = "-" if not more else "+" if more > 1 else ""
    blank = [""] * (more - 1)
    if scalar.style != "|" and not _UNFOLDED.search(value):
        lines = [
            textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
            for line in body.split("\n")
        ]
        return [f">{end}", *_apart(lines), *blank]
    indent = "2" if body.lstrip("\n")[0] == " " else ""
    return [f"|{indent}{end}", *body.split("\n"), *blank]


_UNFOLDED = re.compile(r"\A\n|(?m:^[ \t])|(?m:[ \t]$)|  |\t")
"""What would change where lines are filled."""


def _apart(paragraphs: list[list[str]]) -> Iterator[str]:
    """Filled paragraphs: where lines are folded, a blank line is a line break."""
    for i, lines in enumerate(paragraphs):
        if i:
            yield ""
        yield from lines
