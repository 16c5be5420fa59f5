"""classify: bert"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import selectlang as sl

from .. import _batches, _classifiers, _models, _verdicts
from ._encoder import Encoder, Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FINER = 2  # a step has few rows, of mixed length: in larger parts, two thirds of the tokens are padding


@sl.classify
def bert(
    labels: sl.Labels[sl.P],
    fresh: sl.Labels[sl.P] | None = None,
    previous: sl.Model | None = None,
    rows: sl.Rows[sl.P] | None = None,
    *,
    base: sl.ModelName = "google-bert/bert-base-uncased",
    start: Literal["fresh", "warm"] = "fresh",
    text: sl.Text = "instruction",
    max_tokens: Annotated[int, sl.schema(minimum=8)] = 256,
    balance: _verdicts.Balance = "subsample",
    held_out: _verdicts.HeldOut = 0.1,
    epochs: Annotated[int, sl.schema(minimum=1)] = 3,
    batch: Annotated[int, sl.schema(minimum=1)] = 32,
    learning_rate: Annotated[float, sl.schema(exclusiveMinimum=0)] = 2e-5,
    warmup: Annotated[float, sl.schema(minimum=0, maximum=1)] = 0.1,
    weight_decay: Annotated[float, sl.schema(minimum=0)] = 0.01,
    precision: _models.Precision = "fp32",
    seed: int,
    scratch: Path,
) -> _classifiers.Classified:
    """Fine-tune an encoder to tell verdicts apart by the text of rows (IterSelectTune, arXiv:2410.13464).

    A new head is put on the encoder, and all weights are trained by AdamW on cross-entropy, gradients clipped
    to norm 1, at a learning rate that falls to 0. Of the epochs, the one with the least loss on the rows held
    out is kept, the last where none are. The paper's numbers are not public; the defaults are those usual for
    BERT. With few rows an epoch is few steps: give more epochs then.

    `accuracy` is that of the `previous` classifier, which has not seen them, on the verdicts of `fresh`: NaN
    where there is none yet. Without `fresh` it is `held_out`: the accuracy of this classifier on the rows
    held out of what it learns from, a little flattered by the choice of the epoch; NaN where the share comes
    to no row of a verdict. Rows without a verdict are left out, and those not in `rows` where these are
    given; a DataError when all others have the same verdict.

    The result is a sequence classification model for transformers, in safetensors. The order of the data set
    does not matter: rows are drawn and shuffled by their ids and the seed.

    Settings:
        base: the encoder to begin from: a BERT or its like, or a sentence-transformers model
        start: fresh begins from `base` each time, warm from the `previous` classifier where there is one
        text: the part of a row that is read
        max_tokens: longer texts lose their end; never more than the model's own limit
        balance: subsample draws as many rows of each verdict as the rarest has (the paper), weight lets all
            verdicts count alike in the loss, none takes rows as they are
        held_out: the share of the rows of each verdict that is held out
        epochs: passes over the rows
        batch: rows for each step of the optimizer, however many fit into memory at once
        learning_rate: the highest, after the warm-up; 2e-5 suits BERT, small encoders learn more at 1e-4
        warmup: share of the steps in which the learning rate rises from 0
        weight_decay: of AdamW; not of biases and norms
        precision: fp32, or bf16 for activations: faster where the processor or GPU has it
    """
    folder = scratch / "classifier"

    def teach(learnt: _verdicts.Judged[sl.P], held: _verdicts.Judged[sl.P]) -> None:
        _models.library("torch").manual_seed(seed)  # of the new head and of dropout
        origin = base
        if start == "warm" and previous is not None:
            origin = _same_verdicts(_classifiers.opened(previous.path), learnt.verdicts)
        tokenizer = _models.load_tokenizer(origin)
        if tokenizer.pad_token_id is None:
            raise sl.DataError(f"model {base!r} has no padding token: bert takes an encoder, such as BERT.")
        network = _models.load_network(origin, "fp32", "SequenceClassification", learnt.verdicts)
        limit = _models.limit(tokenizer, network, max_tokens)
        reader = Reader(tokenizer, network, text, limit, mixed=precision == "bf16")
        steps = epochs * math.ceil(len(learnt.codes) / batch)
        tools = _optimizer(network, learning_rate, weight_decay, int(warmup * steps), steps)
        _fit(reader, learnt, held, learnt.weights(balance), *tools, epochs=epochs, batch=batch, seed=seed)
        with _models.quiet():
            network.save_pretrained(folder)
            tokenizer.save_pretrained(folder)

    return _classifiers.learn(
        labels if rows is None else _verdicts.about(labels, rows),
        fresh,
        previous,
        {"method": "bert", "text": text, "max_tokens": max_tokens},
        folder,
        teach,
        lambda model: Encoder(model, precision),
        balance=balance,
        held_out=held_out,
        seed=seed,
    )


def _same_verdicts(model: _classifiers.Classifier, verdicts: list[str]) -> str:
    """The folder of a classifier to go on from, which must have learnt the same verdicts."""
    if model.verdicts != verdicts:
        raise sl.DataError(
            f"start: warm goes on from a classifier of {', '.join(model.verdicts)}, but these verdicts are "
            f"{', '.join(verdicts)}; use start: fresh."
        )
    return str(model.path)


def _fit(
    reader: Reader,
    learnt: _verdicts.Judged[Any],
    held: _verdicts.Judged[Any],
    counted: NDArray[np.float64],
    optimizer: Any,
    schedule: Any,
    *,
    epochs: int,
    batch: int,
    seed: int,
) -> None:
    """Train the network of the reader, and leave it as it was after its best epoch.

    The rows of a step go through the network in batches of like length: that changes nothing but rounding,
    keeps memory small, and pads little.
    """
    import numpy as np
    import torch

    network = reader.network
    ids, others = (reader.tokens(known.rows.texts(reader.text)) for known in (learnt, held))
    counts = np.array([len(row) for row in ids], np.int64)
    codes = torch.tensor(learnt.codes, device=_models.device())
    weights = torch.tensor(counted, dtype=torch.float32, device=_models.device())[codes]
    least, best = math.inf, None
    for epoch in range(epochs):
        network.train()
        order = np.argsort(learnt.rows.draws(seed + 1 + epoch), kind="stable")
        for first in range(0, len(order), batch):
            step = order[first : first + batch]
            for part in _batches.batches(counts[step], _batches.budget() // FINER):
                here = step[part]
                losses = torch.nn.functional.cross_entropy(
                    reader.logits(ids, here), codes[here], reduction="none"
                )
                loss = (losses * weights[here]).sum() / len(step)
                torch.autograd.backward(loss)
            if not torch.isfinite(torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)):
                raise sl.DataError(
                    f"training diverged in epoch {epoch + 1}: a gradient is no number; lower learning_rate."
                )
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        network.eval()
        if len(held.codes):
            tasks = reader.batched(others)
            likely = reader.probabilities(len(others), tasks)[np.arange(len(held.codes)), held.codes]
            found = float(-np.log(np.maximum(likely, 1e-300)).mean())
            if found < least:
                least, best = found, {name: value.clone() for name, value in network.state_dict().items()}
    if best is not None:
        network.load_state_dict(best)


def _optimizer(network: Any, learning_rate: float, decay: float, warmup: int, steps: int) -> tuple[Any, Any]:
    """AdamW, whose decay spares biases and norms, and its learning rate: up for `warmup` steps, then down."""
    torch, transformers = _models.library("torch"), _models.library("transformers")
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=learning_rate)
    return optimizer, transformers.get_linear_schedule_with_warmup(optimizer, warmup, steps)
