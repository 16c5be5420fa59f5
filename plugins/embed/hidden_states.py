"""embed: hidden_states"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import selectlang as sl

from .. import _batches, _models, _replicas, _text

if TYPE_CHECKING:
    from collections.abc import Iterator

Pooling = Literal["weighted_mean", "mean", "last"]


@sl.embed(check=_models.one_model)
class hidden_states:  # noqa: N801 - the name of the method
    """The hidden states of a language model, pooled over the tokens of a row: shape (rows, hidden size).

    RDS+ (arXiv:2503.01807, section 3): of the last layer, after its final norm, `sum_i w_i h_i` over every
    token of the rendered row, with `w_i = 2i / (L(L+1))` (SGPT's position weights, arXiv:2202.08904), then
    scaled to length 1. Padding takes no part. Pooling and scaling are done in fp32 in either precision.
    Texts of no tokens give the zero vector.

    Settings:
        model: a causal language model or an encoder, from a folder or from the hub; or the input `model`, a
            trained one
        layer: which hidden states, 0 (the embeddings) to the number of layers; -1 is the last, after its norm
        pooling: weighted_mean (RDS+), mean, or last (the last token)
        text: the part of a row to embed
        template: tulu with the model's end-of-sequence token (RDS+), plain, or chat: the model's own template
        max_tokens: longer texts lose their end; never more than the model's own limit
        precision: fp32, or bf16 for weights and activations: faster where the processor or GPU has it
    """

    shard_rows = 1024  # seconds of work: what a kill loses, and how often progress is told
    window_rows = staticmethod(_batches.window)
    gpus = 1  # on a cluster: a GPU each, or where there is none a node

    def __init__(
        self,
        model: sl.Model | None = None,
        *,
        model_: sl.ModelName | None = None,
        layer: int = -1,
        pooling: Pooling = "weighted_mean",
        text: sl.Text = "full",
        template: _text.ModelTemplate = "tulu",
        max_tokens: Annotated[int, sl.schema(minimum=8)] = 2048,
        precision: _models.Precision = "fp32",
    ) -> None:
        name = _models.given(model, model_)
        self.tokenizer, self.network = _models.load(name, precision, head="")
        config = self.network.config
        if config.is_encoder_decoder:
            raise sl.DataError(
                f"model {name!r} is an encoder and a decoder; hidden_states takes one that is either."
            )
        layers = int(config.num_hidden_layers)
        if not -layers - 1 <= layer <= layers:
            raise sl.DataError(
                f"model {name!r} has {layers} layers: layer is 0 (its embeddings) to {layers}, or -1 for "
                f"the last; found {layer}."
            )
        self.layer = layer % (layers + 1)
        self.pooling, self.text, self.template = pooling, text, template
        self.limit = _models.limit(self.tokenizer, self.network, max_tokens)
        self.replicas = _replicas.replicas(self.network)

    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Vectors[sl.P]:
        """One shard of rows."""
        import numpy as np

        texts = _text.texts(self.tokenizer, rows, self.text, self.template)
        tasks = _batches.tasks(texts, self._batched)
        matrix = np.zeros((len(rows), self.network.config.hidden_size), np.float32)
        for chosen, vectors in _replicas.run(self.replicas, tasks, self._vectors):
            matrix[chosen] = vectors
        return sl.Vectors(rows, matrix)

    def _batched(self, texts: list[str]) -> Iterator[_batches.Task]:
        """Batches of some texts."""
        ids = self.tokenizer(
            texts, truncation=True, max_length=self.limit, add_special_tokens=self.template != "chat"
        )["input_ids"]
        return _batches.of_tokens(self.tokenizer, ids)

    def _vectors(self, network: Any, tensors: dict[str, Any]) -> Any:
        import torch

        tokens, mask = tensors["input_ids"], tensors["attention_mask"]
        pooled = pool(states(network, tokens, mask, self.layer), mask, self.pooling)
        return torch.nn.functional.normalize(pooled, dim=1)


class _Reached(Exception):
    """Carries the wanted states out of the model, and so spares it the layers above."""


def states(network: Any, tokens: Any, mask: Any, layer: int) -> Any:
    """The hidden states of one layer, (batch, tokens, hidden size); 0 is the input of the first block."""
    if layer == network.config.num_hidden_layers:
        return network(input_ids=tokens, attention_mask=mask).last_hidden_state

    def reached(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        raise _Reached(args[0] if args else kwargs["hidden_states"])

    hook = _blocks(network)[layer].register_forward_pre_hook(reached, with_kwargs=True)
    try:
        network(input_ids=tokens, attention_mask=mask)
    except _Reached as found:
        return found.args[0]
    finally:
        hook.remove()
    raise sl.DataError(f"this model did not run its layer {layer}; use layer: -1.")


def _blocks(network: Any) -> Any:
    """The list of the model's blocks: the outermost list with an entry for each layer."""
    import torch

    for module in network.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == network.config.num_hidden_layers:
            return module
    raise sl.DataError("the layers of this model could not be told apart; use layer: -1.")


def pool(hidden: Any, mask: Any, pooling: Pooling) -> Any:
    """Weighted sum over the tokens, (batch, hidden size): weights sum to 1 over the tokens of the mask."""
    import torch

    weights = mask.float()
    position = weights.cumsum(dim=1)
    if pooling == "weighted_mean":
        weights = weights * position
    elif pooling == "last":
        weights = weights * (position == position[:, -1:])
    weights = weights / weights.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.einsum("bt,bth->bh", weights, hidden.float())
