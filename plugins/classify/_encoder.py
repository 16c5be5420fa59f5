"""Encoders that tell verdicts apart, as they read rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import selectlang as sl

from .. import _batches, _classifiers, _models

if TYPE_CHECKING:
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

    def tokens(self, rows: sl.Rows[Any]) -> tuple[list[list[int]], NDArray[np.int64]]:
        """The tokens of each row, and how many they are."""
        import numpy as np

        ids: list[list[int]] = []
        if texts := rows.texts(self.text):
            ids = self.tokenizer(texts, truncation=True, max_length=self.limit)["input_ids"]
        return ids, np.array([len(row) for row in ids], np.int64)

    def logits(self, ids: list[list[int]], chosen: NDArray[np.integer[Any]]) -> Any:
        """What the network says of some texts, (chosen, verdicts), in fp32."""
        import torch

        tokens, mask = _batches.tensors(self.tokenizer, [ids[i] for i in chosen.tolist()])
        # Anew for each batch: autocast keeps the weights it has cast until it ends, and steps change them.
        with torch.autocast(_models.device(), torch.bfloat16, enabled=self.mixed):
            return self.network(input_ids=tokens, attention_mask=mask).logits.float()

    def probabilities(self, ids: list[list[int]], counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """The probability of each verdict, (texts, verdicts); NaN for a text of no tokens."""
        import numpy as np
        import torch

        values = np.full((len(ids), self.network.config.num_labels), np.nan)
        with torch.inference_mode():
            for part in _batches.batches(counts, _batches.budget()):
                values[part] = self.logits(ids, part).double().softmax(dim=1).cpu().numpy()
        return values


class Encoder:
    """A fine-tuned encoder in a folder, ready to be applied."""

    def __init__(self, model: _classifiers.Classifier, precision: _models.Precision) -> None:
        about = model.about
        tokenizer, network = _models.load(str(model.path), precision, head="SequenceClassification")
        limit = _models.limit(tokenizer, network, about["max_tokens"])
        self.reader = Reader(tokenizer, network, about["text"], limit)

    def __call__(self, rows: sl.Rows[Any]) -> NDArray[np.float64]:
        """The probability of each verdict: (rows, verdicts)."""
        return self.reader.probabilities(*self.reader.tokens(rows))
