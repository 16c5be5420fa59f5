"""The toy models of the demonstration: they learn what they say they do."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from selectlang.data.dataset import Dataset
from selectlang.demo.model import pairs, write_model, write_toy_reward_model
from selectlang.demo.pool import make_pool
from selectlang.rows import Rows
from selectlang_plugins.score.perplexity import perplexity
from selectlang_plugins.score.reward import reward

POOL = make_pool(600, seed=1)
OTHERS = [row for row in make_pool(300, seed=2) if row["quality"] == "good"]


def rows_of(given: list[tuple[str, str]]) -> Rows[Any]:
    return Rows(Dataset.from_records([{"instruction": asked, "output": said} for asked, said in given]))


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("toy") / "language", pairs(POOL), steps=120)


def test_the_language_model_learns_to_write_like_the_pairs(language: Path, tmp_path: Path) -> None:
    """Of rows that it has not seen it is far less surprised than a model of the same form at random."""
    rows = rows_of(pairs(OTHERS[:60]))
    random = write_model(tmp_path / "random", pairs(POOL), steps=0)
    before, after = (perplexity(model_=str(folder))(rows).values.mean() for folder in (random, language))
    assert before == pytest.approx(np.log(2048), abs=0.2)
    assert after < before - 2.5


def test_the_language_model_is_asked_by_its_chat_template(language: Path) -> None:
    """Its template writes what it was trained on: the tulu form, and the end after an answer."""
    rows = rows_of(pairs(OTHERS[:30]))
    by_chat = perplexity(model_=str(language), template="chat")(rows).values
    np.testing.assert_allclose(by_chat, perplexity(model_=str(language), template="tulu")(rows).values)


def test_the_language_model_answers_and_stops(language: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(language)
    model = AutoModelForCausalLM.from_pretrained(language)
    ended = []
    for asked, _ in pairs(OTHERS[:12]):
        given = tokenizer.apply_chat_template(
            [{"role": "user", "content": asked}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        made = model.generate(**given, do_sample=False, max_new_tokens=80)[0, given["input_ids"].shape[1] :]
        assert len(tokenizer.decode(made, skip_special_tokens=True).strip()) > 3
        ended.append(made[-1].item() == tokenizer.eos_token_id)
    assert sum(ended) >= 6


def test_the_same_model_each_time(tmp_path: Path) -> None:
    few = POOL[:80]
    for name, write, given in (
        ("language", write_model, pairs(few)),
        ("reward", write_toy_reward_model, few),
    ):
        first, again, other = (
            write(tmp_path / f"{name}{i}", given, steps=4, seed=seed)
            for i, seed in enumerate((0, 0, 1))  # type: ignore[operator]
        )
        content = [(folder / "model.safetensors").read_bytes() for folder in (first, again, other)]
        assert content[0] == content[1] != content[2]
        assert (first / "tokenizer.json").read_bytes() == (again / "tokenizer.json").read_bytes()


def test_the_reward_model_prefers_good_answers(tmp_path: Path) -> None:
    """On rows it has not seen: to rows of other qualities, and to its answers with words out of order."""
    folder = write_toy_reward_model(tmp_path / "toy", make_pool(1500, seed=1), steps=250)
    unseen = make_pool(400, seed=3)
    quality = np.array([row["quality"] for row in unseen])
    score = reward(model_=str(folder))
    values = score(rows_of(pairs(unseen))).values
    good = values[quality == "good"]
    for other, least in (("short", 0.85), ("garbage", 0.85), ("mismatched", 0.6)):
        wins = (good[:, None] > values[quality == other]).mean()
        assert wins > least, f"{other}: {wins:.2f}"
    rng = Random(0)
    mixed = [(asked, " ".join(rng.sample(said.split(), len(said.split())))) for asked, said in pairs(OTHERS)]
    assert (score(rows_of(pairs(OTHERS))).values > score(rows_of(mixed)).values).mean() > 0.7


def test_it_is_quiet_and_leaves_the_machine_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    write_model(tmp_path / "toy", pairs(POOL[:20]), steps=2)
    assert capfd.readouterr() == ("", "")
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
