"""Models that answer in this process: stand-ins with a stated rule, and transformers models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import selectlang as sl
from selectlang.demo.model import write_model
from selectlang.llm import local
from selectlang.llm.door import Door
from selectlang.llm.fake import answer, grade

from .conftest import ask

GOOD = "You can add the two numbers first and then take the half of what you have, which is the mean of them."
PAIR = "[Instruction]\nWhat is a mean?\n\n[Answer 1]\n{}\n\n[Answer 2]\n{}\n\n[Your task]\nfrom 1 to 10"


def said(prompt: str, form: dict[str, Any] | None = None) -> str:
    return answer(
        "judge", [{"role": "system", "content": "from 0 to 1"}, {"role": "user", "content": prompt}], form
    )


def test_the_rule_of_the_judge() -> None:
    assert grade("") == 0
    assert grade("Yes.") == pytest.approx(0.5 / 30 + 0.5)
    assert grade("the " * 30) == 1
    assert grade(GOOD) > grade("half of it") > grade("zxq wvt bnm") > 0
    assert grade(GOOD) > grade(GOOD[::-1])


def test_the_judge_answers_in_the_form_that_is_asked_for() -> None:
    first, second = map(float, said(PAIR.format(GOOD, "zxq")).splitlines()[0].split())
    assert 10 >= first > second >= 1
    assert said(PAIR.format("", "")).startswith("1.0 1.0")
    assert said("[Answer]\nYes.\n[Your task]\nfrom 0 to 5, as [[number]]").endswith("[[2.6]]")
    assert said(f"[Answer]\n{GOOD}\n[Your task]\nSay yes or no.") == "yes"
    assert said("[Answer]\nzxq\n[Your task]\nSay yes or no.") == "no"
    form = {"properties": {"why": {"type": "string"}, "grade": {"type": "number"}}}
    assert json.loads(said("[Answer]\nYes.\n[Your task]\nfrom 0 to 5", form))["grade"] == 2.6


def test_stand_ins_are_asked_through_the_door_and_cost_nothing(door: Callable[..., Door]) -> None:
    stage = door(max_cost=0.0).stage("judge")
    assert ask(stage, ["what is it?"], model="fake/echo") == ["what is it?"]
    assert (stage.calls, stage.cost) == (1, 0)
    with pytest.raises(sl.DataError, match=r"fake/nobody.*expected fake/judge or fake/echo"):
        ask(stage, ["what?"], model="fake/nobody")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pairs = [
        (f"say {a} and {b}", f"{a} {b}") for a in "red blue green".split() for b in "one two three".split()
    ]
    return write_model(tmp_path_factory.mktemp("model") / "small", pairs, steps=60)


TEXTS = ["say red and two", "say blue", "say green and one and three and red and blue", "what?"]


def test_a_local_model_answers_as_it_does_alone(door: Callable[..., Door], model: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    together = ask(door().stage("answers"), TEXTS, model=f"local/{model}", max_tokens=8)
    tokenizer, network = AutoTokenizer.from_pretrained(model), AutoModelForCausalLM.from_pretrained(model)
    for text, found in zip(TEXTS, together, strict=True):
        turns = [{"role": "system", "content": "You are a judge."}, {"role": "user", "content": text}]
        prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            alone = network.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False
            )
        assert found == tokenizer.decode(alone[0, ids.shape[1] :], skip_special_tokens=True).strip()


def test_prompts_are_answered_together_as_far_as_memory_goes(
    door: Callable[..., Door], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, generate = [], local.LocalModel.generate

    def watched(self: local.LocalModel, batch: list[local.Waiting]) -> Any:
        batches.append([len(each.tokens) + each.most for each in batch])
        return generate(self, batch)

    monkeypatch.setattr(local.LocalModel, "generate", watched)
    monkeypatch.setattr(local, "BATCH_TOKENS", 500)
    texts = ["say" + " blue" * i for i in range(1, 25)]
    ask(door().stage("answers"), texts, model=f"local/{model}", max_tokens=4, again=0, max_failed=1)
    assert sum(map(len, batches)) == 24
    assert len(batches) <= 12
    assert max(len(batch) * max(batch) for batch in batches) <= 500


def test_a_trained_model_is_its_files_not_its_place(
    door: Callable[..., Door], model: Path, tmp_path: Path
) -> None:
    import shutil

    first = door().stage("answers")
    answers = ask(first, TEXTS, model=sl.Model(model), max_tokens=8)
    moved = sl.Model(Path(shutil.copytree(model, tmp_path / "moved")))
    second = door().stage("answers")
    assert ask(second, TEXTS, model=moved, max_tokens=8) == answers
    assert [tally.stored for tally in second.tallies.values()] == [len(TEXTS)]


def test_draws_follow_from_the_seed(door: Callable[..., Door], model: Path) -> None:
    def drawn(seed: int, texts: list[str]) -> list[str]:
        more = {"temperature": 1.5, "max_tokens": 8, "seed": seed, "again": 0, "max_failed": 1.0}
        stage = door().stage("answers")
        found = ask(stage, texts, model=f"local/{model}", **more)
        stage.door.calls.path.unlink()  # so that the next is drawn again
        return found

    once = drawn(1, TEXTS)
    assert drawn(1, TEXTS[::-1])[::-1] == once
    assert drawn(2, TEXTS) != once


def test_a_model_that_is_not_there_is_a_clear_error(door: Callable[..., Door], tmp_path: Path) -> None:
    with pytest.raises(sl.DataError, match="no-such-model"):
        ask(door().stage("answers"), ["what?"], model=f"local/{tmp_path}/no-such-model")
