"""Judges' answers, read: JSON where the model was held to it, and what models write where it was not.

Each reader returns a verdict or raises a ValueError that says what it looked for. None guesses: where an
answer can be read in two ways it is refused, and so is a number out of the scale. Read are digits of any
script, any kind of space, full-width punctuation, decimals with a comma, and markdown. `8/10` is 8 where the
scale ends in 10, and refused where it does not.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from unicodedata import category, digit, normalize

from .._prompts import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

PAIR_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"first": {"type": "number"}, "second": {"type": "number"}},
    "required": ["first", "second"],
    "additionalProperties": False,
}
GRADE_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"explanation": {"type": "string"}, "rating": {"type": "number"}},
    "required": ["explanation", "rating"],
    "additionalProperties": False,
}

LONGEST = 8000  # characters that are read

# A number, with its sign. After it come no letter, no other part of a number, fraction or time, and no range.
_NUMBER = r"[-+]?[0-9]{1,9}(?:\.[0-9]{1,9})?"
_END = r"(?![\w%]|[-'’]\w|\.[0-9]|\s*[–—~/:^]\s*[0-9]|-[0-9]|\s+(?:-|to)\s+[0-9])"
_GAP = r"(?:\s*[,;]\s*(?:and\s+)?|\s+(?:and|vs\.?|&)\s+|\s+)"
_DONE = r"(?=[^\S\n]*(?:$|,(?![^\S\n]*[-+0-9])|[;.!(–—|-]|(?:and|first|second|answer|response|assistant)\b))"
_NAME = (
    r"\b(?:(first|second)(?:\s+(?:answer|response|assistant))?|(?:answer|response|assistant)\s*([12ab]))"
    r"(?:\s+(?:score|rating))?"
)
_PAIR = re.compile(
    rf"(?:([^0-9]*)[:=])?[\s(]*({_NUMBER}){_END}{_GAP}({_NUMBER}){_END}(?!{_GAP}[-+]?[0-9])", re.I
)
_NAMED = re.compile(rf"{_NAME}\s*[:=]\s*({_NUMBER}){_END}{_DONE}", re.I | re.M)
_ONE_NAME = re.compile(rf"{_NAME}\b", re.I)
_BRACKETED = re.compile(rf"\[\[\s*({_NUMBER})\s*\]\]")
_RATED = re.compile(rf"\b(?:rating|score|grade)\s*[:=]\s*({_NUMBER}){_END}{_DONE}", re.I | re.M)
_ALONE = re.compile(rf"[\s(]*({_NUMBER}){_END}[\s.)]*$")
_COMMA = re.compile(r"(?<![0-9.,])([0-9]{1,9}),([0-9]{1,2})(?![0-9]|[.,][0-9])")  # 7,5 and no 1,000
_MARKUP = re.compile(r"[*_`\"\[\]{}|]|^[\s>#]+(?:[-+•]\s)?|^\s*[-+•]\s", re.M)
_FENCE = re.compile(r"^[^\S\n]*```\w*[^\S\n]*$", re.M)
_MARKS = {"、": ",", "،": ",", "٫": ".", "−": "-", "⁄": "/", "∕": "/", "\t": " "}


def pair(text: str, low: float, high: float) -> tuple[float, float]:
    """The scores of the first and the second answer: two numbers on the first line, or with their names."""
    text, found = _short(text), set[tuple[float, float]]()
    for given in _objects(text):
        if {"first", "second"} <= given.keys():
            found.add((_number(given["first"], high), _number(given["second"], high)))
    if not found:
        lines = _lines(_plain(text, high))
        found = {(first, second) for first, second, _ in map(_pair_of, lines[:1]) if first is not None}
        whole = [
            (first, second) for first, second, rest in map(_pair_of, lines[1:]) if not (first is None or rest)
        ]
        if not found:
            found = set(whole) | _named(_COMMA.sub(r"\1.\2", "\n".join(lines)))
        elif {number for number, _ in found} == {1} and any(number == 2 for number, _ in whole):
            found |= set(whole)  # the numbers of the answers, each with its score
    if len(found) != 1:
        what = "pairs that differ" if found else "none"
        raise ValueError(f"expected two scores on the first line, found {what}")
    first, second = found.pop()
    return _within(first, low, high), _within(second, low, high)


def _pair_of(line: str) -> Any:
    """Two numbers that a line holds, and what follows them; None where it is not of that form.

    `8,7` are two numbers, for two are expected; `8,5 7` are as well.
    """
    match = _PAIR.match(line) or _PAIR.match(_COMMA.sub(r"\1.\2", line))
    if match is None or _ONE_NAME.search(match[1] or ""):
        return None, None, ""
    return float(match[2]), float(match[3]), line[match.end() :].strip(" .)")


def _named(text: str) -> set[tuple[float, float]]:
    """Scores given by name, as in `Answer 1: 8, Answer 2: 7`, for all pairs of what each name is given."""
    scores: dict[bool, set[float]] = {False: set(), True: set()}
    for match in _NAMED.finditer(text):
        scores[(match[1] or match[2]).lower() in ("second", "2", "b")].add(float(match[3]))
    return {(first, second) for first in scores[False] for second in scores[True]}


def grade(text: str, low: float, high: float) -> float:
    """One score: the last `[[7]]`, a number alone on the first line, or the last `Rating: 7`."""
    text = _short(text)
    rated = [given["rating"] for given in _objects(text) if "rating" in given]
    if rated:
        return _within(_number(rated[-1], high), low, high)
    plain = _COMMA.sub(r"\1.\2", _plain(text, high))
    found = set(map(float, _BRACKETED.findall(plain)[-1:]))
    if not found:
        lines = _lines(re.sub(r"\([^()\n]*\)(?=\W{0,9}[:=])", " ", plain))
        found = {float(match[1]) for match in map(_ALONE.match, lines[:1]) if match}
        found |= set(map(float, _RATED.findall("\n".join(lines))[-1:]))
    if len(found) != 1:
        what = "two that differ" if found else "none"
        raise ValueError(f"expected a rating such as [[7]] or a number alone on the first line, found {what}")
    return _within(found.pop(), low, high)


def choice(text: str, yes: str, no: str) -> bool:
    """Whether the answer is `yes`: the word that the first line begins with, or that stands as the answer."""
    text, verdicts = _short(text), {word(yes): True, word(no): False}
    either = "|".join(sorted(map(re.escape, verdicts), key=len, reverse=True))
    end = rf"(?!\w)(?=\s*(?:$|[^\w\s/]))(?!\W*(?:(?:or|and)\W+)?(?:{either})\W*$)"
    lines = _lines(text)
    said = [given["answer"] for given in _objects(text) if isinstance(given.get("answer"), str)]
    if not said:
        said = re.findall(rf"\A\W*({either}){end}", word(lines[0]) if lines else "")
        for line in map(word, lines):
            said += re.findall(rf"\b(?:answer|verdict)\s*[:=]\s*({either}){end}", line)
    found = {verdicts.get(word(each)) for each in said}
    if found not in ({True}, {False}):
        what = "both" if {True, False} <= found else "neither"
        raise ValueError(f"expected {yes} or {no} on the first line, found {what}")
    return True in found


def word(text: str) -> str:
    """A word as it is compared: without markup, in one case."""
    return " ".join(_MARKUP.sub(" ", text).casefold().split())


def choice_form(yes: str, no: str) -> dict[str, Any]:
    """The JSON Schema of an answer that is one of two words."""
    return {
        "type": "object",
        "properties": {"answer": {"enum": [yes, no]}},
        "required": ["answer"],
        "additionalProperties": False,
    }


def _short(text: str) -> str:
    """A text without runs of spaces and empty lines; of a long one the beginning and the end.

    Models run on, in blanks above all, until they are cut off; the patterns here go back and forth.
    """
    text = re.sub(r"(?: ?\n)+", "\n", re.sub(r"[^\S\n]+", " ", text)).strip()
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object in a text, in order, those inside others too."""
    decode = json.JSONDecoder().raw_decode
    for brace in re.finditer(r"\{", text):
        try:
            yield decode(text, brace.start())[0]
        except (ValueError, RecursionError):  # no object begins here
            continue


def _number(value: Any, high: float) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e9 else float("inf")
    match = _ALONE.match(_plain(value, high)) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"expected a number, found {str(value)[:80]!r}")
    return float(match[1])


def _within(number: float, low: float, high: float) -> float:
    if not low <= number <= high:
        raise ValueError(f"{number:g} is out of the scale, which goes from {low:g} to {high:g}")
    return number


def _lines(text: str) -> list[str]:
    """The lines that hold more than markup, without it."""
    cleaned = (_MARKUP.sub(" ", line).strip() for line in _FENCE.sub("", text).splitlines())
    return [line for line in cleaned if line]


def _plain(text: str, high: float) -> str:
    """Text with the digits, spaces and marks of all scripts as in ASCII, and no `/10` or `(out of 10)`."""
    plain = text if text.isascii() else "".join(map(_ascii, text))
    most = rf"{re.escape(shown(high))}(?!\w|[./][0-9])"
    of = rf"\s*(\()?\s*(?:/|out\s+of)\s*(?:\[\[\s*{most}\s*\]\]|{most})(?(1)\s*\))"
    return re.sub(rf"(?<=[0-9\]]){of}", "", plain, flags=re.I)


def _ascii(char: str) -> str:
    kind = category(char)
    if kind == "Nd":
        return str(digit(char))
    if kind in ("Zs", "Cf"):
        return " "
    same = normalize("NFKC", char) if kind[0] in "PS" else char
    return same if len(same) == 1 and same.isascii() else _MARKS.get(char, char)
