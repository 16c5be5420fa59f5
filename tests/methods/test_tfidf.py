"""embed: tfidf, against counts and logarithms written out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang_plugins.embed.tfidf import tfidf

Talk = Callable[..., sl.Rows[Any]]


def by_hand(learned: list[str], texts: list[str]) -> Any:
    """Smoothed idf times counts, to length 1, over the sorted words of two letters or more."""
    split = [re.findall(r"\b\w\w+\b", text.lower()) for text in learned]
    words = sorted({word for line in split for word in line})
    idf = {w: math.log((1 + len(split)) / (1 + sum(w in line for line in split))) + 1 for w in words}
    matrix = np.zeros((len(texts), len(words)))
    for i, text in enumerate(texts):
        counts = Counter(re.findall(r"\b\w\w+\b", text.lower()))
        matrix[i] = [counts[word] * idf[word] for word in words]
        matrix[i] /= np.linalg.norm(matrix[i]) or 1
    return matrix


def test_words_are_the_dimensions_when_there_are_few(some: sl.Rows[Any]) -> None:
    given = tfidf(some).matrix
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, by_hand(some.texts(), some.texts()), atol=1e-6)


def test_reduced_as_a_full_svd_reduces(talk: Talk) -> None:
    random = np.random.default_rng(0)
    topics = random.permutation(120).reshape(4, 30)  # four topics of thirty words, and a few of any
    words = [[*random.choice(topics[i % 4], 20), *random.choice(120, 4)] for i in range(80)]
    rows = talk(*((" ".join(f"w{word}" for word in line), "") for line in words))
    full = by_hand(rows.texts(), rows.texts())
    u, s, _ = np.linalg.svd(full, full_matrices=False)
    wanted = u[:, :4] * s[:4]
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    given = tfidf(rows, dimension=4).matrix
    assert given.shape == (80, 4)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given @ given.T, wanted @ wanted.T, atol=1e-4)  # up to the sign of an axis


def test_fit_makes_two_data_sets_comparable(some: sl.Rows[Any], talk: Talk) -> None:
    pool, few = some, some.take(np.array([3, 8]))
    for dimension in (4, 256):
        np.testing.assert_allclose(
            tfidf(few, pool, dimension=dimension).matrix,
            tfidf(pool, dimension=dimension).matrix[[3, 8]],
            atol=1e-6,
        )
    np.testing.assert_allclose(tfidf(few, pool).matrix, by_hand(pool.texts(), few.texts()), atol=1e-6)
    unknown = talk(("zebra", "quagga"), ("the zebra", ""))
    assert np.linalg.norm(tfidf(unknown, pool, dimension=4).matrix, axis=1).tolist() == pytest.approx([0, 1])


@pytest.mark.parametrize("dimension", [3, 256])
def test_order_of_rows_changes_nothing(some: sl.Rows[Any], dimension: int) -> None:
    order = np.random.default_rng(0).permutation(len(some))
    given = tfidf(some.take(order), dimension=dimension).matrix
    np.testing.assert_allclose(given, tfidf(some, dimension=dimension).matrix[order], atol=1e-6)


def test_fewer_rows_than_dimensions(talk: Talk) -> None:
    rows = talk(("red blue apple tree one", "yes no"), ("red blue apple", "of is"))
    assert tfidf(rows, dimension=5).matrix.shape == (2, 2)
    assert tfidf(talk(("apple", "")), dimension=5).matrix.tolist() == [[1]]
    assert tfidf(rows.take(np.array([], np.int64)), rows, dimension=5).matrix.shape == (0, 2)


def test_a_part_of_the_text(talk: Talk) -> None:
    rows = talk(("red", "apple"), ("red", "tree"))
    assert tfidf(rows, text="instruction").matrix.tolist() == [[1], [1]]
    assert tfidf(rows, text="response").matrix.tolist() == [[1, 0], [0, 1]]


def test_no_words(talk: Talk) -> None:
    with pytest.raises(sl.DataError, match=r"no word in 1 rows \(text: response\)"):
        tfidf(talk(("red", "a !")), text="response")
