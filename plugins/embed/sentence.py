"""embed: sentence"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import selectlang as sl

from .. import _batches, _models, _replicas

if TYPE_CHECKING:
    from collections.abc import Iterator


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
        precision: fp32, or bf16 for all but the pooling: faster where the processor or GPU has it
    """

    shard_rows = 2048  # seconds of work: what a kill loses; in fewer rows, cores wait for tokens
    window_rows = staticmethod(_batches.window)
    gpus = 1  # on a cluster: a GPU each, or where there is none a node

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
        self.replicas = _replicas.replicas(self.model)

    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Vectors[sl.P]:
        """One shard of rows."""
        import numpy as np

        texts = rows.texts(self.text, self.template)
        matrix = np.zeros((len(rows), self.model.get_embedding_dimension()), np.float32)
        for chosen, vectors in _replicas.run(self.replicas, self._tasks(texts), self._vectors):
            matrix[chosen] = vectors
        return sl.Vectors(rows, matrix)

    def _tasks(self, texts: list[str]) -> Iterator[_batches.Task]:
        """Batches of texts."""
        return _batches.tasks(texts, self._batched)

    def _batched(self, texts: list[str]) -> Iterator[_batches.Task]:
        """Batches of some texts, by their tokens."""
        import numpy as np
        import torch

        features = self.model.preprocess(texts, prompt=self.prompt)
        mask = features.get("attention_mask")
        if mask is None:  # static embeddings: all tokens are in one row, and where each text begins
            yield np.arange(len(texts)), features
            return
        for batch in _batches.batches(mask.sum(dim=1).numpy(), _batches.budget()):
            lines = torch.from_numpy(batch)
            used = mask[lines].any(dim=0)  # the columns that are more than padding, on either side
            yield (
                batch,
                {
                    name: value[lines][:, used] if torch.is_tensor(value) else value
                    for name, value in features.items()
                },
            )

    def _vectors(self, model: Any, features: dict[str, Any]) -> Any:
        import torch

        vectors = model(features)["sentence_embedding"].float()
        return torch.nn.functional.normalize(vectors, dim=1) if self.normalize else vectors


def _pool_in_fp32(_module: Any, _args: Any, features: dict[str, Any]) -> dict[str, Any]:
    return {**features, "token_embeddings": features["token_embeddings"].float()}
