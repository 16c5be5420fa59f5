"""Writes the pages: `python -m selectlang.docs`."""

from selectlang.docs import pages

for path, text in pages().items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
