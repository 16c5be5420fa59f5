"""The one form of a spec: its text, and the promise that it says what the text before it said."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress

from selectlang.errors import SpecError, UsageError
from selectlang.faults import Fault, Source, quoted
from selectlang.formatting.parts import comments, read
from selectlang.formatting.printer import printed
from selectlang.language import yaml


def formatted(raw: bytes, name: str) -> str:
    """The one form of what a spec file holds; a SpecError where that is no YAML, or no spec.

    Comments and blank lines between paragraphs are kept. The result is read again, lest it says anything
    else than the file did.
    """
    node = yaml.decode(raw, Source(name))
    text = node.place.source.text
    if not isinstance(node.value, dict):
        raise SpecError([Fault("SL109", f"a spec is a mapping, found {node.type}", node.place)])
    if not {"selectlang", "extends"} & node.value.keys():
        hint = "A spec starts with 'selectlang: 1'."
        raise SpecError([Fault("SL405", f"{quoted(name)} is no selectlang spec", node.place, None, hint)])
    found = printed(read(text))
    with suppress(SpecError):
        if _said(found) == _said(text):
            return found
    raise UsageError(f"{name} is left as it is: in its one form it would say something else")


def _said(text: str) -> tuple[str, Counter[str]]:
    """What a text says, each value with its type, and its comments."""
    value = yaml.parse(text, Source("")).plain()
    return json.dumps(value, sort_keys=True), Counter(comments(text))
