"""Stand-ins for language models, which answer by a stated rule: no model, no network, no price.

They are for trying out a spec, and for tests; what they say is no judgement. `fake/judge` grades answers,
`fake/echo` answers a question with its own words.
"""

from __future__ import annotations

import json
import re
from typing import Any

from selectlang.llm.library import reply
from selectlang.llm.request import FAKES

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+")
_BLOCK = re.compile(r"^\[([^\[\]\n]+)\]\s*$", re.MULTILINE)
_SCALE = re.compile(r"from (-?\d+(?:\.\d+)?) to (-?\d+(?:\.\d+)?)")
_COMMON = frozenset(
    """a about after all also an and any are as at be because been but by can could do each first
    for from get give good had has have he her here his how i if in into is it its just know like
    make many may me more most much my need new no not now number of on one only or other our out
    people please put same say see she should so some such take than that the their them then there
    these they thing this those time to two up use used using very want was way we well were what
    when where which who why will with word work would write yes you your""".split()
)
ENOUGH = 30
"""Words after which more of them earn an answer nothing."""


def grade(text: str) -> float:
    """The rule of `fake/judge`, 0 to 1: half for length, up to 30 words, and half for plainness.

    Plainness is the share of words that are numbers or among the commonest of English. So long answers in
    plain words beat short ones, and words whose letters are in disorder lose. The question has no say, nor
    has the order of words.
    """
    words: list[str] = [word.lower() for word in _WORD.findall(text)]
    if not words:
        return 0.0
    plain = sum(word in _COMMON or word.isdigit() for word in words) / len(words)
    return 0.5 * min(1.0, len(words) / ENOUGH) + 0.5 * plain


def answer(name: str, messages: list[dict[str, Any]], form: dict[str, Any] | None = None) -> str:
    """What the stand-in `name` says. A ValueError when there is none of this name."""
    prompt = "\n".join(str(message["content"]) for message in messages if message["role"] != "system")
    if name == "echo":
        return prompt.strip()
    if name == "judge":
        return _judge(prompt, form)
    raise ValueError(f"there is no stand-in fake/{name}; expected fake/{' or fake/'.join(FAKES)}")


def _judge(prompt: str, form: dict[str, Any] | None) -> str:
    """Grades of the answers in a prompt of headed blocks: `[Question]`, `[Answer]`, `[Answer 1]` and so on.

    They are given in the form that the prompt asks for: `[[grade]]` where it shows that, yes or no where it
    asks for that, else as numbers on the first line.
    """
    parts = _BLOCK.split(prompt)
    blocks = list(zip(parts[1::2], parts[2::2], strict=True))
    answers = [text for head, text in blocks if re.search("answer|response", head, re.I)]
    scale = _SCALE.findall(prompt)
    low, high = map(float, scale[-1]) if scale else (1.0, 10.0)
    grades = [round(low + (high - low) * grade(text), 1) for text in answers] or [low]
    if form is not None:
        fields = form.get("schema", form).get("properties", {})
        return json.dumps(_filled(fields, grades, good=grades[0] >= (low + high) / 2))
    if "[[" in prompt:
        return f"A stand-in counted words. Rating: [[{grades[0]}]]"
    if not scale and re.search(r"\byes\b.*\bno\b", prompt, re.I | re.S):
        return "yes" if grades[0] >= (low + high) / 2 else "no"
    return " ".join(map(str, grades)) + "\nA stand-in counted words."


def _filled(fields: dict[str, Any], grades: list[float], good: bool) -> dict[str, Any]:
    """A form: numbers are the grades in turn, and of two words the first is for what is good."""
    rest = iter(grades)
    found: dict[str, Any] = {}
    for name, field in fields.items():
        if "enum" in field:
            found[name] = field["enum"][0 if good else -1]
        elif field.get("type") == "string":
            found[name] = "A stand-in counted words."
        elif (number := next(rest, None)) is not None:
            found[name] = number
    return found


def provider() -> Any:
    """The stand-ins as a provider of litellm."""
    from litellm.llms.custom_llm import CustomLLM, CustomLLMError

    class Fake(CustomLLM):
        async def acompletion(self, model: str, messages: list[Any], *_: Any, **given: Any) -> Any:
            form = given.get("optional_params", {}).get("response_format")
            try:
                text = answer(model, messages, form.get("json_schema") if form else None)
            except ValueError as error:
                raise CustomLLMError(404, str(error)) from error  # type: ignore[no-untyped-call]
            return reply(given["model_response"], model, text, _tokens(messages), len(_WORD.findall(text)))

    return Fake()


def _tokens(messages: list[dict[str, Any]]) -> int:
    return sum(len(_WORD.findall(str(message["content"]))) for message in messages)
