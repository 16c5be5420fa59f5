"""Batches of the methods that run a transformer: how full they are, and when their tokens are made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins import _batches, _replicas
from selectlang_plugins.embed.hidden_states import hidden_states
from selectlang_plugins.embed.sentence import sentence
from selectlang_plugins.score.classifier import classifier
from selectlang_plugins.score.perplexity import perplexity
from selectlang_plugins.score.reward import reward

METHODS: list[Any] = [hidden_states, sentence, perplexity, reward, classifier]
Text = tuple[int, int]
"""The characters and the tokens of a text."""


def pool(count: int, middle: float, spread: float) -> list[Text]:
    """Texts whose tokens are lognormal, with so many characters as English has, more or less."""
    draw = np.random.default_rng(0)
    tokens = np.exp(draw.normal(np.log(middle), spread, count)).clip(8, 2048).astype(int)
    characters = (tokens * 4.4 * draw.normal(1, 0.13, count)).clip(1).astype(int)
    return list(zip(characters.tolist(), tokens.tolist(), strict=True))


POOLS = {"like Alpaca": pool(200_000, 75, 0.6), "with a long tail": pool(200_000, 109, 1.1)}


def rows_of(texts: list[Text]) -> Any:
    return SimpleNamespace(lengths=lambda: np.array([characters for characters, _ in texts]))


def batches(texts: list[Text]) -> list[Any]:
    """The tokens of the texts of each batch."""

    def batched(piece: list[Text]) -> Iterator[_batches.Task]:
        tokens = np.array([count for _, count in piece])
        for batch in _batches.batches(tokens, _batches.budget()):
            yield batch, {}

    tokens = np.array([count for _, count in texts])
    return [tokens[chosen] for chosen, _ in _batches.tasks(texts, batched, lambda text: text[0])]


def waste(found: list[Any]) -> float:
    """The share of padding."""
    return 1 - sum(map(sum, found)) / sum(len(batch) * max(batch) for batch in found)


@pytest.mark.parametrize("gpus", [1, 8])
@pytest.mark.parametrize("name", POOLS)
def test_batches_of_gpus_are_full(name: str, gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_batches, "device", lambda: "cuda")
    texts = POOLS[name]
    found = batches(texts[: _batches.window(rows_of(texts), gpus)])
    assert waste(found) < 0.03
    assert len(found) / gpus > 50, "several for each GPU, so that none waits long for the others"
    assert sum(map(sum, found)) / gpus < 25_000 * 120, "tokens of two minutes of a model of 8B"
    assert np.mean([len(batch) * max(batch) for batch in found]) > 0.9 * _batches.budget()
    assert waste(batches(texts[:1024])) > 0.09, "as much as a shard would waste"


@pytest.mark.parametrize("name", POOLS)
def test_batches_of_a_processor_are_full(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_batches, "device", lambda: "cpu")
    texts = POOLS[name]
    assert _batches.window(rows_of(texts), 0) == 0
    assert waste(batches(texts[:1024])) < 0.02


def test_a_few_books_do_not_make_a_window_small() -> None:
    texts = pool(10_000, 75, 0.6)
    books = [(10_000_000, 2048)] * 100
    assert _batches.window(rows_of(texts + books), 1) > _batches.window(rows_of(texts), 1) / 1.5
    assert 1000 < _batches.window(rows_of(books), 1) < 1100
    assert _batches.window(rows_of([(0, 0)]), 2) == 2 * _batches.ROWS, "each gives a vector"


def test_the_methods_say_how_many_rows_they_want() -> None:
    assert all(method.window_rows is _batches.window for method in METHODS)


@given(st.lists(st.integers(0, 60), max_size=80), st.integers(1, 5))
def test_pieces_hold_each_text_once_and_double(lengths: list[int], first: int) -> None:
    pieces: list[list[int]] = []

    def batched(piece: list[str]) -> Iterator[_batches.Task]:
        pieces.append([len(text) for text in piece])
        yield np.arange(len(piece))[::-1], {"said": piece[::-1]}

    texts = ["x" * length for length in lengths]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_batches, "FIRST", first)
        found = list(_batches.tasks(texts, batched))
    assert sorted(i for chosen, _ in found for i in chosen.tolist()) == [*range(len(texts))]
    for chosen, features in found:
        assert [texts[i] for i in chosen.tolist()] == features["said"]
    assert [length for piece in pieces for length in piece] == sorted(lengths, reverse=True)
    before = 0
    for piece in pieces:
        assert sum(piece[:-1]) <= first * _batches.CHARACTERS + before
        before += sum(piece)
    assert len(pieces) <= 1 + np.log2(1 + sum(lengths) / (first * _batches.CHARACTERS))


@pytest.fixture
def make(models: dict[str, Path], tmp_path: Path) -> Callable[[Any], Any]:
    """A method with a small model."""

    def of(method: Any) -> Any:
        if method in (hidden_states, perplexity):
            return method(model_=str(models["llama"]))
        if method is sentence:
            return method(model=str(models["bert"]))
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        outputs = 2 if method is classifier else 1
        network = AutoModelForSequenceClassification.from_pretrained(models["bert"], num_labels=outputs)
        network.save_pretrained(tmp_path)
        AutoTokenizer.from_pretrained(models["bert"]).save_pretrained(tmp_path)
        if method is reward:
            return method(model_=str(tmp_path), template="plain")
        about = {"method": "bert", "text": "full", "max_tokens": 32, "verdicts": ["easy", "hard"]}
        (tmp_path / "selectlang.json").write_text(json.dumps(about))
        return method(model_=str(tmp_path))

    return of


@pytest.mark.parametrize("method", METHODS)
def test_tokens_are_made_while_batches_run(
    make: Callable[[Any], Any], some: sl.Rows[Any], method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No piece but the first is made into tokens before a batch of it is done; and it changes nothing."""
    once = make(method)
    together = once(some)
    monkeypatch.setattr(_batches, "FIRST", 8)
    done, run, waited = Event(), _replicas.run, []

    def ran(networks: Any, tasks: Any, step: Any) -> Any:
        def stepped(network: Any, tensors: dict[str, Any]) -> Any:
            found = step(network, tensors)
            done.set()
            return found

        return run(networks, tasks, stepped)

    def coded(call: Any) -> Any:
        def waits(texts: list[str], **options: Any) -> Any:
            waited.append(not waited or done.wait(20))
            return call(texts, **options)

        return waits

    monkeypatch.setattr(_replicas, "run", ran)
    if method is sentence:
        monkeypatch.setattr(once.model, "preprocess", coded(once.model.preprocess))
    else:
        owner = once.predict.reader if method is classifier else once
        owner.tokenizer = Spied(owner.tokenizer, coded(owner.tokenizer))
    apart = once(some)
    assert len(waited) > 2
    assert all(waited)
    values = (found.values if isinstance(found, sl.Scores) else found.matrix for found in (apart, together))
    np.testing.assert_allclose(*values, rtol=1e-5, atol=2e-6)


class Spied:
    """A tokenizer that is called in another way."""

    def __init__(self, tokenizer: Any, call: Any) -> None:
        self.tokenizer, self.call = tokenizer, call

    def __call__(self, texts: list[str], **options: Any) -> Any:
        return self.call(texts, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tokenizer, name)
