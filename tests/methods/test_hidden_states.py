"""embed: hidden_states, against the properties of RDS+."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang_plugins import _batches, _models, _text
from selectlang_plugins.embed.hidden_states import hidden_states, pool, states

Talk = Callable[..., sl.Rows[Any]]


def one_by_one(folder: Path, rows: sl.Rows[Any], layer: int, pooling: str, limit: int = 10**6) -> Any:
    """The same vectors from one text at a time, without padding, and from all hidden states of the model."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    found = []
    for turns in rows.turns():
        text = "".join(
            f"<|{role}|>\n{content.strip()}{tokenizer.eos_token if role == 'assistant' else ''}\n"
            for role, content in turns
        ).strip()
        ids = tokenizer(text)["input_ids"][:limit]
        with torch.no_grad():
            hidden = model(torch.tensor([ids]), output_hidden_states=True).hidden_states[layer][0].numpy()
        n = len(ids)
        weights = {
            "weighted_mean": np.array([2 * i / (n * (n + 1)) for i in range(1, n + 1)]),
            "mean": np.full(n, 1 / n),
            "last": np.array([0.0] * (n - 1) + [1.0]),
        }[pooling]
        vector = weights @ hidden.astype(np.float64)
        found.append(vector / np.linalg.norm(vector))
    return np.array(found)


@pytest.mark.parametrize("pooling", ["weighted_mean", "mean", "last"])
@pytest.mark.parametrize("name", ["llama", "gpt2", "bert"])
def test_equals_one_text_at_a_time(
    models: dict[str, Path], some: sl.Rows[Any], name: str, pooling: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_batches, "budget", lambda: 60)  # several batches
    given = hidden_states(model_=str(models[name]), pooling=pooling)(some).matrix
    limit = {"llama": 96, "gpt2": 64, "bert": 32}[name]
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, one_by_one(models[name], some, -1, pooling, limit), atol=2e-6)


@pytest.mark.parametrize("layer", [0, 1, 2, 3, -1, -4])
def test_every_layer_of_a_causal_model(models: dict[str, Path], some: sl.Rows[Any], layer: int) -> None:
    given = hidden_states(model_=str(models["llama"]), layer=layer)(some).matrix
    np.testing.assert_allclose(given, one_by_one(models["llama"], some, layer, "weighted_mean"), atol=2e-6)


@pytest.mark.parametrize("name", ["gpt2", "bert"])
def test_a_lower_layer_of_other_models(models: dict[str, Path], some: sl.Rows[Any], name: str) -> None:
    given = hidden_states(model_=str(models[name]), layer=1, max_tokens=32)(some).matrix
    np.testing.assert_allclose(given, one_by_one(models[name], some, 1, "weighted_mean", limit=32), atol=2e-6)


def test_the_last_layer_is_after_the_norm(models: dict[str, Path]) -> None:
    import torch

    _, network = _models.load(str(models["llama"]), "fp32", head="")
    tokens = torch.tensor([[2, 5, 6, 7]])
    out = network(tokens, output_hidden_states=True)
    assert len(out.hidden_states) == network.config.num_hidden_layers + 1
    last = states(network, tokens, torch.ones_like(tokens), network.config.num_hidden_layers)
    assert torch.equal(last, out.last_hidden_state)


def test_a_lower_layer_does_not_run_the_ones_above(models: dict[str, Path]) -> None:
    import torch

    _, network = _models.load(str(models["llama"]), "fp32", head="")
    network.layers[2].register_forward_pre_hook(lambda *_: pytest.fail("layer 2 ran"))
    tokens = torch.tensor([[2, 5]])
    states(network, tokens, torch.ones_like(tokens), 1)


def test_nothing_is_kept_but_the_last_layer(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    """No other states, no keys and values of attention, and no head that gives logits."""
    embed, kept = hidden_states(model_=str(models["llama"])), []
    for network in embed.replicas:
        assert network.get_output_embeddings() is None
        network.register_forward_hook(lambda module, given, output: kept.append(list(output)))
    embed(some)
    assert kept
    assert all(names == ["last_hidden_state"] for names in kept)


@pytest.mark.parametrize("length", [1, 2, 7, 64])
def test_weights_in_closed_form(length: int) -> None:
    import torch

    mask = torch.ones(1, length, dtype=torch.long)
    constant = torch.full((1, length, 3), 0.5)
    ramp = torch.arange(1, length + 1).float().reshape(1, length, 1)
    assert pool(constant, mask, "weighted_mean").flatten().tolist() == pytest.approx([0.5] * 3)
    assert pool(ramp, mask, "weighted_mean").item() == pytest.approx((2 * length + 1) / 3)
    weights = pool(torch.eye(length)[None], mask, "weighted_mean")[0]  # the states are the unit vectors
    assert weights.sum().item() == pytest.approx(1)
    assert (weights.diff() > 0).all()
    assert (weights[-1] / weights[0]).item() == pytest.approx(length)


@pytest.mark.parametrize("pooling", ["weighted_mean", "mean", "last"])
def test_pooling_does_not_see_padding(pooling: Any) -> None:
    import torch

    hidden, rubbish = torch.randn(1, 5, 4), torch.full((1, 3, 4), 1e6)
    ones, zeros = torch.ones(1, 5, dtype=torch.long), torch.zeros(1, 3, dtype=torch.long)
    plain = pool(hidden, ones, pooling)
    right = pool(torch.cat([hidden, rubbish], 1), torch.cat([ones, zeros], 1), pooling)
    left = pool(torch.cat([rubbish, hidden], 1), torch.cat([zeros, ones], 1), pooling)
    assert torch.allclose(plain, right)
    assert torch.allclose(plain, left)


def test_a_tokenizer_that_pads_left_changes_nothing(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    right = hidden_states(model_=str(models["llama"]))(some).matrix
    np.testing.assert_array_equal(hidden_states(model_=str(models["llama-left"]))(some).matrix, right)


def test_order_and_size_of_batches_change_nothing(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    embed = hidden_states(model_=str(models["llama"]))
    together = embed(some).matrix
    order = np.random.default_rng(0).permutation(len(some))
    np.testing.assert_allclose(embed(some.take(order)).matrix, together[order], atol=2e-6)
    apart = np.concatenate([embed(some.take(np.array([i]))).matrix for i in range(len(some))])
    np.testing.assert_allclose(apart, together, atol=2e-6)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_lengths_are_one_and_nothing_is_nan(models: dict[str, Path], talk: Talk, precision: Any) -> None:
    rows = talk(("a", ""), ("a", " \n "), ("a", "b"), ("add the numbers", "one"))
    none = []
    for name in ("llama", "gpt2", "bert"):
        for template in ("tulu", "plain"):
            embed = hidden_states(
                model_=str(models[name]), template=template, text="response", precision=precision
            )
            norms = np.linalg.norm(embed(rows).matrix, axis=1)
            none += [(name, template, row) for row in np.flatnonzero(norms == 0).tolist()]
            np.testing.assert_allclose(norms[norms > 0], 1, atol=1e-5)
    # The others write a tag, or their tokenizer a first token.
    assert none == [("gpt2", "plain", 0), ("gpt2", "plain", 1)]


def test_bf16_is_close(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    full = hidden_states(model_=str(models["llama"]))(some).matrix
    half = hidden_states(model_=str(models["llama"]), precision="bf16")(some).matrix
    assert half.dtype == np.float32
    assert ((full * half).sum(axis=1) > 0.999).all()
    assert not np.array_equal(full, half)


def test_appended_words_change_the_vector_and_not_the_states_before(
    models: dict[str, Path], talk: Talk
) -> None:
    import torch

    _, network = _models.load(str(models["llama"]), "fp32", head="")
    short, long = torch.tensor([[2, 5, 6, 7]]), torch.tensor([[2, 5, 6, 7, 9]])
    before = states(network, short, torch.ones_like(short), 3)
    assert torch.allclose(states(network, long, torch.ones_like(long), 3)[:, :4], before, atol=1e-6)
    first, second = hidden_states(model_=str(models["llama"]))(
        talk(("add the", "sum"), ("add the", "sum is"))
    ).matrix
    assert first @ second < 0.9999


def test_truncation_keeps_the_first_tokens(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    given = hidden_states(model_=str(models["llama"]), max_tokens=9)(some).matrix
    np.testing.assert_allclose(given, one_by_one(models["llama"], some, -1, "weighted_mean", 9), atol=2e-6)


def test_a_row_is_nearest_to_itself(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    matrix = hidden_states(model_=str(models["llama"]))(some).matrix
    similarity = matrix @ matrix.T
    assert similarity.argmax(axis=1).tolist() == list(range(len(some)))
    np.testing.assert_allclose(similarity.diagonal(), 1, atol=1e-5)
    assert np.abs(similarity).max() <= 1 + 1e-5


def test_chat_template_is_the_models_own(models: dict[str, Path], talk: Talk) -> None:
    rows = talk(("add the numbers", "two"))
    tokenizer, _ = _models.load(str(models["llama"]), "fp32", head="")
    assert _text.texts(tokenizer, rows, "full", "chat") == [
        "<s><user> add the numbers </s><assistant> two </s>"
    ]
    assert _text.texts(tokenizer, rows, "instruction", "chat") == ["<s><user> add the numbers </s>"]
    assert _text.texts(tokenizer, rows, "response", "chat") == ["two </s>"]
    embed = hidden_states(model_=str(models["llama"]), template="chat", pooling="mean", layer=0)
    tokens = "<s> < user > add the numbers </s> < assistant > two </s>".split()  # one <s>, the template's
    table = embed.network.embed_tokens.weight.detach().numpy()
    mean = table[tokenizer.convert_tokens_to_ids(tokens)].mean(axis=0)
    np.testing.assert_allclose(embed(rows).matrix[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_without_a_chat_template(models: dict[str, Path], talk: Talk) -> None:
    embed = hidden_states(model_=str(models["gpt2"]), template="chat")
    with pytest.raises(sl.DataError, match="no chat template; use template: tulu or plain"):
        embed(talk(("a", "b")))


def test_a_chat_template_that_refuses(models: dict[str, Path]) -> None:
    from selectlang.data.dataset import Dataset

    turns = [{"role": role, "content": "say why"} for role in ("system", "user", "assistant")]
    rows: sl.Rows[Any] = sl.Rows(Dataset.from_records([{"messages": turns}]))
    embed = hidden_states(model_=str(models["llama"]), template="chat")
    with pytest.raises(
        sl.DataError, match="refuses a conversation of system, user, assistant: no system turn"
    ):
        embed(rows)


@pytest.mark.parametrize("layer", [4, -5])
def test_a_layer_that_is_not_there(models: dict[str, Path], layer: int) -> None:
    with pytest.raises(sl.DataError, match=rf"has 3 layers: layer is 0 .* to 3, .* found {layer}"):
        hidden_states(model_=str(models["llama"]), layer=layer)


def test_no_rows(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    none = some.take(np.array([], np.int64))
    assert hidden_states(model_=str(models["llama"]))(none).matrix.shape == (0, 16)


def test_the_packaged_encoder(minilm: str, talk: Talk) -> None:
    rows = talk(("Add two and two.", "Four."), ("long " * 900, "end"), ("a", ""))
    embed = hidden_states(model_=minilm, pooling="mean")
    assert embed.limit == 512
    matrix = embed(rows).matrix
    assert matrix.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-5)
