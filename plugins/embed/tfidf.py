"""embed: tfidf"""

from __future__ import annotations

from typing import Annotated

import selectlang as sl

from .._vectors import unit


@sl.embed
def tfidf(
    rows: sl.Rows[sl.P],
    fit: sl.Rows[sl.Q] | None = None,
    *,
    dimension: Annotated[int, sl.schema(minimum=1)] = 256,
    text: sl.Text = "full",
) -> sl.Vectors[sl.P]:
    """Counts of words, weighted by rarity and reduced by a truncated SVD (latent semantic analysis).

    Shape (rows, at most `dimension`), scaled to length 1; a row without a known word is the zero vector.
    Words and SVD are learned from `fit`, by default from the rows themselves: vectors of two data sets are
    comparable only when one of them is the `fit` of both. What is learned depends on the ids and texts of
    those rows alone, not on their order or on a seed.

    Settings:
        dimension: the most dimensions; words themselves are the dimensions when there are no more of them
        text: the part of a row to embed
    """
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    learned = rows if fit is None else fit
    ordered = [words for _, words in sorted(zip(learned.ids(), learned.texts(text), strict=True))]
    vectorizer = TfidfVectorizer(dtype=np.float32)
    try:
        known = vectorizer.fit_transform(ordered)
    except ValueError as error:
        raise sl.DataError(
            f"tfidf found no word in {len(ordered)} rows (text: {text}); expected words of two letters."
        ) from error
    counts = vectorizer.transform(rows.texts(text) or [""])[: len(rows)]
    if dimension >= known.shape[1]:
        return sl.Vectors(rows, unit(counts.toarray()))
    # A fixed state: two stages that learn from the same rows must arrive at the same axes.
    _, _, axes = randomized_svd(known, min(dimension, known.shape[0]), n_iter=5, random_state=0)
    return sl.Vectors(rows, unit(counts @ axes.T))
