"""Encoders that tell verdicts apart, as they read rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import selectlang as sl

from .. import _batches, _classifiers, _models, _replicas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray


class Reader:
    """An encoder that reads a part of rows; `mixed` for weights in fp32 and activations in bf16."""

    def __init__(
        self, tokenizer: Any, network: Any, text: sl.Text, limit: int, *, mixed: bool = False
    ) -> None:
        self.tokenizer, self.network, self.text, self.limit = tokenizer, network, text, limit
        self.mixed = mixed
        network.config.pad_token_id = tokenizer.pad_token_id

    def tokens(self, texts: list[str]) -> list[list[int]]:
        """The tokens of each text."""
        ids: list[list[int]] = []
        if texts:
            ids = self.tokenizer(texts, truncation=True, max_length=self.limit)["input_ids"]
        return ids

    def batched(self, ids: list[list[int]]) -> Iterator[_batches.Task]:
        """Batches of texts, given by their tokens."""
        return _batches.of_tokens(self.tokenizer, ids)

    def logits(self, ids: list[list[int]], chosen: NDArray[np.integer[Any]]) -> Any:
        """What the network says of some texts, (chosen, verdicts), in fp32."""
        tokens, mask = _batches.tensors(self.tokenizer, [ids[i] for i in chosen.tolist()])
        place = _models.device()
        return self._logits(self.network, {"input_ids": tokens.to(place), "attention_mask": mask.to(place)})

    def _logits(self, network: Any, tensors: dict[str, Any]) -> Any:
        import torch

        # Anew for each batch: autocast keeps the weights it has cast until it ends, and steps change them.
        with torch.autocast(_models.device(), torch.bfloat16, enabled=self.mixed):
            return network(**tensors).logits.float()

    def probabilities(
        self, texts: int, tasks: Iterable[_batches.Task], replicas: list[Any] | None = None
    ) -> NDArray[np.float64]:
        """The probability of each verdict, (texts, verdicts), by their batches; NaN for one of no tokens."""
        import numpy as np

        values = np.full((texts, self.network.config.num_labels), np.nan)
        networks = replicas or _replicas.replicas(self.network)  # as it is now, in training
        for chosen, likely in _replicas.run(networks, tasks, self._likely):
            values[chosen] = likely
        return values

    def _likely(self, network: Any, tensors: dict[str, Any]) -> Any:
        return self._logits(network, tensors).double().softmax(dim=1)


class Encoder:
    """A fine-tuned encoder in a folder, ready to be applied."""

    def __init__(self, model: _classifiers.Classifier, precision: _models.Precision) -> None:
        about = model.about
        tokenizer, network = _models.load(str(model.path), precision, head="SequenceClassification")
        limit = _models.limit(tokenizer, network, about["max_tokens"])
        self.reader = Reader(tokenizer, network, about["text"], limit)
        self.replicas = _replicas.replicas(network)

    def __call__(self, rows: sl.Rows[Any]) -> NDArray[np.float64]:
        """The probability of each verdict: (rows, verdicts)."""
        reader, texts = self.reader, rows.texts(self.reader.text)
        tasks = _batches.tasks(texts, lambda piece: reader.batched(reader.tokens(piece)))
        return reader.probabilities(len(texts), tasks, self.replicas)
