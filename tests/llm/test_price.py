"""What a method will ask, and what that costs at most: known before anything is paid, without a network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import selectlang as sl
from selectlang.llm.calls import Calls
from selectlang.llm.door import Door
from selectlang.llm.price import SAMPLE, DryDoor, Estimate, Priced, price, tokens

from .conftest import MODEL, ask, prompts
from .server import Server

TEXTS = [f"question {i}" for i in range(40)]


def estimate(folder: Path, model: str | sl.Model = MODEL, **more: Any) -> Estimate:
    given = {"total": 40, "max_tokens": 20, **more}
    with Calls(folder) as calls, pytest.raises(Priced) as priced:
        DryDoor(calls).ask(model, prompts(TEXTS), str, **given)
    return priced.value.estimate


def test_prices_are_those_of_the_table() -> None:
    assert price("openai/gpt-4o-mini") == price("gpt-4o-mini") == (0.15e-6, 0.6e-6)
    assert price("fake/judge") == price("local/some/model") == (0, 0)
    assert price("openai/a-model-of-mine") is None
    assert price("hosted_vllm/gpt-4o-mini") is None  # the name is that of another service
    assert price("nonsense") is None


def test_tokens_are_counted_by_a_tokenizer() -> None:
    assert tokens([("user", "hello world")]) == 3 + 4 + 2
    assert tokens([("system", "hello"), ("user", "<|endoftext|>")]) == 3 + 4 + 1 + 4 + 7


def test_an_estimate_is_that_of_the_prompts(tmp_path: Path) -> None:
    found = estimate(tmp_path)
    each = [tokens([("system", "You are a judge."), ("user", text)]) for text in TEXTS]
    assert found == Estimate(MODEL, 40, sum(each), 800, sum(each) * 0.15e-6 + 800 * 0.6e-6, 0.0, True)
    assert list(tmp_path.iterdir()) == []  # a plan writes nothing


def test_an_estimate_is_not_less_than_what_is_paid(door: Callable[..., Door], tmp_path: Path) -> None:
    with Server(answer=lambda prompt: "word " * 20) as server:
        stage = door(server.url).stage("judge")
        ask(stage, TEXTS)
    assert 0 < stage.cost <= (estimate(tmp_path).dollars or 0)


def test_what_is_stored_is_told(door: Callable[..., Door], tmp_path: Path) -> None:
    with Server() as server:
        ask(door(server.url).stage("judge"), TEXTS[:10])
    found = estimate(tmp_path)
    assert found.stored == 0.25


def test_a_sample_stands_for_all(tmp_path: Path) -> None:
    with Calls(tmp_path) as calls:
        read = []

        def many() -> Any:
            for i in range(10**6):
                read.append(i)
                yield [("user", "hello world")]

        with pytest.raises(Priced) as priced:
            DryDoor(calls).ask("openai/a-model-of-mine", many(), str, total=10**6, max_tokens=7)
    found = priced.value.estimate
    assert len(read) == SAMPLE
    assert found == Estimate("openai/a-model-of-mine", 10**6, 9 * 10**6, 7 * 10**6, None, 0.0, False)
    half = Estimate("openai/a-model-of-mine", 500_000, 4_500_000, 3_500_000, None, 0.0, False)
    assert found.scaled(0.5) == half


def test_no_prompts_cost_nothing(tmp_path: Path) -> None:
    with Calls(tmp_path) as calls, pytest.raises(Priced) as priced:
        DryDoor(calls).ask(MODEL, [], str, total=0, max_tokens=7)
    assert priced.value.estimate == Estimate(MODEL, 0, 0, 0, 0.0, 0.0, True)


def test_a_method_that_catches_everything_is_priced(tmp_path: Path) -> None:
    def method(llm: sl.LLM) -> None:
        try:
            llm.ask(MODEL, prompts(TEXTS), str, total=40, max_tokens=5)
        except Exception:
            pytest.fail("it got hold of the price")

    with Calls(tmp_path) as calls, pytest.raises(Priced):
        method(DryDoor(calls))


def test_the_price_needs_no_network() -> None:
    """For no model: litellm alone would fetch prices, and the tokenizers of some models."""
    code = """
import pathlib, socket, tempfile
def no(*args, **more):
    raise SystemExit(f"the network was asked for: {args}")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = no
from selectlang.llm.price import Calls, DryDoor, Priced
for model in ("openai/gpt-4o", "hosted_vllm/meta-llama/Llama-3.1-8B", "ollama/llama3", "cohere/command-r",
        "anthropic/claude-sonnet-4-5", "together_ai/meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo"):
    try:
        DryDoor(Calls(pathlib.Path(tempfile.mkdtemp()))).ask(
            model, [[("user", "hello")]], str, total=1, max_tokens=5)
    except Priced as priced:
        assert priced.estimate.tokens_in == 8, priced
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
