"""Doors on a call store of the test, and keys that must show up nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from selectlang.llm.calls import Calls
from selectlang.llm.door import Door, Stage
from selectlang.llm.options import Options

KEY = "sk-test-0123456789abcdef"
MODEL = "openai/gpt-4o-mini"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("OPENAI_API_BASE", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return KEY


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Callable[..., Door]]:
    """`door(url, concurrency=4)`: as at the start of a run; each opens the same call store anew."""
    with ExitStack() as stack:

        def make(url: str | dict[str, str] | None = None, **options: Any) -> Door:
            calls = stack.enter_context(Calls(tmp_path))
            options = {"timeout": 5, **options}
            base = {"": url} if isinstance(url, str) else url or {}
            return stack.enter_context(Door(calls, Options(base, **options)))

        yield make


def prompts(texts: Iterable[str]) -> Iterator[list[tuple[str, str]]]:
    return ([("system", "You are a judge."), ("user", text)] for text in texts)


def ask(stage: Stage, texts: list[str], parse: Callable[[str], Any] = str, **more: Any) -> list[Any]:
    given = {"model": MODEL, "max_tokens": 20, "total": len(texts), **more}
    return stage.ask(given.pop("model"), prompts(texts), parse, **given)
