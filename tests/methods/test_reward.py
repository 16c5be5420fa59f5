"""score: reward, against one text at a time; and merge: difference of it and of perplexity."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang_plugins import _batches
from selectlang_plugins.merge.difference import difference
from selectlang_plugins.score.perplexity import perplexity
from selectlang_plugins.score.reward import reward

Talk = Callable[..., sl.Rows[Any]]


@pytest.fixture(scope="module")
def judges(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Made reward models: a Llama with a padding token, a GPT-2 without, a BERT, and a Llama of 3 outputs."""
    import torch
    from transformers import (
        AutoTokenizer,
        BertConfig,
        BertForSequenceClassification,
        GPT2Config,
        GPT2ForSequenceClassification,
        LlamaConfig,
        LlamaForSequenceClassification,
    )

    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("judges")
    size = len(AutoTokenizer.from_pretrained(models["llama"]))
    small: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "vocab_size": size,
        "num_labels": 1,
        "max_position_embeddings": 96,
        "initializer_range": 0.5,
    }
    llama, three = (
        LlamaForSequenceClassification(LlamaConfig(**{**small, "pad_token_id": 0, "num_labels": count}))
        for count in (1, 3)
    )
    gpt2 = GPT2ForSequenceClassification(
        GPT2Config(
            n_embd=16,
            n_layer=2,
            n_head=2,
            n_positions=64,
            vocab_size=size,
            num_labels=1,
            initializer_range=0.5,
            bos_token_id=None,
            eos_token_id=3,
        )
    )
    bert = BertForSequenceClassification(BertConfig(**small))
    for name, model in (("llama", llama), ("three", three), ("gpt2", gpt2), ("bert", bert)):
        model.save_pretrained(root / name)
        AutoTokenizer.from_pretrained(models["llama" if name == "three" else name]).save_pretrained(
            root / name
        )
    assert gpt2.config.pad_token_id is None
    return {name: root / name for name in ("llama", "three", "gpt2", "bert")}


def one_by_one(
    folder: Path, texts: list[str], limit: int, special: bool = True, label: int = 0
) -> list[float]:
    """The output of transformers for each text alone, without padding."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    found = []
    for text in texts:
        ids = tokenizer(text, add_special_tokens=special)["input_ids"][:limit]
        with torch.no_grad():
            found.append(model(torch.tensor([ids])).logits[0, label].item())
    return found


def written(rows: sl.Rows[Any], template: str) -> list[str]:
    pattern = {
        "tulu": "<|user|>\n{}\n<|assistant|>\n{}</s>",
        "plain": "{}\n\n{}",
        "chat": "<s><user> {} </s><assistant> {} </s>",
        "hh": "###Human: {} ###Assistant: {}",
    }[template]
    return [
        pattern.format(asked, said) for asked, said in zip(rows.instructions(), rows.responses(), strict=True)
    ]


@pytest.mark.parametrize("name, limit", [("llama", 96), ("gpt2", 64), ("bert", 96)])
@pytest.mark.parametrize("template", ["tulu", "plain", "hh"])
def test_equals_one_text_at_a_time(
    judges: dict[str, Path],
    some: sl.Rows[Any],
    name: str,
    limit: int,
    template: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In several batches with padding, of a decoder with and without a padding token, and of an encoder."""
    monkeypatch.setattr(_batches, "budget", lambda: 150)
    given = reward(model_=str(judges[name]), template=template)(some).values
    wanted = one_by_one(judges[name], written(some, template), limit)
    assert len(set(np.round(wanted, 4))) == len(some), "the texts are told apart"
    np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-5)


def test_the_models_own_template_is_the_default(judges: dict[str, Path], some: sl.Rows[Any]) -> None:
    given = reward(model_=str(judges["llama"]))(some).values
    wanted = one_by_one(judges["llama"], written(some, "chat"), 96, special=False)
    np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-5)
    with pytest.raises(sl.DataError, match="no chat template; use template: tulu or plain"):
        reward(model_=str(judges["gpt2"]))(some)


@pytest.mark.parametrize("pad", [-1, 10**6])
def test_a_padding_token_outside_the_vocabulary_is_none(
    judges: dict[str, Path], some: sl.Rows[Any], tmp_path: Path, pad: int
) -> None:
    """As configs of older models have it."""
    folder = tmp_path / "odd"
    shutil.copytree(judges["gpt2"], folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "pad_token_id": pad}))
    given = reward(model_=str(folder), template="tulu")(some).values
    np.testing.assert_array_equal(given, reward(model_=str(judges["gpt2"]), template="tulu")(some).values)


def test_hh_joins_what_comes_before_the_answer(judges: dict[str, Path]) -> None:
    from selectlang.data.dataset import Dataset

    turns = [
        ("system", "say yes"),
        ("user", "add"),
        ("assistant", "no"),
        ("user", "say why"),
        ("assistant", "red"),
    ]
    messages = [{"role": role, "content": content} for role, content in turns]
    rows: sl.Rows[Any] = sl.Rows(Dataset.from_records([{"messages": messages}]))
    text = "###Human: say yes\nadd ###Assistant: no ###Human: say why ###Assistant: red"
    given = reward(model_=str(judges["llama"]), template="hh")(rows).values
    np.testing.assert_allclose(given, one_by_one(judges["llama"], [text], 96), rtol=1e-5)


def test_one_of_several_outputs(judges: dict[str, Path], some: sl.Rows[Any]) -> None:
    folder = judges["three"]
    for label in range(3):
        given = reward(model_=str(folder), label=label, template="tulu")(some).values
        np.testing.assert_allclose(
            given, one_by_one(folder, written(some, "tulu"), 96, label=label), rtol=1e-4
        )
    for wrong in (None, 3):
        with pytest.raises(sl.DataError, match=r"has 3 outputs: 0 \(LABEL_0\), 1 .*with `label` which"):
            reward(model_=str(folder), label=wrong)
    with pytest.raises(sl.DataError, match=r"has 1 outputs: 0 \(LABEL_0\)"):
        reward(model_=str(judges["llama"]), label=1)


def test_replies_are_scored_as_rows_are(judges: dict[str, Path], talk: Talk) -> None:
    rows = talk(("add the numbers", "one two"), ("say why", "red"))
    replies = sl.Replies(sl.Rows(rows.data, rows.positions, ["three", "the sum"]))
    score = reward(model_=str(judges["llama"]), template="tulu")
    same = talk(("add the numbers", "three"), ("say why", "the sum"))
    np.testing.assert_allclose(score(replies.rows).values, score(same).values)
    assert score(replies.rows).rows is replies.rows


def test_a_trained_model_and_a_named_one(judges: dict[str, Path], some: sl.Rows[Any]) -> None:
    folder = judges["llama"]
    given = reward(model=sl.Model(folder))(some).values
    np.testing.assert_array_equal(given, reward(model_=str(folder))(some).values)
    with pytest.raises(sl.DataError, match="expected one model, .*; found both"):
        reward(model=sl.Model(folder), model_=str(folder))
    with pytest.raises(sl.DataError, match="expected one model, .*; found neither"):
        reward()


def test_a_language_model_is_no_reward_model(models: dict[str, Path]) -> None:
    with pytest.raises(sl.DataError, match="is not a model that scores texts: its files lack score.weight"):
        reward(model_=str(models["llama"]))


def test_long_texts_lose_their_end_and_no_rows_are_no_scores(
    judges: dict[str, Path], some: sl.Rows[Any]
) -> None:
    score = reward(model_=str(judges["llama"]), template="tulu", max_tokens=9)
    np.testing.assert_allclose(
        score(some).values, one_by_one(judges["llama"], written(some, "tulu"), 9), rtol=1e-4, atol=1e-5
    )
    assert score(some.take(np.array([], np.int64))).values.shape == (0,)


def test_bf16_is_close(judges: dict[str, Path], some: sl.Rows[Any]) -> None:
    full = reward(model_=str(judges["llama"]), template="tulu")(some).values
    half = reward(model_=str(judges["llama"]), template="tulu", precision="bf16")(some).values
    assert not np.array_equal(full, half)
    np.testing.assert_allclose(half, full, atol=0.2)


# Diversify and Conquer, section 6, property 9


def gaps(score: Any, rows: sl.Rows[Any], replies: list[str]) -> tuple[Any, Any]:
    """The gap of each row (its own answer minus the reply), and that with the two exchanged."""
    own = sl.Replies(sl.Rows(rows.data, rows.positions, replies)).rows
    one, other = score(rows), score(own)
    return difference([one, other]).values, difference([other, one]).values


@pytest.mark.parametrize("signal", ["reward", "perplexity"])
def test_the_sign_of_the_gap(
    judges: dict[str, Path], models: dict[str, Path], some: sl.Rows[Any], signal: str
) -> None:
    score = (
        reward(model_=str(judges["llama"]), template="tulu")
        if signal == "reward"
        else perplexity(model_=str(models["llama"]))
    )
    zero, _ = gaps(score, some, some.responses())
    np.testing.assert_array_equal(zero, 0)
    gap, swapped = gaps(score, some, ["the sum is three", *some.responses()[1:][::-1]])
    assert np.count_nonzero(gap) >= len(some) - 1
    np.testing.assert_array_equal(gap, -swapped)


def test_the_perplexity_gap_is_the_difference_of_mean_losses(models: dict[str, Path], talk: Talk) -> None:
    """Equation 7 is minus the logarithm of the ratio of perplexities, over question and answer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(models["llama"])
    model = AutoModelForCausalLM.from_pretrained(models["llama"], dtype=torch.float32).eval()
    rows, replies = talk(("add the numbers", "one two"), ("say why", "red")), ["three", "the sum of a tree"]

    def loss(asked: str, said: str) -> float:
        ids = torch.tensor([tokenizer(f"<|user|>\n{asked}\n<|assistant|>\n{said}</s>")["input_ids"]])
        with torch.no_grad():
            return float(model(ids, labels=ids).loss)

    golds, asked = rows.responses(), rows.instructions()
    wanted = [loss(q, gold) - loss(q, own) for q, gold, own in zip(asked, golds, replies, strict=True)]
    gap, _ = gaps(perplexity(model_=str(models["llama"])), rows, replies)
    np.testing.assert_allclose(gap, wanted, atol=1e-6)
    assert min(map(abs, wanted)) > 1e-4
    by_ratio = perplexity(model_=str(models["llama"]), value="perplexity")
    own = sl.Rows(rows.data, rows.positions, replies)
    np.testing.assert_allclose(-np.log(by_ratio(own).values / by_ratio(rows).values), wanted, atol=1e-6)
