"""classify: bert, logistic, neighbours: what they learn from, what they say of themselves, their folder."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang.engine.keys import folder_digest
from selectlang_plugins import _verdicts
from selectlang_plugins.classify import _encoder
from selectlang_plugins.classify import bert as bert_module
from selectlang_plugins.classify.bert import bert
from selectlang_plugins.classify.logistic import logistic
from selectlang_plugins.classify.neighbours import neighbours
from selectlang_plugins.score.classifier import classifier

VERDICTS = ["easy", "hard"]
OTHERS = "the numbers say why sum is of apple tree one three".split()


def rows_of(instructions: Sequence[str], order: Sequence[int] | None = None) -> sl.Rows[Any]:
    """Rows r000, r001 and so on, in the file in this order."""
    records = [
        {"id": f"r{i:03}", "instruction": text, "output": "yes"} for i, text in enumerate(instructions)
    ]
    chosen = range(len(records)) if order is None else order
    return sl.Rows(Dataset.from_records([records[i] for i in chosen], id="id"))


def labels_of(rows: sl.Rows[Any], codes: Any, values: list[str] = VERDICTS) -> sl.Labels[Any]:
    return sl.Labels(rows, np.asarray(codes, np.int8), values)


def colours(count: int, start: int = 0) -> tuple[list[str], list[int]]:
    """Instructions of a few words, and whether they say red (hard) or blue: an easy rule."""
    texts, codes = [], []
    for i in range(start, start + count):
        words = [OTHERS[(i * 7 + j * (1 + i % 3)) % len(OTHERS)] for j in range(2 + i % 5)]
        hard = (i * 5) % 3 == 0
        words.insert(i % len(words), "red" if hard else "blue")
        texts.append(" ".join(words))
        codes.append(int(hard))
    return texts, codes


def planted(count: int, seed: int, dimension: int = 8) -> tuple[Any, Any]:
    """Vectors, and whether they lie on the far side of a plane (a third of them)."""
    matrix = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return matrix, (matrix[:, 0] + 0.5 * matrix[:, 1] > 0.5).astype(np.int8)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Steps this small gain nothing from a second thread, and wait long for one where others work too."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def scratch(tmp_path: Path) -> Callable[[], Path]:
    numbers = iter(range(1000))

    def make() -> Path:
        folder = tmp_path / f"scratch{next(numbers)}"
        folder.mkdir()
        return folder

    return make


@pytest.fixture
def small(models: dict[str, Path]) -> dict[str, Any]:
    """Settings that teach the made encoder of a few words in a moment."""
    return {
        "base": str(models["bert"]),
        "learning_rate": 0.01,
        "warmup": 0.3,
        "epochs": 10,
        "batch": 16,
        "seed": 3,
    }


def probabilities(model: sl.Model, rows: sl.Rows[Any], **options: Any) -> Any:
    return classifier(model=model, **options)(rows).values


# What is learnt from


@settings(deadline=None)
@given(
    st.lists(st.integers(-1, 2), min_size=2, max_size=60),
    st.sampled_from(["subsample", "weight", "none"]),
    st.sampled_from([0.0, 0.1, 0.25, 0.5]),
    st.integers(0, 9),
)
def test_parts(codes: list[int], balance: Any, share: float, seed: int) -> None:
    rows = rows_of([f"say {i}" for i in range(len(codes))])
    known = _verdicts.judged(labels_of(rows, codes, ["a", "b", "c"]))
    if not len(known.codes):
        return
    learnt, held = _verdicts.parts(known, share, balance, seed)
    assert not set(learnt) & set(held)
    counts = known.counts()
    present = counts > 0
    due = np.minimum(np.floor(share * counts + 0.5), counts - 1)[present]
    due = due if due.min() > 0 else np.zeros_like(due)
    assert known.take(held).counts()[present].tolist() == due.tolist()
    rest = counts[present] - due
    due = np.full_like(rest, rest.min()) if balance == "subsample" else rest
    assert known.take(learnt).counts()[present].tolist() == due.tolist()
    assert due.min() >= 1


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(12)), st.integers(0, 5))
def test_parts_do_not_depend_on_the_order_of_the_file(order: list[int], seed: int) -> None:
    texts, codes = colours(12)

    def drawn(order: Sequence[int]) -> list[list[str]]:
        known = _verdicts.judged(labels_of(rows_of(texts, order), [codes[i] for i in order]))
        return [known.take(part).rows.ids() for part in _verdicts.parts(known, 0.2, "subsample", seed)]

    assert drawn(order) == drawn(range(12))


def test_parts_are_drawn_by_the_seed() -> None:
    known = _verdicts.judged(labels_of(rows_of(["x"] * 200), [1] * 50 + [0] * 150))
    drawn = [known.take(_verdicts.parts(known, 0, "subsample", seed)[0]).rows.ids() for seed in (1, 2)]
    assert drawn[0][:50] == drawn[1][:50] == [f"r{i:03}" for i in range(50)]  # every row of the rarest
    shared = len(set(drawn[0][50:]) & set(drawn[1][50:]))
    assert 5 <= shared <= 30  # 16.7 expected of two draws of 50 from 150


def test_judged_rows() -> None:
    rows = rows_of(["a", "b", "c", "d"], [3, 1, 0, 2]).take(np.array([0, 1, 2, 3, 1]))
    found = _verdicts.judged(labels_of(rows, [0, 0, 1, -1, 1], ["worse", "better"]))
    assert found.verdicts == ["better", "worse"]
    assert found.rows.ids() == ["r000", "r001", "r003"]  # r002 has no verdict
    assert [found.verdicts[code] for code in found.codes] == ["better", "better", "worse"]  # r001: the last


def test_weights_let_verdicts_count_alike() -> None:
    known = _verdicts.judged(labels_of(rows_of(["x"] * 10), [0] * 8 + [2] * 2, ["a", "b", "c"]))
    weights = known.weights("weight")
    assert (weights * known.counts()).tolist() == [5, 0, 5]
    assert known.weights("none").tolist() == [1, 1, 1]


def test_all_hard_rows_and_as_many_easy_ones(points: Any, scratch: Any) -> None:
    """Property 10 of IterSelectTune, by what is kept."""
    matrix, codes = planted(90, 1)
    vectors = points(matrix)
    found = neighbours(vectors, labels_of(vectors.rows, codes), held_out=0, seed=5, scratch=scratch())
    kept = np.load(found.model.path / "vectors.npy")
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    which = ((matrix / lengths) @ kept.T).argmax(axis=0)
    assert len(set(which.tolist())) == len(kept)
    assert set(which[codes[which] == 1]) == set(np.flatnonzero(codes))
    assert (codes[which] == 0).sum() == codes.sum()
    assert np.load(found.model.path / "codes.npy").tolist() == codes[which].tolist()


def test_what_bert_reads(small: Any, scratch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Property 10 again: the rows to learn from, those held out, and no other."""
    read: list[list[str]] = []
    tokens = _encoder.Reader.tokens

    texts, codes = colours(45)
    assert len({*texts}) == len(texts)

    def spy(self: Any, given: list[str]) -> Any:
        read.append([f"r{texts.index(text):03}" for text in given])
        return tokens(self, given)

    monkeypatch.setattr(_encoder.Reader, "tokens", spy)
    small["epochs"] = 1
    bert(labels_of(rows_of(texts), codes), **small, scratch=scratch(), held_out=0.2)
    hard = {f"r{i:03}" for i, code in enumerate(codes) if code}
    learnt, held, measured = map(set, read)
    assert held == measured
    assert not learnt & held
    assert (len(hard), len(held & hard), len(held - hard)) == (15, 3, 6)
    assert learnt & hard == hard - held
    assert len(learnt - hard) == 12


def test_verdicts_about_other_rows_are_left_out(small: Any, scratch: Any) -> None:
    rows = rows_of([f"word {i}" for i in range(40)])
    labels = labels_of(rows, [0, 1] * 20)
    some = rows.take(np.arange(10, 30))
    found = bert(labels, None, None, some, **small, scratch=scratch())
    alone = bert(labels_of(some, [0, 1] * 10), **small, scratch=scratch())
    assert folder_digest(str(found.model.path)) == folder_digest(str(alone.model.path))


@pytest.mark.parametrize("name", ["bert", "logistic", "neighbours"])
def test_one_verdict_alone(name: str, small: Any, points: Any, scratch: Any) -> None:
    vectors = points(np.eye(4))
    for codes, said in [
        ([0, 0, -1, 0], "all 3 rows that have one are 'easy'"),
        ([1] * 4, "all 4 rows that have one are 'hard'"),
        ([-1] * 4, "no row has one"),
    ]:
        labels = labels_of(vectors.rows, codes)
        teach = {
            "bert": lambda labels=labels: bert(labels, **small, scratch=scratch()),
            "logistic": lambda labels=labels: logistic(vectors, labels, seed=1, scratch=scratch()),
            "neighbours": lambda labels=labels: neighbours(vectors, labels, seed=1, scratch=scratch()),
        }[name]
        with pytest.raises(sl.DataError) as error:
            teach()
        assert f"tell verdicts apart, but {said}. Judge more rows (a larger batch)" in str(error.value)
        assert "ties: hard" in str(error.value)


# What is learnt


@pytest.mark.parametrize("verdicts", [2, 3])
@pytest.mark.parametrize("balance", ["weight", "none"])
def test_logistic_is_that_of_scikit_learn(verdicts: int, balance: Any, points: Any, scratch: Any) -> None:
    from sklearn.linear_model import LogisticRegression

    matrix = np.random.default_rng(0).normal(size=(80, 5)).astype(np.float32) * 30
    codes = np.digitize(matrix[:, 0] + matrix[:, 1] / 2, [10, 30][: verdicts - 1])
    vectors, names = points(matrix), ["a", "b", "c"]
    found = logistic(
        vectors,
        labels_of(vectors.rows, codes, names),
        C=0.3,
        balance=balance,
        held_out=0,
        seed=1,
        scratch=scratch(),
    )
    scaled = matrix / np.sqrt((matrix**2).sum(axis=1).mean())
    weight = "balanced" if balance == "weight" else None
    expected = LogisticRegression(C=0.3, class_weight=weight).fit(scaled, codes).predict_proba(scaled)
    for code in range(verdicts):
        score = classifier(vectors=vectors, model=found.model, verdict=names[code])(vectors.rows)
        np.testing.assert_allclose(score.values, expected[:, code], atol=2e-3)
    if verdicts == 2:  # c is a verdict that no row has
        assert not classifier(vectors=vectors, model=found.model, verdict="c")(vectors.rows).values.any()


def test_logistic_does_not_depend_on_the_scale(points: Any, scratch: Any) -> None:
    matrix, codes = planted(60, 4)
    said = []
    for scale in (1, 1000):
        vectors = points(matrix * scale)
        found = logistic(vectors, labels_of(vectors.rows, codes), seed=1, scratch=scratch())
        said.append(classifier(vectors=vectors, model=found.model)(vectors.rows).values)
    np.testing.assert_allclose(*said, atol=1e-4)


@pytest.mark.parametrize("k, balance", [(1, "none"), (7, "none"), (7, "weight"), (500, "weight")])
def test_neighbours_by_brute_force(k: int, balance: Any, points: Any, scratch: Any) -> None:
    matrix, codes = planted(70, 2)
    vectors, asked = points(matrix), points(planted(20, 3)[0])
    found = neighbours(
        vectors,
        labels_of(vectors.rows, codes),
        k=k,
        balance=balance,
        held_out=0,
        seed=1,
        scratch=scratch(),
    )
    counts = np.bincount(codes)
    each = 1 / counts[codes] if balance == "weight" else np.ones(len(codes))
    values = classifier(vectors=asked, model=found.model)(asked.rows).values
    for vector, value in zip(asked.matrix, values, strict=True):
        cosine = matrix @ vector / np.linalg.norm(matrix, axis=1)
        near = np.argsort(-cosine)[: min(k, counts.min())]
        assert value == pytest.approx(each[near][codes[near] == 1].sum() / each[near].sum())


@pytest.mark.parametrize("rare, balance", [(1, "subsample"), (4, "subsample"), (4, "none"), (4, "weight")])
def test_neighbours_tell_few_rows_apart(rare: int, balance: Any, points: Any, scratch: Any) -> None:
    """Though `k` is more than there are: all rows together would say the same of everything."""
    codes = np.array([1] * rare + [0] * 10)
    vectors = points(np.where(codes[:, None] == 1, [[3, 1]], [[1, 3]]) + np.arange(len(codes))[:, None] / 99)
    labels = labels_of(vectors.rows, codes)
    found = neighbours(vectors, labels, balance=balance, seed=1, scratch=scratch())
    assert probabilities(found.model, vectors.rows, vectors=vectors).tolist() == codes.tolist()


def test_the_packaged_minilm_learns_a_rule(minilm: str, scratch: Any) -> None:
    animals = "dog cat horse cow sheep goat lion tiger wolf bear fox deer".split()
    tools = "hammer saw drill wrench axe shovel rake knife pliers chisel file ladder".split()
    forms = ["Tell me about a {}.", "What is a {}?", "Draw the {} for me"]
    texts = [form.format(word) for form in forms for word in animals + tools]
    codes = [int(word in animals) for _ in forms for word in animals + tools]
    taught = [i for i in range(72) if i % 12 < 10]
    others = [i for i in range(72) if i % 12 >= 10]
    rows = rows_of(texts)
    found = bert(
        labels_of(rows.take(np.array(taught)), [codes[i] for i in taught]),
        base=minilm,
        learning_rate=3e-4,
        epochs=3,
        batch=10,
        seed=1,
        scratch=scratch(),
    )
    hard = np.array(codes)[others] == 1
    said = probabilities(found.model, rows.take(np.array(others)))
    assert said[hard].min() > said[~hard].max()  # words it has not been taught
    assert found.held_out == 1.0


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("balance", ["subsample", "weight"])
def test_bert_learns_a_rule(balance: Any, precision: Any, small: Any, scratch: Any) -> None:
    texts, codes = colours(180)
    found = bert(
        labels_of(rows_of(texts), codes), **small, balance=balance, precision=precision, scratch=scratch()
    )
    new, wanted = colours(40, 180)
    said = probabilities(found.model, rows_of(new), precision=precision)
    assert ((said > 0.5) == np.array(wanted)).mean() > 0.9
    assert found.accuracy == found.held_out > 0.8


def test_three_verdicts(small: Any, scratch: Any) -> None:
    texts = [f"{colour} {OTHERS[i % 11]}" for i in range(30) for colour in ("red", "blue", "apple")]
    rows = rows_of(texts)
    found = bert(labels_of(rows, [0, 1, 2] * 30, ["r", "b", "a"]), **small, scratch=scratch())
    said = np.stack([probabilities(found.model, rows, verdict=name) for name in "rba"])
    np.testing.assert_allclose(said.sum(axis=0), 1, atol=1e-6)
    assert (said.argmax(axis=0) == np.array([0, 1, 2] * 30)).mean() > 0.9


def test_parts_of_a_step_change_nothing(
    small: Any, scratch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "calm"  # dropout draws anew for each part
    shutil.copytree(small["base"], folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    texts, codes = colours(40)
    rows, said = rows_of(texts), []
    for finer in (1, 256):
        monkeypatch.setattr(bert_module, "FINER", finer)
        settings = {**small, "base": str(folder), "learning_rate": 1e-3, "epochs": 2}
        found = bert(labels_of(rows, codes), **settings, balance="weight", scratch=scratch())
        said.append(probabilities(found.model, rows))
    np.testing.assert_allclose(*said, atol=1e-4)
    assert np.ptp(said[0]) > 0.01


def test_the_best_epoch_is_kept(small: Any, scratch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import load_file

    likely, states = iter([0.6, 0.9, 0.2]), []
    measure = _encoder.Reader.probabilities

    def say(self: Any, count: int, tasks: Any, replicas: Any = None) -> Any:
        if len(states) == 3:  # once more, to measure
            return measure(self, count, tasks, replicas)
        states.append({name: value.clone() for name, value in self.network.state_dict().items()})
        return np.full((count, 2), next(likely))

    monkeypatch.setattr(_encoder.Reader, "probabilities", say)
    texts, codes = colours(30)
    small["epochs"] = 3
    found = bert(labels_of(rows_of(texts), codes), **small, scratch=scratch())
    kept = load_file(found.model.path / "model.safetensors")
    same = [all(bool((state[name] == kept[name]).all()) for name in kept) for state in states]
    assert same == [False, True, False]


def test_bf16_is_fp32_rounded(small: Any, scratch: Any) -> None:
    texts, codes = colours(40)
    rows, said = rows_of(texts), []
    for precision in ("fp32", "bf16"):
        settings = {**small, "learning_rate": 1e-3, "epochs": 2}
        model = bert(labels_of(rows, codes), **settings, precision=precision, scratch=scratch()).model
        said.append(probabilities(model, rows))  # in fp32: it is the training that differs
    np.testing.assert_allclose(*said, atol=0.02)
    assert np.abs(said[0] - said[1]).max() > 1e-6


# What it says of itself


def test_accuracy_is_that_of_the_previous_on_fresh_verdicts(small: Any, points: Any, scratch: Any) -> None:
    texts, codes = colours(90)
    codes = [code if i % 7 else 1 - code for i, code in enumerate(codes)]  # so that it is not 1
    vectors = points(planted(90, 8)[0], [f"r{i:03}" for i in range(90)], instruction=texts)
    rows = vectors.rows
    first, fresh = np.arange(60), np.arange(60, 90)
    known = labels_of(rows.take(first), np.array(codes)[first])
    now = labels_of(rows.take(fresh), [*np.array(codes)[fresh][:-2], -1, -1], VERDICTS)
    both = labels_of(rows, [*codes[:-2], -1, -1])

    def by_bert(labels: Any, fresh: Any = None, previous: Any = None) -> Any:
        return bert(labels, fresh, previous, **small, scratch=scratch())

    def by_vectors(labels: Any, fresh: Any = None, previous: Any = None) -> Any:
        return logistic(vectors, labels, fresh, previous, seed=1, scratch=scratch())

    for method, options in [(by_bert, {}), (by_vectors, {"vectors": vectors})]:
        one = method(known, known)
        assert math.isnan(one.accuracy)  # there is none before it
        assert one.held_out == method(known).accuracy  # no fresh verdicts: its own
        two = method(both, now, one.model)
        said = probabilities(one.model, rows.take(fresh[:-2]), **options) > 0.5
        assert two.accuracy == pytest.approx((said == np.array(codes)[fresh[:-2]]).mean())
        assert two.accuracy != two.held_out
        nothing = labels_of(rows.take(fresh), [-1] * 30)
        assert math.isnan(method(both, nothing, one.model).accuracy)


def test_too_few_rows_to_hold_out(points: Any, scratch: Any) -> None:
    matrix, _ = planted(40, 1)
    vectors = points(matrix)
    for hard, known in [(4, False), (5, True)]:
        codes = [1] * hard + [0] * (40 - hard)
        found = logistic(vectors, labels_of(vectors.rows, codes), seed=1, scratch=scratch())
        assert math.isnan(found.held_out) is not known


def test_a_previous_classifier_of_another_method(points: Any, scratch: Any) -> None:
    matrix, codes = planted(40, 1)
    vectors = points(matrix)
    labels = labels_of(vectors.rows, codes)
    one = logistic(vectors, labels, seed=1, scratch=scratch())
    with pytest.raises(
        sl.DataError, match="is of the method logistic, and neighbours can read its own alone"
    ):
        neighbours(vectors, labels, labels, one.model, seed=1, scratch=scratch())


def test_warm_start(small: Any, scratch: Any) -> None:
    texts, codes = colours(120)
    rows = rows_of(texts)
    labels = labels_of(rows, codes)
    before = bert(labels, **small, held_out=0, balance="weight", scratch=scratch()).model
    still = {**small, "learning_rate": 1e-9, "epochs": 1}  # so that it stays where it starts
    warm = bert(labels, None, before, **still, start="warm", scratch=scratch()).model
    fresh = bert(labels, None, before, **still, start="fresh", scratch=scratch()).model
    without = bert(labels, **still, start="warm", scratch=scratch()).model
    said = probabilities(before, rows)
    np.testing.assert_allclose(probabilities(warm, rows), said, atol=1e-4)
    assert np.abs(probabilities(fresh, rows) - said).max() > 0.2
    np.testing.assert_array_equal(probabilities(fresh, rows), probabilities(without, rows))
    with pytest.raises(sl.DataError, match=r"of easy, hard, but these verdicts are a, b; use start: fresh"):
        bert(labels_of(rows, codes, ["a", "b"]), None, before, **small, start="warm", scratch=scratch())


# A loop


@pytest.mark.parametrize("method", [logistic, neighbours])
def test_flipped_verdicts_do_not_lead_astray(method: Any, points: Any, scratch: Any) -> None:
    """Property 14 of IterSelectTune: 10 % of the verdicts are wrong, and later batches are hard still."""
    matrix, hard = planted(1500, 6, dimension=16)
    flipped = np.random.default_rng(7).random(1500) < 0.1
    said = np.where(flipped, 1 - hard, hard)
    vectors = points(matrix)
    judged, model, rates = np.zeros(0, np.int64), None, []
    for round_ in range(5):
        scores = classifier(vectors=vectors, model=model)(vectors.rows)
        draws = vectors.rows.draws(round_)
        left = np.setdiff1d(np.arange(1500), judged)
        ranked = left[np.lexsort((draws[left], -np.nan_to_num(scores.values[left])))]
        batch = ranked[:80]
        rates.append(hard[batch].mean())
        fresh = labels_of(vectors.rows.take(batch), said[batch])
        judged = np.concatenate([judged, batch])
        labels = labels_of(vectors.rows.take(judged), said[judged])
        model = method(vectors, labels, fresh, model, seed=round_, scratch=scratch()).model
    base = hard.mean()
    assert abs(rates[0] - base) < 0.15  # nothing is known: the batch is random
    assert min(rates[1:]) > base + 0.25


# The folder


def test_the_folder(small: Any, points: Any, scratch: Any, tmp_path: Path) -> None:
    """Nothing but arrays and JSON, which follow from rows, verdicts, settings and seed alone."""
    texts, codes = colours(40)
    found: dict[str, list[dict[str, bytes]]] = {"bert": [], "logistic": [], "neighbours": []}
    for order in (range(40), range(39, -1, -1)):
        rows, said = rows_of(texts, order), [codes[i] for i in order]
        vectors = sl.Vectors(rows, planted(40, 9)[0][list(order)])
        labels = labels_of(rows, said)
        for name, result in {
            "bert": bert(labels, **{**small, "epochs": 2}, scratch=scratch()),
            "logistic": logistic(vectors, labels, seed=3, scratch=scratch()),
            "neighbours": neighbours(vectors, labels, seed=3, scratch=scratch()),
        }.items():
            files = {path.name: path.read_bytes() for path in result.model.path.rglob("*")}
            assert {Path(file).suffix for file in files} <= {".json", ".npy", ".safetensors"}
            assert not any(str(tmp_path).encode() in content for content in files.values())
            assert not any(small["base"].encode() in content for content in files.values())
            about = json.loads(files["selectlang.json"])
            assert (about["method"], about["verdicts"]) == (name, VERDICTS)
            found[name].append(files)
    for one, two in found.values():
        assert one == two
    other = bert(labels, **{**small, "epochs": 2, "seed": 4}, scratch=scratch()).model.path
    assert (other / "model.safetensors").read_bytes() != found["bert"][0]["model.safetensors"]


def test_what_a_killed_run_has_left_is_removed(points: Any, scratch: Any) -> None:
    matrix, codes = planted(40, 1)
    vectors, folder = points(matrix), scratch()
    (folder / "classifier").mkdir()
    (folder / "classifier" / "half.npy").write_bytes(b"half")
    found = logistic(vectors, labels_of(vectors.rows, codes), seed=1, scratch=folder)
    assert not (found.model.path / "half.npy").exists()


def test_vectors_need_no_torch(tmp_path: Path) -> None:
    code = f"""
import sys, pathlib, numpy as np
import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang_plugins.classify.bert import bert
from selectlang_plugins.classify.logistic import logistic
from selectlang_plugins.classify.neighbours import neighbours
from selectlang_plugins.score.classifier import classifier
records = [dict(id=str(i), instruction="a", output="b") for i in range(40)]
rows = sl.Rows(Dataset.from_records(records, id="id"))
vectors = sl.Vectors(rows, np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32))
labels = sl.Labels(rows, (vectors.matrix[:, 0] > 0).astype(np.int8), ["easy", "hard"])
for method in (logistic, neighbours):
    folder = pathlib.Path({str(tmp_path)!r}, method.__name__)
    model = method(vectors, labels, seed=1, scratch=folder).model
    assert len(classifier(vectors=vectors, model=model)(rows).values) == 40
print([name for name in ("torch", "transformers") if name in sys.modules])
"""
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


# What cannot be used


def test_rows_without_a_vector(points: Any, scratch: Any) -> None:
    vectors = points(planted(40, 1)[0])
    some = sl.Vectors(vectors.rows.take(np.arange(30)), vectors.matrix[:30])
    with pytest.raises(sl.DataError, match="10 of 40 rows have no vector, such as 'p30'"):
        logistic(
            some, labels_of(vectors.rows, [0, 1] * 20), balance="none", held_out=0, seed=1, scratch=scratch()
        )


def test_models_that_cannot_be_taught(small: Any, models: Any, scratch: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    labels = labels_of(rows_of(["red", "blue"]), [0, 1])
    with pytest.raises(sl.DataError, match="has no padding token: bert takes an encoder"):
        bert(labels, **{**small, "base": str(models["gpt2"])}, scratch=scratch())
    folder = tmp_path / "partial"
    shutil.copytree(models["bert"], folder)
    weights = load_file(folder / "model.safetensors")
    del weights["bert.encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(sl.DataError, match=r"files lack bert\.encoder\.layer\.1\.output\.dense\.weight"):
        bert(labels, **{**small, "base": str(folder)}, scratch=scratch())


def test_training_that_diverges(small: Any, scratch: Any) -> None:
    texts, codes = colours(40)
    with pytest.raises(sl.DataError, match="training diverged in epoch .* lower learning_rate"):
        bert(labels_of(rows_of(texts), codes), **{**small, "learning_rate": 1e36}, scratch=scratch())
