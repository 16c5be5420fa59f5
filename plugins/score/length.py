"""How long rows are."""

from __future__ import annotations

from typing import Literal

import selectlang as sl

from .._models import load_tokenizer

Unit = Literal["tokens", "words", "characters"]


def _together(unit: Unit, model: str | None) -> None:
    if model is not None and unit != "tokens":
        raise sl.DataError(f"length counts {unit}, for which model {model!r} has no use; leave it out")


@sl.score(check=_together)
class length:  # noqa: N801 - the name of the method
    """Length of each row, in tokens, words or characters (the Length baseline of RDS+, arXiv 2503.01807).

    Settings:
        unit: tokens, words (between white space) or characters
        text: the part of the conversation that is measured
        model: count the tokens of this model's tokenizer, without its special tokens; without a model,
            words and punctuation marks are counted
    """

    def __init__(
        self,
        *,
        unit: Unit = "tokens",
        text: sl.Text = "full",
        model: sl.ModelName | None = None,
    ) -> None:
        _together(unit, model)
        self.unit = unit
        self.text = text
        self.tokenizer = None if model is None else load_tokenizer(model)

    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Scores[sl.P]:
        """One shard of the rows."""
        import numpy as np

        texts = rows.texts(self.text)
        if self.tokenizer is not None and texts:
            coded = self.tokenizer(texts, add_special_tokens=False, return_attention_mask=False)
            counts = [len(ids) for ids in coded["input_ids"]]
        elif self.unit == "tokens":
            counts = [sl.count_tokens(text) for text in texts]
        else:
            counts = [len(text.split()) if self.unit == "words" else len(text) for text in texts]
        return sl.Scores(rows, np.array(counts, dtype=np.float64))
