"""What is wrong with a text that is no YAML, and where: in plain words for what people most often do."""

from __future__ import annotations

import re

import yaml

from selectlang.faults import Fault, Place, Source, quoted


def unreadable(error: yaml.YAMLError, text: str, source: Source) -> Fault:
    """The fault of a text that the reader of YAML cannot read."""
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    place, opened = _where(error, text, source), _opened(error, source)
    for at in (place, *(opened[1:] if opened else ())):
        if plain := _plain(problem, at):
            return Fault("SL103", f"not YAML: {plain}", at)
    return Fault("SL103", f"not YAML: {problem}", place, opened)


def _plain(problem: str, place: Place) -> str:
    """What to do about a mistake that is often made, at its place or where it began; empty for any other."""
    line, at = place.source.line(place.line), place.column - 1
    before, char = line[max(0, at - MOST) : at], line[at : at + 1]
    if char == "\t":
        return "a tab, and YAML is indented with spaces"
    if problem.startswith("mapping values are not allowed"):
        if _KEY.search(before):
            return "a value with ': ' in it stands in quotes"
        return "a key inside the value above it: check the indents, and that the key above has its ': '"
    if problem.startswith("did not find expected ',' or") and char == ":" and _KEY.search(before):
        return "a comma is missing, or the quotes around a value with ': ' in it"
    if problem == "did not find expected key" and _CLOSED.search(before):
        return "a value goes on after its closing quote or bracket; quotes stand around the whole of it"
    if problem == "found unknown escape character":
        return "a backslash in double quotes; in single quotes it stands for itself"
    if problem.startswith("block sequence entries are not allowed"):
        return "a value that begins with '- ' stands in quotes, and a list begins in a line of its own"
    if problem in _AT_FIRST and char and char in "|>@`%*&!":
        return f"a value that begins with {quoted(char)} stands in quotes"
    return ""


MOST = 1000  # characters of a line before the place that are looked at
_KEY = re.compile(r":\s")
_CLOSED = re.compile(r""":\s+(["'].*["']|\{.*\}|\[.*\])\s*\Z""")
_AT_FIRST = (
    "did not find expected comment or line break",
    "did not find expected alphabetic or numeric character",
    "found character that cannot start any token",
)


def _where(error: yaml.YAMLError, text: str, source: Source) -> Place:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return Place(source, mark.line + 1, mark.column + 1, mark.column + 2)
    offset = getattr(error, "position", None)  # in bytes, of a character that YAML does not allow
    if not isinstance(offset, int):
        return Place(source)
    before = Source("", text.encode()[:offset].decode(errors="ignore")).lines
    return Place(source, len(before), len(before[-1]) + 1, len(before[-1]) + 2)


def _opened(error: yaml.YAMLError, source: Source) -> tuple[str, Place] | None:
    """What was being read when the text stopped making sense, and where that began."""
    context, mark = getattr(error, "context", None), getattr(error, "context_mark", None)
    if not context or mark is None or mark.index == error.problem_mark.index:  # type: ignore[attr-defined]
        return None
    return context, Place(source, mark.line + 1, mark.column + 1, mark.column + 2)
