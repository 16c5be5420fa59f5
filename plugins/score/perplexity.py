"""score: perplexity"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import selectlang as sl

from .. import _batches, _models, _replicas, _text

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 512  # tokens whose logits are held at once


@sl.score(check=_models.one_model)
class perplexity:  # noqa: N801 - the name of the method
    """The mean negative log-likelihood of the tokens of a row under a causal language model, in nats.

    Of the whole text (RDS+'s baseline, arXiv:2503.01807, section 4; Diversify and Conquer, arXiv:2409.11378,
    eq. 7, takes differences of it), or of the response given the instruction. The row is tokenised as one
    text; tokens that reach into the response are its own, the tag before it is not, the end-of-sequence token
    after it is. A later turn of the user is part of the response, as everywhere. Missing where there is
    nothing to predict: a single token, an empty response, one beyond `max_tokens`.

    Settings:
        model: a causal language model, from a folder or from the hub; or the input `model`, a trained one
        text: full, or response for the response given the instruction
        value: nll, the mean itself, or perplexity, its exponential
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
        text: Literal["full", "response"] = "full",
        value: Literal["nll", "perplexity"] = "nll",
        template: _text.ModelTemplate = "tulu",
        max_tokens: Annotated[int, sl.schema(minimum=8)] = 2048,
        precision: _models.Precision = "fp32",
    ) -> None:
        name = _models.given(model, model_)
        self.tokenizer, self.network = _models.load(name, precision, head="CausalLM", spans=True)
        self.head = _head(self.network, name)
        self.text, self.value, self.template = text, value, template
        self.limit = _models.limit(self.tokenizer, self.network, max_tokens)
        self.replicas = _replicas.replicas(self.network)

    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Scores[sl.P]:
        """One shard of rows."""
        import numpy as np

        values = np.full(len(rows), np.nan)
        for chosen, found in _replicas.run(self.replicas, self._tasks(rows), self._mean_nll):
            values[chosen] = found
        return sl.Scores(rows, np.exp(values) if self.value == "perplexity" else values)

    def _tasks(self, rows: sl.Rows[sl.P]) -> Iterator[_batches.Task]:
        """Batches of the rows of which a token counts."""
        found = []
        for turns in rows.turns():
            text, start = _text.whole(self.tokenizer, turns, self.template)
            empty = self.text == "response" and not sl.render(turns, "response").strip()
            found.append((text, len(text) if empty else start))
        return _batches.tasks(found, self._batched, lambda each: len(each[0]))

    def _batched(self, given: list[tuple[str, int]]) -> Iterator[_batches.Task]:
        """Batches of some texts, each with the character at which its response begins."""
        import torch

        ids, counted = self._tokens(given)
        seen = [row if any(count) else [] for row, count in zip(ids, counted, strict=True)]
        for chosen, tensors in _batches.of_tokens(self.tokenizer, seen):
            wanted = torch.zeros_like(tensors["attention_mask"], dtype=torch.bool)
            for line, i in enumerate(chosen.tolist()):
                wanted[line, : len(counted[i])] = torch.tensor(counted[i])
            yield chosen, {**tensors, "wanted": wanted[:, 1:]}

    def _tokens(self, given: list[tuple[str, int]]) -> tuple[list[list[int]], list[list[bool]]]:
        """The tokens of each text, and which of them count; never the first, which nothing predicts."""
        coded = self.tokenizer(
            [text for text, _ in given],
            truncation=True,
            max_length=self.limit,
            add_special_tokens=self.template != "chat",
            return_offsets_mapping=True,
        )
        if self.text == "full":
            counted = [[i > 0 for i in range(len(row))] for row in coded["input_ids"]]
        else:
            counted = [
                [i > 0 and end > start for i, (_, end) in enumerate(spans)]
                for spans, (_, start) in zip(coded["offset_mapping"], given, strict=True)
            ]
        return coded["input_ids"], counted

    def _mean_nll(self, network: Any, tensors: dict[str, Any]) -> Any:
        """The mean over the tokens of each text that are `wanted`: (batch, tokens - 1), from the second."""
        import torch

        tokens, mask, wanted = (tensors[name] for name in ("input_ids", "attention_mask", "wanted"))
        head = network.get_output_embeddings() if self.head is not None else None
        line = wanted.nonzero()[:, 0]
        targets = tokens[:, 1:][wanted]
        if head is None:
            states = network(input_ids=tokens, attention_mask=mask).logits
        else:
            states = network.base_model(input_ids=tokens, attention_mask=mask).last_hidden_state
        states = states[:, :-1][wanted]
        total = torch.zeros(len(tokens), dtype=torch.float64, device=tokens.device)
        for part in range(0, len(targets), CHUNK):
            here = slice(part, part + CHUNK)
            logits = states[here] if head is None else head(states[here])
            losses = torch.nn.functional.cross_entropy(logits.float(), targets[here], reduction="none")
            total.index_add_(0, line[here], losses.double())
        return total / wanted.sum(dim=1)


def _head(network: Any, model: str) -> Any:
    """The layer from hidden states to logits; None where the model does more than that with them.

    Some models scale or cap their logits, so both ways are compared on a few tokens. On the same tokens a
    model that looks ahead, such as an encoder, is found: its likelihoods would be none.
    """
    import torch

    base, head = network.base_model, network.get_output_embeddings()
    tokens = torch.arange(8, device=_models.device())[None] % network.config.vocab_size
    other = tokens.clone()
    other[0, -1] = 0
    with torch.inference_mode():
        logits, changed = network(input_ids=tokens).logits, network(input_ids=other).logits
        # Room for rounding: experts of a mixture may be grouped in another way.
        if not _same(logits[:, :-1], changed[:, :-1], 1e-3 if logits.dtype == torch.float32 else 0.05):
            raise sl.DataError(
                f"model {model!r} is no causal language model: a token changes what it says of earlier ones."
            )
        if head is None or base is network:
            return None
        return head if _same(logits, head(base(input_ids=tokens).last_hidden_state), 1e-5) else None


def _same(one: Any, other: Any, tolerance: float) -> bool:
    """Whether logits agree, up to a share of the largest."""
    return one.shape == other.shape and bool((one - other).abs().max() <= tolerance * one.abs().max())
