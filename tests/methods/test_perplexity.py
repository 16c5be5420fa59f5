"""score: perplexity, against the loss that transformers computes."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang_plugins import _batches
from selectlang_plugins.score import perplexity as module
from selectlang_plugins.score.perplexity import perplexity

Talk = Callable[..., sl.Rows[Any]]


def losses(
    folder: Path, texts: list[str], before: list[str], limit: int = 10**6, special: bool = True
) -> list[float]:
    """Mean loss of each text by transformers, over the tokens after those of `before`, tokenised alone."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    found = []
    for text, start in zip(texts, before, strict=True):
        ids = torch.tensor([tokenizer(text, add_special_tokens=special)["input_ids"][:limit]])
        labels = ids.clone()
        labels[0, : len(tokenizer(start, add_special_tokens=special)["input_ids"])] = -100
        with torch.no_grad():
            found.append(float(model(ids, labels=labels).loss))
    return found


def tulu(rows: sl.Rows[Any]) -> tuple[list[str], list[str]]:
    before = [f"<|user|>\n{turns[0][1].strip()}\n<|assistant|>\n" for turns in rows.turns()]
    return [b + turns[1][1].strip() + "</s>" for b, turns in zip(before, rows.turns(), strict=True)], before


@pytest.mark.parametrize("name", ["llama", "gemma", "gpt2"])
@pytest.mark.parametrize("text", ["full", "response"])
def test_equals_the_loss(
    models: dict[str, Path], some: sl.Rows[Any], name: str, text: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_batches, "budget", lambda: 70)  # several batches, several chunks
    monkeypatch.setattr(module, "CHUNK", 7)
    score = perplexity(model_=str(models[name]), text=text)
    assert (score.head is None) == (name == "gemma"), "a model that caps its logits runs whole"
    whole, before = tulu(some)
    wanted = losses(models[name], whole, before if text == "response" else [""] * len(some), score.limit)
    np.testing.assert_allclose(score(some).values, wanted, rtol=1e-5)


def test_plain_and_chat_templates(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    folder = models["llama"]
    asked, said = some.instructions(), some.responses()
    for template, start, end, special in (
        ("plain", "{}\n\n", "{}", True),
        ("chat", "<s><user> {} </s><assistant> ", "{} </s>", False),
    ):
        before = [start.format(text) for text in asked]
        whole = [first + end.format(text) for first, text in zip(before, said, strict=True)]
        given = perplexity(model_=str(folder), text="response", template=template)(some)  # type: ignore[arg-type]
        np.testing.assert_allclose(given.values, losses(folder, whole, before, 96, special), rtol=1e-5)


def test_every_turn_after_the_first_answer_counts(models: dict[str, Path]) -> None:
    from selectlang.data.dataset import Dataset

    turns = [
        ("user", "add the numbers"),
        ("assistant", "three"),
        ("user", "say why"),
        ("assistant", "the sum"),
    ]
    messages = [{"role": role, "content": content} for role, content in turns]
    rows: sl.Rows[Any] = sl.Rows(Dataset.from_records([{"messages": messages}]))
    before = "<|user|>\nadd the numbers\n<|assistant|>\n"
    whole = before + "three</s>\n<|user|>\nsay why\n<|assistant|>\nthe sum</s>"
    given = perplexity(model_=str(models["llama"]), text="response")(rows).values
    np.testing.assert_allclose(given, losses(models["llama"], [whole], [before]), rtol=1e-5)


def test_perplexity_is_the_exponential(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    nll = perplexity(model_=str(models["llama"]))(some).values
    np.testing.assert_allclose(
        perplexity(model_=str(models["llama"]), value="perplexity")(some).values, np.exp(nll)
    )


@pytest.mark.parametrize("template", ["tulu", "plain", "chat"])
def test_what_cannot_be_predicted_is_missing(models: dict[str, Path], talk: Talk, template: Any) -> None:
    rows = talk(("add", ""), ("add", " \n"), ("add the numbers " * 40, "yes"), ("add", "yes"))
    given = perplexity(model_=str(models["llama"]), text="response", template=template)(rows).values
    assert np.isnan(given).tolist() == [True, True, True, False]
    full = perplexity(model_=str(models["llama"]), template=template)(rows).values
    assert np.isfinite(full).all()


def test_a_single_token_is_missing(models: dict[str, Path], talk: Talk) -> None:
    given = perplexity(model_=str(models["gpt2"]), template="plain")(
        talk(("add", ""), ("add the", ""))
    ).values
    assert np.isnan(given).tolist() == [True, False]


def test_order_and_batches_change_nothing(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    score = perplexity(model_=str(models["gpt2"]))
    together = score(some).values
    apart = [float(score(some.take(np.array([i]))).values[0]) for i in range(len(some))]
    np.testing.assert_allclose(apart, together, rtol=1e-6)
    assert score(some.take(np.array([], np.int64))).values.shape == (0,)


def test_no_more_logits_are_held_than_those_of_a_chunk(
    models: dict[str, Path], some: sl.Rows[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 7)
    score = perplexity(model_=str(models["llama"]))
    sizes: list[int] = []

    def seen(layer: Any, given: Any, logits: Any) -> None:
        sizes.append(logits.numel() // logits.shape[-1])

    for network in score.replicas:
        network.get_output_embeddings().register_forward_hook(seen)
    score(some)
    assert len(sizes) > 1
    assert max(sizes) <= 7


def test_bf16_is_close(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    full = perplexity(model_=str(models["llama"]))(some).values
    half = perplexity(model_=str(models["llama"]), precision="bf16")(some).values
    np.testing.assert_allclose(half, full, rtol=2e-2)


def test_a_uniform_model_knows_nothing(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    import torch

    score = perplexity(model_=str(models["llama"]), text="response")
    with torch.no_grad():
        score.head.weight.zero_()
    np.testing.assert_allclose(score(some).values, math.log(score.network.config.vocab_size), rtol=1e-6)


def test_a_model_that_looks_ahead(models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(sl.DataError, match="is no causal language model"):
        perplexity(model_=str(models["bert"]))


def test_a_model_without_a_head(minilm: str) -> None:
    with pytest.raises(sl.DataError, match="is not a causal language model: its files lack"):
        perplexity(model_=minilm)
