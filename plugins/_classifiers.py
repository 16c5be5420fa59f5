"""What the classifiers of verdicts share: how they are learnt and measured, and the folder they are kept in.

The folder holds .safetensors, .npy and .json files; no pickle is written or opened. In it, `selectlang.json`
says what applying the classifier takes: its `method`, its `verdicts` in the order of its outputs, and what
else the method needs. The same rows, verdicts, settings and seed give the same files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import selectlang as sl

from ._align import places
from ._vectors import block
from ._verdicts import Balance, Judged, check_several, judged, parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Predict = Callable[[sl.Rows[Any]], NDArray[np.float64]]
    """The probability of each verdict for each row: (rows, verdicts); NaN where nothing can be said."""

FILE = "selectlang.json"


class Classified(NamedTuple):
    """The classifier; the accuracy of the one before it on fresh verdicts; its own on rows held out."""

    model: sl.Model
    accuracy: sl.Metric
    held_out: sl.Metric


@dataclass(frozen=True)
class Classifier:
    """A classifier in a folder; `about` is what its `selectlang.json` says."""

    path: Path
    about: dict[str, Any]

    @property
    def verdicts(self) -> list[str]:
        """Its verdicts, in the order of its outputs."""
        found: list[str] = self.about["verdicts"]
        return found

    def array(self, name: str) -> NDArray[Any]:
        """An array of the folder."""
        import numpy as np

        try:
            found: NDArray[Any] = np.load(self.path / f"{name}.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise sl.DataError(
                f"the classifier in {self.path} cannot be read: {name}.npy: {error}"
            ) from error
        return found


def learn(
    labels: sl.Labels[sl.P],
    fresh: sl.Labels[sl.P] | None,
    previous: sl.Model | None,
    about: dict[str, Any],
    folder: Path,
    teach: Callable[[Judged[sl.P], Judged[sl.P]], None],
    applied: Callable[[Classifier], Predict],
    *,
    balance: Balance,
    held_out: float,
    seed: int,
) -> Classified:
    """Learn from verdicts, and measure.

    `teach` writes a classifier of some rows into `folder`, given others that it must not learn from; `about`
    is what else it takes to apply it, `applied` makes one ready for that.
    """
    known = judged(labels)
    check_several(known)
    before = None if previous is None else opened(previous.path, about["method"])
    learnt, held = (known.take(part) for part in parts(known, held_out, balance, seed))
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run has left
    folder.mkdir(parents=True)
    teach(learnt, held)
    text = json.dumps({**about, "verdicts": known.verdicts}, indent=2, ensure_ascii=False, sort_keys=True)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
    own = _accuracy(opened(folder), applied, held)
    if fresh is None:
        return Classified(sl.Model(folder), own, own)
    prequential = sl.Metric("nan") if before is None else _accuracy(before, applied, judged(fresh))
    return Classified(sl.Model(folder), prequential, own)


def _accuracy(model: Classifier, applied: Callable[[Classifier], Predict], known: Judged[Any]) -> sl.Metric:
    """The share of rows whose likeliest verdict is theirs; NaN of no rows."""
    import numpy as np

    if not len(known.codes):
        return sl.Metric(np.nan)
    probabilities = applied(model)(known.rows)
    likeliest = np.array(model.verdicts)[probabilities.argmax(axis=1)]
    right = likeliest == np.array(known.verdicts)[known.codes]
    said = right[~np.isnan(probabilities).any(axis=1)]
    return sl.Metric(said.mean() if len(said) else np.nan)


def opened(path: Path, method: str | None = None) -> Classifier:
    """The classifier in a folder; a DataError where there is none, or one of another method."""
    try:
        about = json.loads((path / FILE).read_text(encoding="utf-8"))
        known = isinstance(about["method"], str) and all(isinstance(name, str) for name in about["verdicts"])
    except (OSError, ValueError, TypeError, KeyError):
        known = False
    if not known:
        raise sl.DataError(
            f"{path} is no classifier: expected a {FILE} with its method and verdicts in it. Give the folder "
            "that a stage of kind classify has made: its output `model`, or what a run wrote out of it."
        )
    if method not in (None, about["method"]):
        raise sl.DataError(
            f"the previous classifier is of the method {about['method']}, and {method} can read its own "
            f"alone; connect the model of a stage with classify: {method}."
        )
    return Classifier(path, about)


class Points:
    """Vectors by their rows."""

    def __init__(self, vectors: sl.Vectors[Any]) -> None:
        self.vectors = vectors
        self.place = places(vectors.rows)

    def __call__(self, rows: sl.Rows[Any], width: int | None = None) -> NDArray[np.float32]:
        """The vectors of rows, (rows, dimension); a DataError for a row without, or if not `width` wide."""
        found = self.vectors.matrix.shape[1]
        if width not in (None, found):
            raise sl.DataError(
                f"the classifier has learnt from vectors of {width} numbers, but those given have {found}; "
                "embed the rows with the same method, model and settings."
            )
        place = self.place[rows.positions]
        if len(lacking := rows.take(place < 0)):
            raise sl.DataError(
                f"{len(lacking):,} of {len(rows):,} rows have no vector, such as {lacking.ids()[0]!r}; "
                "embed those rows too."
            )
        return block(self.vectors, place)
