"""score: reward"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import selectlang as sl

from .. import _batches, _models, _replicas, _text

if TYPE_CHECKING:
    from collections.abc import Iterator

Template = Literal["chat", "tulu", "plain", "hh"]


@sl.score(check=_models.one_model)
class reward:  # noqa: N801 - the name of the method
    """What a reward model says of a row: the raw output of a sequence classifier on the whole conversation.

    Replies are scored as rows are, so that the score of a row's own answer and that of a model's answer to
    it differ by the answer alone: their difference is the signal of Diversify and Conquer
    (arXiv:2409.11378, equation 4). A decoder is read at its last token that is no padding token of its
    config, an encoder as it was trained. Higher is better; the scale is the model's own. Missing where a row
    has no token.

    Settings:
        model: a sequence classification model, from a folder or from the hub; or the input `model`, a trained
            one
        label: which output is the score, from 0, of a model that has several
        template: chat, the model's own template; tulu with its end-of-sequence token; plain; or hh, as the
            code released with Diversify and Conquer has it: `###Human: ... ###Assistant: ...`
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
        label: Annotated[int, sl.schema(minimum=0)] | None = None,
        template: Template = "chat",
        max_tokens: Annotated[int, sl.schema(minimum=8)] = 2048,
        precision: _models.Precision = "fp32",
    ) -> None:
        name = _models.given(model, model_)
        self.tokenizer, self.network = _models.load(name, precision, head="SequenceClassification")
        self.label = _label(self.network.config, label, name)
        config = self.network.config.get_text_config()
        pad = config.pad_token_id
        self.pad = pad if pad is not None and 0 <= pad < config.vocab_size else None
        self.template = template
        self.limit = _models.limit(self.tokenizer, self.network, max_tokens)
        self.replicas = _replicas.replicas(self.network)

    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Scores[sl.P]:
        """One shard of rows."""
        import numpy as np

        if self.template == "hh":
            texts = [_hh(turns) for turns in rows.turns()]
        else:
            texts = _text.texts(self.tokenizer, rows, "full", self.template)
        tasks = _batches.tasks(texts, self._batched)
        values = np.full(len(rows), np.nan)
        for chosen, scores in _replicas.run(self.replicas, tasks, self._scores):
            values[chosen] = scores
        return sl.Scores(rows, values)

    def _batched(self, texts: list[str]) -> Iterator[_batches.Task]:
        """Batches of some texts, and the padding token of each.

        A decoder reads a text at its last token that is not the padding token of the config. Where the
        config has none, that is the last token, and any token that ends no text of the batch can stand in.
        """
        ids = self.tokenizer(
            texts, truncation=True, max_length=self.limit, add_special_tokens=self.template != "chat"
        )["input_ids"]
        for chosen, tensors in _batches.of_tokens(self.tokenizer, ids):
            pad = self.pad
            if pad is None:
                last = {ids[i][-1] for i in chosen.tolist()}
                pad = next(token for token in range(len(last) + 1) if token not in last)
            tensors["input_ids"].masked_fill_(tensors["attention_mask"] == 0, pad)
            yield chosen, {**tensors, "pad": pad}

    def _scores(self, network: Any, tensors: dict[str, Any]) -> Any:
        network.config.get_text_config().pad_token_id = tensors["pad"]
        tokens, mask = tensors["input_ids"], tensors["attention_mask"]
        return network(input_ids=tokens, attention_mask=mask).logits[:, self.label].double()


def _hh(turns: _text.Turns) -> str:
    at = sl.response_at(turns)
    parts = ["###Human: " + "\n".join(text.strip() for _, text in turns[:at])]
    for role, text in turns[at:]:
        parts.append(("###Assistant: " if role == "assistant" else "###Human: ") + text.strip())
    return " ".join(parts)


def _label(config: Any, label: int | None, model: str) -> int:
    """Which output of the model is the score."""
    count = int(config.num_labels)
    if label is None and count == 1:
        return 0
    if label is None or label >= count:
        names = ", ".join(f"{i} ({name})" for i, name in sorted(config.id2label.items()))
        raise sl.DataError(
            f"model {model!r} has {count} outputs: {names}. Say with `label` which of them is the score, by "
            f"its number; found {'none' if label is None else label}."
        )
    return label
