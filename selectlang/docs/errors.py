"""docs/errors.md: the table of codes, each with the example that the tests check."""

from __future__ import annotations

from selectlang.codes import CODES
from selectlang.docs import ROOT

EXAMPLES = ROOT / "tests" / "language" / "bad"
_HEAD = """# Errors

Each fault that `selectlang check` finds has a stable code; `selectlang show SL302` prints its entry. This
page is made by `python -m selectlang.docs`, and its examples are files in `tests/language/bad`.
"""
_PARTS = {
    "SL1": "The file",
    "SL2": "The words of a spec",
    "SL3": "Types",
    "SL4": "Other specs",
    "SL5": "Plugins",
}


def page() -> str:
    """The text of docs/errors.md."""
    parts = [_HEAD]
    for start, title in _PARTS.items():
        parts.append(f"## {title}\n")
        for code in sorted(code for code in CODES if code.startswith(start)):
            name, text = CODES[code]
            parts.append(f"### {code}: {name}\n\n{text}\n{_example(code)}")
    return "\n".join(parts)


def _example(code: str) -> str:
    """The first example of a code: the spec and what `check` says of it."""
    spec = next(iter(sorted(EXAMPLES.glob(f"{code}-*.yaml"))), None)
    if spec is None:
        return ""
    text = spec.read_text(encoding="utf-8").rstrip()
    said = spec.with_suffix(".txt").read_text(encoding="utf-8").rstrip()
    return f"\n```yaml\n{text}\n```\n\n```text\n{said}\n```\n"
