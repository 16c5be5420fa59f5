"""Writes docs/errors.md from the table of codes, with the example of each that the tests check.

Run it in a checkout: `python -m selectlang.docs`.
"""

from __future__ import annotations

from pathlib import Path

from selectlang.codes import CODES

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "tests" / "language" / "bad"
PAGE = ROOT / "docs" / "errors.md"
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


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
