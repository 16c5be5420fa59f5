"""Batches dealt to several devices, for which the processor stands in, and memory that does not suffice."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang_plugins import _batches, _models, _replicas
from selectlang_plugins.embed.hidden_states import hidden_states
from selectlang_plugins.embed.sentence import sentence
from selectlang_plugins.score.perplexity import perplexity
from selectlang_plugins.score.reward import reward


class Network:
    """What `run` needs of a network: the device it is on, and its modules, none of them a transformer."""

    def __init__(self) -> None:
        import torch

        self.device = torch.device("cpu")

    def modules(self) -> list[Any]:
        return []


def tasks(*sizes: int) -> Iterator[_batches.Task]:
    """Batches of so many texts, whose tokens are the numbers of the texts."""
    import torch

    start = 0
    for size in sizes:
        chosen = np.arange(start, start := start + size)
        tokens = torch.from_numpy(chosen)[:, None].expand(-1, 3)
        yield chosen, {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), "name": "a"}


def first_tokens(_network: Any, tensors: dict[str, Any]) -> Any:
    assert tensors["name"] == "a"
    return tensors["input_ids"][:, 0]


def found(networks: int, given: Iterator[_batches.Task], step: Any) -> list[int]:
    """What `step` gives for each text, in their order; each must be there once."""
    values = {}
    for chosen, said in _replicas.run([Network() for _ in range(networks)], given, step):
        for text, value in zip(chosen.tolist(), said.tolist(), strict=True):
            assert text not in values
            values[text] = value
    return [values[text] for text in sorted(values)]


@pytest.mark.parametrize("networks", [1, 2, 3])
def test_batches_are_run_at_the_same_time(networks: int) -> None:
    together = Barrier(networks, timeout=20)
    used = set()

    def step(network: Any, tensors: dict[str, Any]) -> Any:
        together.wait()  # passes only when every network has a batch
        used.add(id(network))
        return first_tokens(network, tensors)

    assert found(networks, tasks(*[2] * networks, *[1] * networks), step) == list(range(3 * networks))
    assert len(used) == networks


def test_batches_are_made_ready_while_others_are_run() -> None:
    together = Barrier(2, timeout=20)

    def made() -> Iterator[_batches.Task]:
        first, second = tasks(1, 1)
        yield first
        together.wait()  # passes only when the first is under way
        yield second

    def step(network: Any, tensors: dict[str, Any]) -> Any:
        if tensors["input_ids"][0, 0] == 0:
            together.wait()
        return first_tokens(network, tensors)

    assert found(1, made(), step) == [0, 1]


def out_of_memory(_texts: int) -> None:
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")


def allocate(_texts: int) -> None:
    import torch

    torch.empty(2**60, dtype=torch.uint8)  # the allocator of the processor says no in its own words


@pytest.mark.parametrize("networks", [1, 2])
@pytest.mark.parametrize("fail", [out_of_memory, allocate])
def test_a_batch_that_does_not_fit_is_run_in_parts(fail: Any, networks: int) -> None:
    sizes: list[int] = []

    def step(network: Any, tensors: dict[str, Any]) -> Any:
        sizes.append(len(tensors["input_ids"]))
        if sizes[-1] > 2:
            fail(sizes[-1])
        return first_tokens(network, tensors)

    assert found(networks, tasks(9, 1, 8, 8, 8), step) == list(range(34))
    failed = [size for size in sizes if size > 2]
    if networks == 1:
        assert failed == [9, 4], "the batches after it are run in smaller parts at once"
    assert sorted(sizes)[-1] == 9


@pytest.mark.parametrize("fail", [out_of_memory, allocate])
def test_one_text_that_does_not_fit(fail: Any) -> None:
    import torch

    threads = torch.get_num_threads()
    with pytest.raises(sl.DataError) as error:
        found(2, tasks(5, 1), lambda _, tensors: fail(len(tensors)))
    assert str(error.value) == (
        "a text of 3 tokens does not fit into the memory of the machine beside the model: lower max_tokens, "
        "or use precision: bf16 or a smaller model."
    )
    assert torch.get_num_threads() == threads


def test_other_errors_pass_and_end_the_rest() -> None:
    begun = []

    def step(_network: Any, tensors: dict[str, Any]) -> Any:
        begun.append(int(tensors["input_ids"][0, 0]))
        time.sleep(0.02)  # as a network takes its time
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        found(1, tasks(*[1] * 50), step)
    assert begun[0] == 0
    assert len(begun) < 50


def test_threads_of_the_processor_are_shared_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    seen = []

    def step(network: Any, tensors: dict[str, Any]) -> Any:
        seen.append(torch.get_num_threads())
        return first_tokens(network, tensors)

    try:
        assert len(_replicas.devices()) == 4
        monkeypatch.setattr(_replicas, "WORKERS", 2)
        assert len(_replicas.devices()) == 2
        found(2, tasks(1, 1), step)
        assert seen == [2, 2]
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(threads)


def test_every_gpu_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert _replicas.devices() == ["cuda:0", "cuda:1", "cuda:2"]
    assert _models.device() == "cuda"


def test_replicas_share_weights_and_nothing_else(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_replicas, "devices", lambda: ["cpu"] * 3)
    network = _models.load_network(str(models["gpt2"]), "fp32", "CausalLM")
    first, *others = _replicas.replicas(network)
    assert first is network
    assert len(others) == 2
    for other in others:
        for one, same in zip(network.parameters(), other.parameters(), strict=True):
            assert one.data_ptr() == same.data_ptr()
        assert other.get_output_embeddings().weight is other.get_input_embeddings().weight, "still tied"
        assert other.config is not network.config
        assert other.config is other.base_model.config
        assert not other.training


@pytest.mark.parametrize(
    "name, method",
    [
        (name, method)
        for name in ("llama", "llama-left", "gpt2", "bert")
        for method in (hidden_states, sentence, perplexity, reward)
        if (name, method) != ("bert", perplexity)
    ],
)
def test_several_devices_change_nothing(
    models: dict[str, Path],
    some: sl.Rows[Any],
    tmp_path: Path,
    name: str,
    method: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, options = models[name], {}
    if method is reward:
        folder, options = with_a_score(folder, tmp_path), {"template": "plain"}
    monkeypatch.setattr(_batches, "budget", lambda: 80)

    def values(count: int) -> Any:
        monkeypatch.setattr(_replicas, "devices", lambda: ["cpu"] * count)
        model = {"model" if method is sentence else "model_": str(folder)}
        made = method(**model, **options)
        if method is sentence:
            made.model.tokenizer.pad_token = "<pad>"
        given = made(some)
        return given.values if isinstance(given, sl.Scores) else given.matrix

    alone = values(1)
    assert np.isfinite(alone).all()
    np.testing.assert_allclose(values(3), alone, rtol=1e-5, atol=2e-6)


def with_a_score(folder: Path, made: Path) -> Path:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(0)
    network = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1)
    network.save_pretrained(made)
    AutoTokenizer.from_pretrained(folder).save_pretrained(made)
    return made


@pytest.mark.parametrize("precision, ways", [("bf16", ["eager", "sdpa"]), ("fp32", ["sdpa"])])
def test_attention_suits_the_length_in_bf16(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, precision: _models.Precision, ways: list[str]
) -> None:
    monkeypatch.setattr(_replicas, "SHORT", 3)
    network = _models.load_network(str(models["llama"]), precision, "")
    used = set()

    def step(network: Any, tensors: dict[str, Any]) -> Any:
        used.add(network.config._attn_implementation)
        return first_tokens(network, tensors)

    def given() -> Iterator[_batches.Task]:
        import torch

        for number, width in enumerate((4, 3)):  # the longest come first
            tokens = torch.full((1, width), number)
            yield (
                np.array([number]),
                {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), "name": "a"},
            )

    assert [value for _, value in _replicas.run([network], given(), step)] == [0, 1]
    assert sorted(used) == ways
    assert network.config._attn_implementation == "sdpa"


def test_what_did_not_fit_is_let_go_before_the_next_try() -> None:
    """Else the smaller parts would find as little room."""
    import torch

    held: list[weakref.ref[Any]] = []

    def step(network: Any, tensors: dict[str, Any]) -> Any:
        assert not any(ref() is not None for ref in held)
        if len(tensors["input_ids"]) > 2:
            activations = torch.ones(3)
            held.append(weakref.ref(activations))
            out_of_memory(len(activations))
        return first_tokens(network, tensors)

    assert found(1, tasks(9, 8), step) == list(range(17))
    assert len(held) == 2
