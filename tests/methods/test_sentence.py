"""embed: sentence, against SentenceTransformer.encode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang_plugins import _batches, _models
from selectlang_plugins.embed.sentence import sentence

Talk = Callable[..., sl.Rows[Any]]


@pytest.fixture(scope="module")
def made(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model with a dense layer, without normalisation, with a default prompt."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer

    bert = Transformer(str(models["bert"]), max_seq_length=30)
    size = bert.get_embedding_dimension()
    model = SentenceTransformer(
        modules=[bert, Pooling(size), Dense(size, 5)], prompts={"ask": "the "}, default_prompt_name="ask"
    )
    folder = tmp_path_factory.mktemp("sentence") / "made"
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def encoded(folder: Path | str, texts: list[str], **options: Any) -> Any:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder))
    if (most := options.pop("most", None)) is not None:
        model.max_seq_length = most
    return model.encode(texts, batch_size=2, show_progress_bar=False, **options)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("prefix", ["", "say why "])
def test_equals_encode(
    made: Path, some: sl.Rows[Any], normalize: bool, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_batches, "budget", lambda: 64)  # several batches
    given = sentence(model=str(made), prefix=prefix, normalize=normalize)(some).matrix
    wanted = encoded(made, some.texts(), normalize_embeddings=normalize, prompt=prefix or None)
    assert given.dtype == np.float32
    assert given.shape == (len(some), 5)
    np.testing.assert_allclose(given, wanted, atol=1e-5)


def test_a_prefix_is_seen(made: Path, some: sl.Rows[Any]) -> None:
    assert not np.allclose(
        sentence(model=str(made))(some).matrix, sentence(model=str(made), prefix="no ")(some).matrix
    )


@pytest.mark.parametrize("text", ["instruction", "response", "full"])
def test_the_part_of_the_text(made: Path, some: sl.Rows[Any], text: Any) -> None:
    given = sentence(model=str(made), text=text, template="tulu")(some).matrix
    wanted = encoded(made, some.texts(text, "tulu"), normalize_embeddings=True)
    np.testing.assert_allclose(given, wanted, atol=1e-5)


def test_fewer_tokens(made: Path, some: sl.Rows[Any]) -> None:
    given = sentence(model=str(made), max_tokens=8)(some).matrix
    np.testing.assert_allclose(
        given, encoded(made, some.texts(), most=8, normalize_embeddings=True), atol=1e-5
    )
    more = sentence(model=str(made), max_tokens=10**6)(some).matrix
    np.testing.assert_allclose(more, encoded(made, some.texts(), normalize_embeddings=True), atol=1e-5)


def test_a_plain_transformer_gets_mean_pooling(models: dict[str, Path], some: sl.Rows[Any]) -> None:
    given = sentence(model=str(models["bert"]))(some).matrix
    np.testing.assert_allclose(
        given, encoded(models["bert"], some.texts(), normalize_embeddings=True), atol=1e-5
    )


def test_no_tokens_and_no_rows(models: dict[str, Path], talk: Talk) -> None:
    embed = sentence(model=str(models["gpt2"]), text="response")
    embed.model.tokenizer.pad_token = "<pad>"
    rows = talk(("a", ""), ("a", "yes"), ("a", " "))
    assert np.linalg.norm(embed(rows).matrix, axis=1).tolist() == pytest.approx([0, 1, 0])
    assert embed(rows.take(np.array([0, 2]))).matrix.tolist() == [[0] * 16] * 2
    assert embed(rows.take(np.array([], np.int64))).matrix.shape == (0, 16)


def test_bf16_pools_in_fp32(made: Path, some: sl.Rows[Any]) -> None:
    full = sentence(model=str(made))(some).matrix
    half = sentence(model=str(made), precision="bf16")(some).matrix  # its dense layer is in fp32
    assert half.dtype == np.float32
    assert ((full * half).sum(axis=1) > 0.995).all()
    assert not np.array_equal(full, half)


@pytest.mark.parametrize("side", ["left", "right"])
def test_pieces_and_sides_of_padding(
    models: dict[str, Path], some: sl.Rows[Any], side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_batches, "FIRST", 2)
    embed = sentence(model=str(models["llama"]))  # it knows how far apart tokens are, not where they stand
    embed.model.tokenizer.padding_side = side
    assert len({len(text) for text in some.texts()}) > 4
    given = embed(some).matrix
    alone = np.concatenate([embed(some.take(np.array([i]))).matrix for i in range(len(some))])
    np.testing.assert_allclose(given, alone, atol=1e-5)


def test_no_column_of_a_batch_is_padding_alone(
    made: Path, some: sl.Rows[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_batches, "budget", lambda: 40)
    embed = sentence(model=str(made))
    masks = [features["attention_mask"] for _, features in embed._tasks(some.texts())]
    assert len({mask.shape[1] for mask in masks}) > 1
    assert all(mask.any(dim=0).all() for mask in masks)


def test_each_text_is_made_into_tokens_once(
    made: Path, some: sl.Rows[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_batches, "FIRST", 2)
    embed = sentence(model=str(made))
    preprocess, seen = embed.model.preprocess, []

    def spy(texts: list[str], **options: Any) -> Any:
        seen.extend(texts)
        return preprocess(texts, **options)

    monkeypatch.setattr(embed.model, "preprocess", spy)
    embed(some)
    assert sorted(seen) == sorted(some.texts())


def test_static_embeddings(models: dict[str, Path], some: sl.Rows[Any], tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(models["bert"] / "tokenizer.json"))
    static = StaticEmbedding(tokenizer, embedding_dim=6)
    SentenceTransformer(modules=[static]).save_pretrained(str(tmp_path / "static"), create_model_card=False)
    given = sentence(model=str(tmp_path / "static"))(some).matrix
    wanted = encoded(tmp_path / "static", some.texts(), normalize_embeddings=True)
    np.testing.assert_allclose(given, wanted, atol=1e-5)


def test_the_packaged_minilm(minilm: str, talk: Talk) -> None:
    rows = talk(("Add two and two.", "Four."), ("long " * 400, "end"), ("a", ""), ("ünïcode 語", "🙂"))
    folder = _models.find(minilm)
    assert _models.find("all-MiniLM-L6-v2") == folder
    wanted = encoded(folder, rows.texts())
    np.testing.assert_allclose(sentence()(rows).matrix, wanted, atol=1e-5)
    half = sentence(precision="bf16")(rows).matrix
    assert ((half * wanted).sum(axis=1) > 0.999).all()
    np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1, atol=1e-5)  # pooled and scaled in fp32
