"""score: classifier"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang_plugins.classify.bert import bert
from selectlang_plugins.classify.logistic import logistic
from selectlang_plugins.classify.neighbours import neighbours
from selectlang_plugins.score.classifier import classifier

WORDS = "red blue apple tree one three the numbers say why sum is of".split()


@pytest.fixture(scope="module")
def vectors() -> sl.Vectors[Any]:
    """60 rows of 1 to 9 words, in no order of length, with vectors."""
    texts = [" ".join(WORDS[(i * 5 + j) % 13] for j in range(1 + i * 7 % 9)) for i in range(60)]
    records = [{"id": f"r{i}", "instruction": text, "output": "yes no"} for i, text in enumerate(texts)]
    matrix = np.random.default_rng(1).normal(size=(60, 6)).astype(np.float32)
    return sl.Vectors(sl.Rows(Dataset.from_records(records, id="id")), matrix)


@pytest.fixture(scope="module")
def learnt(
    vectors: sl.Vectors[Any], models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, sl.Model]:
    labels = sl.Labels(vectors.rows, (vectors.matrix[:, 0] > 0.3).astype(np.int8), ["easy", "hard"])

    def scratch() -> Path:
        return tmp_path_factory.mktemp("learnt")

    base = str(models["bert"])
    return {
        "bert": bert(
            labels, base=base, text="full", learning_rate=1e-3, batch=8, seed=1, scratch=scratch()
        ).model,
        "logistic": logistic(vectors, labels, seed=1, scratch=scratch()).model,
        "neighbours": neighbours(vectors, labels, k=4, seed=1, scratch=scratch()).model,
    }


METHODS = ["bert", "logistic", "neighbours"]


def test_nothing_is_known_without_a_classifier(vectors: sl.Vectors[Any]) -> None:
    for score in (classifier(), classifier(vectors=vectors)):
        values = score(vectors.rows).values
        assert values.shape == (60,)
        assert np.isnan(values).all()


@pytest.mark.parametrize("name", METHODS)
def test_one_by_one(name: str, learnt: Any, vectors: sl.Vectors[Any]) -> None:
    """Batches of many rows say what a pass over single rows says, in the order of the rows."""
    score = classifier(vectors=vectors, model=learnt[name])
    values = score(vectors.rows).values
    single = [score(vectors.rows.take(np.array([i]))).values[0] for i in range(60)]
    np.testing.assert_allclose(values, single, atol=1e-5)
    assert ((values >= 0) & (values <= 1)).all()
    assert len(set(np.round(values, 4))) > 3
    easy = classifier(vectors=vectors, model=learnt[name], verdict="easy")(vectors.rows).values
    np.testing.assert_allclose(easy + values, 1, atol=1e-6)
    assert score(vectors.rows.take(np.zeros(0, np.int64))).values.shape == (0,)


def test_bert_is_a_model_of_transformers(learnt: Any, vectors: sl.Vectors[Any]) -> None:
    """The folder is read by transformers alone, which says the same; its text is that of the training."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = learnt["bert"].path
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    assert network.config.id2label == {0: "easy", 1: "hard"}
    expected = []
    with torch.no_grad():
        for turns in vectors.rows.turns():
            text = "\n\n".join(content for _, content in turns)
            logits = network(**tokenizer(text, return_tensors="pt", truncation=True, max_length=32)).logits
            expected.append(float(logits.softmax(dim=1)[0, 1]))
    values = classifier(model=learnt["bert"])(vectors.rows).values
    np.testing.assert_allclose(values, expected, atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_a_folder_from_an_earlier_run(
    name: str, learnt: Any, vectors: sl.Vectors[Any], tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    shutil.copytree(learnt[name].path, folder)
    named = classifier(vectors=vectors, model_=str(folder))(vectors.rows)
    wired = classifier(vectors=vectors, model=learnt[name])(vectors.rows)
    np.testing.assert_array_equal(named.values, wired.values)


@pytest.mark.parametrize("name", ["logistic", "neighbours"])
def test_some_rows_in_another_order(name: str, learnt: Any, vectors: sl.Vectors[Any]) -> None:
    """Vectors are found by their rows."""
    values = classifier(vectors=vectors, model=learnt[name])(vectors.rows).values
    index = np.array([7, 3, 50, 3])
    order = np.random.default_rng(3).permutation(60)
    mixed = sl.Vectors(vectors.rows.take(order), vectors.matrix[order])
    found = classifier(vectors=mixed, model=learnt[name])(vectors.rows.take(index)).values
    np.testing.assert_allclose(found, values[index], atol=1e-6)


@pytest.mark.parametrize("name", ["logistic", "neighbours"])
def test_vectors_that_do_not_fit(name: str, learnt: Any, vectors: sl.Vectors[Any]) -> None:
    with pytest.raises(sl.DataError, match=f"of the method {name} reads vectors, and none are given"):
        classifier(model=learnt[name])
    narrow = sl.Vectors(vectors.rows, vectors.matrix[:, :4])
    with pytest.raises(sl.DataError, match="vectors of 6 numbers, but those given have 4"):
        classifier(vectors=narrow, model=learnt[name])(vectors.rows)
    some = sl.Vectors(vectors.rows.take(np.arange(58)), vectors.matrix[:58])
    with pytest.raises(sl.DataError, match="2 of 60 rows have no vector, such as 'r58'"):
        classifier(vectors=some, model=learnt[name])(vectors.rows)


def test_models_that_do_not_fit(learnt: Any, models: Any, vectors: sl.Vectors[Any], tmp_path: Path) -> None:
    with pytest.raises(sl.DataError, match="expected one classifier, but the input `model` gives one and"):
        classifier(model=learnt["bert"], model_=str(learnt["bert"].path))
    with pytest.raises(sl.DataError, match="knows no verdict 'difficult'; its verdicts are easy, hard"):
        classifier(model=learnt["bert"], verdict="difficult")
    with pytest.raises(sl.DataError, match="there is no such folder"):
        classifier(model_=str(tmp_path / "gone"))
    for folder in (models["bert"], tmp_path):
        with pytest.raises(sl.DataError, match=r"is no classifier: expected a selectlang\.json"):
            classifier(model_=str(folder))
    for about in ("[]", "{}", '{"method": "logistic", "verdicts": 3}', "nonsense"):
        (tmp_path / "selectlang.json").write_text(about)
        with pytest.raises(sl.DataError, match=r"is no classifier: expected a selectlang\.json"):
            classifier(model_=str(tmp_path))
    (tmp_path / "selectlang.json").write_text(json.dumps({"method": "forest", "verdicts": ["hard"]}))
    with pytest.raises(sl.DataError, match="of the method 'forest'; expected bert, logistic, neighbours"):
        classifier(model_=str(tmp_path))
    (tmp_path / "selectlang.json").write_text(json.dumps({"method": "logistic", "verdicts": ["hard"]}))
    with pytest.raises(sl.DataError, match=r"cannot be read: weights\.npy"):
        classifier(vectors=vectors, model_=str(tmp_path))


def test_a_pickle_in_the_folder_is_never_opened(
    learnt: Any, vectors: sl.Vectors[Any], tmp_path: Path
) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(learnt["neighbours"].path, folder)
    np.save(folder / "codes.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(sl.DataError, match=r"cannot be read: codes\.npy"):
        classifier(vectors=vectors, model_=str(folder))


JUDGE = '''
import numpy as np
import selectlang as sl


@sl.judge
def red(rows: sl.Rows[sl.P]) -> sl.Labels[sl.P]:
    """A rule: whoever says red is hard."""
    codes = np.array([int("red" in text) for text in rows.instructions()], np.int8)
    return sl.Labels(rows, codes, ["easy", "hard"])


@sl.hookimpl
def register_methods(register):
    register(red)
'''
SPEC = """
selectlang: 1
name: rounds
params:
  pool:    {type: path, default: pool.jsonl}
  encoder: {type: model, doc: an encoder}
data: {pool: {path: $pool}}
stages:
  vectors: {embed: tfidf, from: pool, text: instruction}
  training:
    loop: 3
    carry:
      verdicts: {next: so_far}
      model:    {next: hardness}
    stages:
      learned:  {score: classifier, from: {rows: pool, model: model, vectors: vectors}}
      batch:    {budget: top, from: {scores: learned, skip: verdicts}, size: 20}
      judged:   {judge: red, from: batch}
      so_far:   {merge: union, from: [verdicts, judged]}
      hardness: METHOD
  quality: {score: classifier, from: {rows: pool, model: training.model, vectors: vectors}}
  chosen:  {budget: top, from: quality, size: 20}
outputs: {chosen: chosen, model: training.model}
"""
APPLY = """
selectlang: 1
name: apply
params:
  pool:  {type: path, default: pool.jsonl}
  model: {type: model, doc: a classifier}
data: {pool: {path: $pool}}
stages:
  vectors: {embed: tfidf, from: pool, text: instruction}
  quality: {score: classifier, from: {rows: pool, vectors: vectors}, model: $model}
  chosen:  {budget: top, from: quality, size: 20}
outputs: {chosen: chosen}
"""
BERT = """
        classify: bert
        from: {labels: so_far, fresh: judged, previous: model}
        base: $encoder
        learning_rate: 0.01
        warmup: 0.3
        epochs: 20
        batch: 8"""
BY_VECTORS = "{classify: logistic, from: {vectors: vectors, labels: so_far, fresh: judged, previous: model}}"


@pytest.mark.parametrize("method", [BERT, BY_VECTORS], ids=["bert", "logistic"])
def test_rounds_of_a_spec(method: str, project: Any, models: dict[str, Path]) -> None:
    """In a loop: at random at first, then by what has been learnt; and a folder that a later run takes."""
    words = [[WORDS[1 + (i * j) % 12] for j in (1, 2, 5)] + ["red"] * (i % 4 == 0) for i in range(160)]
    texts = [" ".join(row) for row in words]
    pool = [{"id": f"r{i}", "instruction": text, "output": "yes"} for i, text in enumerate(texts)]
    files = {"rounds.yaml": SPEC.replace("METHOD", method), "apply.yaml": APPLY, "p/red.py": JUDGE}
    here = project({**files, "pool.jsonl": pool})
    done = here.run(f"selectlang run rounds.yaml --plugins p --set encoder={models['bert']} --out one").ok()
    assert np.mean(["red" in row["instruction"] for row in done.rows()]) > 0.9
    model = done.folder / done.record["outputs"]["model"]["folder"]
    again = here.run(f"selectlang run apply.yaml --set model={model} --out two").ok()
    assert [row["score"] for row in again.why()] == [row["score"] for row in done.why()]
