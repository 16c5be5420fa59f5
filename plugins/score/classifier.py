"""score: classifier"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import selectlang as sl

from .. import _batches, _classifiers, _models
from ..classify import logistic, neighbours
from ..classify._encoder import Encoder

if TYPE_CHECKING:
    from .._classifiers import Predict


@sl.score
class classifier:  # noqa: N801 - the name of the method
    """How likely a verdict about each row is, 0 to 1, by a classifier that has learnt from verdicts.

    With `bert` it is the softmax over the verdicts (IterSelectTune, arXiv:2410.13464), read from the text of
    rows; `logistic` and `neighbours` need the `vectors` of the rows, of the kind that they have learnt from.
    Where there is no classifier yet, as in the first round of a loop, every number is missing: nothing is
    known.

    Settings:
        model: the folder of a classifier that an earlier run has learnt; or the input `model`, of a stage
        verdict: whose probability it is
        precision: for bert: fp32, or bf16 for weights and activations: faster where the machine has it
    """

    shard_rows = 1024  # seconds of work: what a kill loses, and how often progress is told
    window_rows = staticmethod(_batches.window)
    gpus = 1  # on a cluster: a GPU each, or where there is none a node

    def __init__(
        self,
        model: sl.Model | None = None,
        vectors: sl.Vectors[sl.P] | None = None,
        *,
        model_: sl.ModelName | None = None,
        verdict: str = "hard",
        precision: _models.Precision = "fp32",
    ) -> None:
        self.predict: Predict | None = None
        folder = _folder(model, model_)
        if folder is None:
            return
        found = _classifiers.opened(folder)
        if verdict not in found.verdicts:
            raise sl.DataError(
                f"the classifier knows no verdict {verdict!r}; its verdicts are {', '.join(found.verdicts)}."
            )
        self.column = found.verdicts.index(verdict)
        self.predict = _applied(found, vectors, precision)

    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Scores[sl.P]:
        """One shard of rows."""
        import numpy as np

        if self.predict is None or not len(rows):
            return sl.Scores(rows, np.full(len(rows), np.nan))
        return sl.Scores(rows, self.predict(rows)[:, self.column])


def _folder(model: sl.Model | None, name: str | None) -> Path | None:
    """The folder of the classifier, None where there is none yet."""
    if model is not None and name is not None:
        raise sl.DataError(
            f"expected one classifier, but the input `model` gives one and the setting `model` another "
            f"({name!r}); take one of them away."
        )
    if model is not None:
        return model.path
    if name is None:
        return None
    folder = Path(name)
    if not folder.is_absolute():
        return _models.find(name)
    if not folder.is_dir():
        raise sl.DataError(f"classifier {name!r} cannot be found: there is no such folder.")
    return folder


def _applied(
    found: _classifiers.Classifier, vectors: sl.Vectors[Any] | None, precision: _models.Precision
) -> Predict:
    method = found.about["method"]
    if method == "bert":
        return Encoder(found, precision)
    methods: dict[str, Callable[..., Predict]]
    methods = {"logistic": logistic.Linear, "neighbours": neighbours.Nearest}
    if method not in methods:
        raise sl.DataError(
            f"{found.path} is a classifier of the method {method!r}; expected bert, {', '.join(methods)}."
        )
    if vectors is None:
        raise sl.DataError(
            f"a classifier of the method {method} reads vectors, and none are given; connect those of the "
            "rows, embedded as they were for it, as in from: {rows: pool, vectors: vectors, model: learnt}."
        )
    return methods[method](found, _classifiers.Points(vectors))
