"""train: sft"""

from __future__ import annotations

import math
import shutil
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import selectlang as sl

from .. import _models, _text
from . import _loop
from ._loop import Example

_WITH_WARMUP = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


class Trained(NamedTuple):
    """The model, its loss in the last epoch, and how many rows it learnt from in each."""

    model: sl.Model
    loss: sl.Metric
    examples: sl.Metric


@sl.train
def sft(
    rows: sl.Rows[sl.P],
    previous: sl.Model | None = None,
    *,
    base: sl.ModelName,
    epochs: Annotated[float, sl.schema(exclusiveMinimum=0)] = 3.0,
    batch: Annotated[int, sl.schema(minimum=1)] = 64,
    learning_rate: Annotated[float, sl.schema(exclusiveMinimum=0)] = 2e-5,
    schedule: Literal["linear", "cosine", "constant"] = "linear",
    warmup: Annotated[float, sl.schema(minimum=0, maximum=1)] = 0.03,
    weight_decay: Annotated[float, sl.schema(minimum=0)] = 0.0,
    max_tokens: Annotated[int, sl.schema(minimum=8)] = 2048,
    template: _text.ModelTemplate = "tulu",
    lora_rank: Annotated[int, sl.schema(minimum=1)] | None = None,
    lora_alpha: Annotated[float, sl.schema(exclusiveMinimum=0)] | None = None,
    precision: _models.Precision = "fp32",
    seed: int,
    scratch: Path,
) -> Trained:
    """Fine-tune a causal language model on the responses of rows.

    The loss is the mean over the tokens of a whole batch that belong to an answer, its end-of-sequence token
    among them: what the user, the system or a tool says, and the tags, are read and not learnt. Defaults
    are those of the code released with Diversify and Conquer (arXiv:2409.11378), whose text differs
    (learning rate 1e-5, 1,000 steps of warm-up); the optimizer is AdamW, gradients are clipped to norm 1.

    A row is left out that has no answer within `max_tokens`; a DataError when none is left. A row chosen
    twice is learnt from twice. The order of the data set does not matter: the seed shuffles rows by their
    ids. `examples` counts the rows learnt from; `loss` is the mean over the steps of the last pass. One GPU
    is used, where there is one. Full training takes 16 bytes of memory a parameter; LoRA takes 4, or 2 in
    bf16. A killed run goes on from its last checkpoint, at most 15 minutes before.

    The result is a folder for transformers, in safetensors, LoRA merged into the weights. Its chat template
    is the one that it was trained in, so that whoever asks it asks as it was taught.

    Settings:
        base: the causal language model to begin from, where no `previous` one is given to go on from
        epochs: passes over the rows
        batch: rows for each step of the optimizer, however many fit into memory at once
        learning_rate: the highest, after the warm-up
        schedule: of the learning rate after the warm-up, linear or cosine to 0, or constant
        warmup: share of the steps in which the learning rate rises from 0
        weight_decay: of AdamW; not of biases and norms
        max_tokens: longer conversations lose their end; never more than the model's own limit
        template: tulu (Diversify and Conquer), plain, or chat: the model's own template
        lora_rank: train adapters of this rank at all linear layers but the head; without it, all weights
        lora_alpha: scale of the adapters times their rank; twice the rank unless given
        precision: fp32; or bf16 for activations, the weights of the result, and the frozen ones under LoRA
    """
    _models.library("accelerate", "train")
    begin = str(previous.path) if previous else base
    tokenizer = _models.load_tokenizer(begin, spans=True)
    checkpoint = _loop.last_checkpoint(scratch / "checkpoints")
    with _models.quiet():
        network = _network(begin if lora_rank or not checkpoint else str(checkpoint), precision, lora_rank)
        if lora_rank:
            network = _adapted(network, lora_rank, lora_alpha or 2.0 * lora_rank, seed)
        most = _models.limit(tokenizer, network, max_tokens)
        examples = encoded(tokenizer, rows, template, most)
        if not examples:
            raise sl.DataError(
                f"none of {len(rows)} rows has an answer within {most} tokens to train on; choose rows with "
                "responses, or raise max_tokens where the model allows more."
            )
        steps = math.ceil(len(examples) / batch)
        losses = _loop.fit(
            network,
            tokenizer,
            examples,
            checkpoint,
            output_dir=str(scratch / "checkpoints"),
            num_train_epochs=epochs,
            learning_rate=learning_rate,
            lr_scheduler_type=_WITH_WARMUP[schedule],
            warmup_steps=int(warmup * math.ceil(epochs * steps)),
            weight_decay=weight_decay,
            bf16=precision == "bf16",
            seed=seed,
            data_seed=seed,
            **_loop.sizes(examples, batch),
        )
        folder = scratch / "model"
        tokenizer.chat_template = _text.chat_template(tokenizer, template)
        _save(network.merge_and_unload() if lora_rank else network, tokenizer, precision, folder)
    last = losses[-steps:]
    return Trained(sl.Model(folder), sl.Metric(sum(last) / len(last)), sl.Metric(len(examples)))


def encoded(tokenizer: Any, rows: sl.Rows[Any], template: _text.ModelTemplate, limit: int) -> list[Example]:
    """The rows in the order of their ids: `ids` of tokens, and `labels`, which are -100 outside answers."""
    import numpy as np

    names, examples = rows.ids(), []
    order = np.array(sorted(range(len(rows)), key=names.__getitem__), np.int64)
    for part in range(0, len(rows), 1024):
        turns = rows.take(order[part : part + 1024]).turns()
        texts, spans = zip(*(_text.answers(tokenizer, row, template) for row in turns), strict=True)
        coded = tokenizer(
            list(texts),
            truncation=True,
            max_length=limit,
            add_special_tokens=template != "chat",
            return_offsets_mapping=True,
        )
        for tokens, places, answers in zip(coded["input_ids"], coded["offset_mapping"], spans, strict=True):
            ids, starts, stops = np.array(tokens, np.int32), *np.array(places, np.int64).reshape(-1, 2).T
            learnt = np.zeros(len(ids), bool)
            for start, stop in answers:
                learnt |= (starts < stop) & (stops > start)
            if learnt.any():
                examples.append({"ids": ids, "labels": np.where(learnt, ids, -100)})
    return examples


def _network(model: str, precision: _models.Precision, lora_rank: int | None) -> Any:
    """The model to train. All weights are trained in fp32: in bf16, small steps would be rounded away."""
    network = _models.load_network(model, precision if lora_rank else "fp32", "CausalLM")
    try:
        network.generation_config.validate(strict=True)
    except ValueError:  # such as a temperature without sampling, which loads and cannot be saved
        network.generation_config.do_sample = True
    return network


def _adapted(network: Any, rank: int, alpha: float, seed: int) -> Any:
    """The network with adapters, whose first weights follow from the seed."""
    peft, transformers = _models.library("peft", "train"), _models.library("transformers")
    conv = any(isinstance(module, transformers.pytorch_utils.Conv1D) for module in network.modules())
    config = peft.LoraConfig(
        r=rank, lora_alpha=alpha, target_modules="all-linear", fan_in_fan_out=conv, task_type="CAUSAL_LM"
    )
    transformers.set_seed(seed)
    with warnings.catch_warnings():  # peft asks transformers by a name that becomes another
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return peft.get_peft_model(network, config)


def _save(network: Any, tokenizer: Any, precision: _models.Precision, folder: Path) -> None:
    """Write the folder of a model that may be asked, and that stops where its answers have stopped."""
    import torch

    stops = network.generation_config.eos_token_id
    stops = {*(stops if isinstance(stops, list) else [stops]), tokenizer.eos_token_id} - {None}
    network.generation_config.eos_token_id = sorted(stops) or None
    network.config.use_cache = True
    if precision == "bf16":
        network = network.to(torch.bfloat16)
    shutil.rmtree(folder, ignore_errors=True)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
