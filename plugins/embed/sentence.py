"""embed: sentence"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import selectlang as sl

from .. import _batches, _models

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@sl.embed
class sentence:  # noqa: N801 - the name of the method
    """Vectors of a sentence-transformers model: shape (rows, dimension), in fp32.

    The same numbers as `SentenceTransformer.encode`, from batches of equal cost: texts are sorted by their
    tokens and batched by a budget of tokens. The model's own modules (pooling, dense, normalize) apply; a
    plain transformer gets mean pooling. Texts of no tokens give the zero vector.

    Settings:
        model: a sentence-transformers model, from a folder or from the hub
        text: the part of a row to embed
        template: how a row becomes text
        prefix: goes before each text, such as "query: "; empty for the model's default prompt, if any
        normalize: whether vectors are scaled to length 1
        max_tokens: longer texts lose their end; at most, and by default, the model's own limit
        precision: fp32, or bf16 for all but the pooling, which is several times faster with AMX or a GPU
    """

    shard_rows = 1024  # seconds of work: what a kill loses, and how often progress is told

    def __init__(
        self,
        *,
        model: sl.ModelName = _models.MINILM,
        text: sl.Text = "full",
        template: sl.Template = "plain",
        prefix: str = "",
        normalize: bool = True,
        max_tokens: Annotated[int | None, sl.schema(minimum=8)] = None,
        precision: _models.Precision = "fp32",
    ) -> None:
        folder = _models.find(model)
        library, torch = _models.library("sentence_transformers"), _models.library("torch")
        with _models.loading(model):
            self.model: Any = library.SentenceTransformer(
                str(folder),
                device=_models.device(),
                trust_remote_code=False,
                model_kwargs={
                    "dtype": torch.bfloat16 if precision == "bf16" else torch.float32,
                    "use_safetensors": True,
                },
            ).eval()
        if precision == "bf16":
            self.model[0].register_forward_hook(_pool_in_fp32)
            for module in list(self.model)[1:]:
                module.float()
        if max_tokens is not None:
            own = self.model.max_seq_length
            self.model.max_seq_length = min(max_tokens, own or max_tokens)
        self.prompt = prefix or self.model.prompts.get(self.model.default_prompt_name or "") or None
        self.text, self.template, self.normalize = text, template, normalize

    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Vectors[sl.P]:
        """One shard of rows."""
        import numpy as np
        import torch

        texts = rows.texts(self.text, self.template)
        matrix = np.zeros((len(rows), self.model.get_embedding_dimension()), np.float32)
        with torch.inference_mode():
            for batch in _batches.batches(self._counts(texts), _batches.budget()):
                features = self.model.preprocess([texts[i] for i in batch.tolist()], prompt=self.prompt)
                features = {
                    name: value.to(_models.device()) if torch.is_tensor(value) else value
                    for name, value in features.items()
                }
                vectors = self.model(features)["sentence_embedding"].float()
                if self.normalize:
                    vectors = torch.nn.functional.normalize(vectors, dim=1)
                matrix[batch] = vectors.cpu().numpy()
        return sl.Vectors(rows, matrix)

    def _counts(self, texts: list[str]) -> NDArray[np.int64]:
        """Tokens of each text, or characters for a model that has no mask of tokens (static embeddings)."""
        import numpy as np

        counts = np.zeros(len(texts), np.int64)
        for start in range(0, len(texts), 256):
            part = texts[start : start + 256]
            mask = self.model.preprocess(part, prompt=self.prompt).get("attention_mask")
            counts[start : start + 256] = list(map(len, part)) if mask is None else mask.sum(1).numpy()
        return counts


def _pool_in_fp32(_module: Any, _args: Any, features: dict[str, Any]) -> dict[str, Any]:
    return {**features, "token_embeddings": features["token_embeddings"].float()}
