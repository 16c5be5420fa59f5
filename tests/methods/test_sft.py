"""train: sft, against a loop written out, and against being killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang_plugins import _models, _text
from selectlang_plugins.embed.hidden_states import hidden_states
from selectlang_plugins.score.perplexity import perplexity
from selectlang_plugins.train import _loop
from selectlang_plugins.train import sft as module
from selectlang_plugins.train.sft import encoded, sft

pytest.importorskip("peft", reason='training needs peft: pip install "selectlang[train]"')
Talk = Callable[..., sl.Rows[Any]]
TALK = [
    ("system", "say yes"),
    ("user", "add the numbers"),
    ("assistant", "three"),
    ("user", "say why"),
    ("assistant", " "),
    ("tool", "red"),
    ("assistant", "the sum of"),
    ("user", "answer no"),
]


def conversation(*turns: tuple[str, str]) -> sl.Rows[Any]:
    messages = [{"role": role, "content": content} for role, content in turns]
    return sl.Rows(Dataset.from_records([{"messages": messages}]))


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Models so small are slower with more, and sums come out in one order."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def train(models: dict[str, Path], tmp_path: Path) -> Callable[..., Any]:
    """`train(name, rows, ...)`: train a made model in a scratch folder of its own, fast."""
    count = iter(range(100))

    def call(name: str, rows: sl.Rows[Any], **given_: Any) -> Any:
        scratch = tmp_path / f"scratch{next(count)}"
        scratch.mkdir()
        given_ = {"base": str(models[name]), "learning_rate": 5e-3, "seed": 1, "scratch": scratch} | given_
        return sft(rows, **given_)

    return call


def weights(model: sl.Model | Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    folder = model.path if isinstance(model, sl.Model) else model
    return {name: value.float().numpy() for name, value in load_file(folder / "model.safetensors").items()}


def same(one: sl.Model | Path, other: sl.Model | Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


# What is learnt


def learnt(models: dict[str, Path], rows: sl.Rows[Any], template: Any, limit: int = 96) -> list[str]:
    """The tokens of the first row that are learnt, in order."""
    tokenizer = _models.load_tokenizer(str(models["llama"]))
    (example,) = encoded(tokenizer, rows, template, limit)
    kept = example["labels"] != -100
    assert (example["labels"][kept] == example["ids"][kept]).all()
    tokens: list[str] = tokenizer.convert_ids_to_tokens(example["ids"][kept].tolist())
    return tokens


def test_the_answers_of_every_turn_are_learnt_and_nothing_else(models: dict[str, Path]) -> None:
    rows = conversation(*TALK)
    wanted = ["three", "</s>", "the", "sum", "of", "</s>"]
    assert learnt(models, rows, "tulu") == wanted
    assert learnt(models, rows, "plain") == wanted
    assert learnt(models, conversation(*TALK[1:]), "chat") == wanted  # its template takes no system turn


def test_what_is_cut_off_is_not_learnt(models: dict[str, Path]) -> None:
    tokenizer = _models.load_tokenizer(str(models["llama"]))
    rows = conversation(*TALK)
    ids = encoded(tokenizer, rows, "tulu", 96)[0]["ids"].tolist()
    place = {word: ids.index(tokenizer.convert_tokens_to_ids(word)) for word in ("three", "of")}
    assert learnt(models, rows, "tulu", place["of"]) == ["three", "</s>", "the", "sum"]
    assert learnt(models, rows, "tulu", place["three"] + 1) == ["three"]
    assert encoded(tokenizer, rows, "tulu", place["three"]) == []


@pytest.fixture(scope="module")
def tokenizers(models: dict[str, Path]) -> dict[str, Any]:
    return {name: _models.load_tokenizer(str(models[name])) for name in ("llama", "gpt2")}


texts = st.text("ab \n", max_size=4)
chats = st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), texts), min_size=1, max_size=6)


@given(chats)
@settings(deadline=None)
def test_tulu_is_the_text_that_other_methods_see(
    tokenizers: dict[str, Any], turns: list[tuple[str, str]]
) -> None:
    turns = [*turns, ("assistant", "yes")]
    text, spans = _text.answers(tokenizers["llama"], turns, "tulu")
    assert text == sl.render(turns, "full", "tulu", "</s>")
    contents = [content.strip() for role, content in turns if role == "assistant" and content.strip()]
    assert [text[start:stop] for start, stop in spans] == [f"{content}</s>" for content in contents]


@given(chats)
@settings(deadline=None)
@pytest.mark.parametrize("template", ["tulu", "plain"])
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_trained_model_is_asked_as_it_was_taught(
    tokenizers: dict[str, Any], name: str, template: Any, turns: list[tuple[str, str]]
) -> None:
    """By its chat template it reads the very tokens that it has learnt from, up to the answer."""
    turns = [*turns, ("user", "a"), ("assistant", "yes")]
    tokenizer = tokenizers[name]
    text, spans = _text.answers(tokenizer, turns, template)
    tokens = tokenizer(text)["input_ids"]
    tokenizer.chat_template = _text.chat_template(tokenizer, template)
    messages = [{"role": role, "content": content} for role, content in turns]
    whole = tokenizer.apply_chat_template(messages, tokenize=False)
    prompt = tokenizer.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True)
    first = "<s>" if name == "llama" else ""
    assert whole == first + text
    assert prompt == first + text[: spans[-1][0]]
    assert tokenizer(whole, add_special_tokens=False)["input_ids"] == tokens


# How it is learnt


def written_out(folder: Path, rows: sl.Rows[Any], steps: int, rate: float, decay: float, limit: int) -> Any:
    """All rows in one batch at each step; the rate falls linearly from the first step to 0 after the last."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).train()
    matrices = [p for name, p in model.named_parameters() if "norm" not in name]
    others = [p for name, p in model.named_parameters() if "norm" in name]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=rate)
    losses = []
    for step in range(steps):
        total, count = torch.zeros(()), 0
        for turns in rows.turns():
            before = f"<|user|>\n{turns[0][1].strip()}\n<|assistant|>\n"
            ids = tokenizer(f"{before}{turns[1][1].strip()}</s>")["input_ids"][:limit]
            start = len(tokenizer(before)["input_ids"])
            logits = model(torch.tensor([ids])).logits[0]
            for at in range(start, len(ids)):
                total = total - torch.log_softmax(logits[at - 1], 0)[ids[at]]
                count += 1
        loss = total / count
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate * (steps - step) / steps
        optimizer.step()
    return {name: p.detach().numpy() for name, p in model.named_parameters()}, losses


@pytest.mark.parametrize("name", ["llama", "gemma"])
@pytest.mark.parametrize("at_once", [40, 4096])
def test_equals_a_loop_written_out(
    models: dict[str, Path],
    some: sl.Rows[Any],
    train: Callable[..., Any],
    name: str,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However few rows fit into memory at once."""
    monkeypatch.setattr(_loop, "AT_ONCE", at_once)
    rate, decay, limit = 5e-3, 0.1, 32
    wanted, losses = written_out(models[name], some, 3, rate, decay, limit)
    done = train(name, some, batch=12, warmup=0, weight_decay=decay, max_tokens=limit)
    found = weights(done.model)
    for key in found:
        np.testing.assert_allclose(found[key], wanted[key], atol=2e-5, err_msg=key)
    start = weights(models[name])
    assert max(abs(found[key] - start[key]).max() for key in found) > 0.005, "it has moved far"
    assert done.loss == pytest.approx(losses[-1], rel=1e-5)
    assert done.examples == len(some) - 1  # one has no answer within the limit


def test_the_loss_is_the_mean_over_the_last_epoch(
    models: dict[str, Path], some: sl.Rows[Any], train: Callable[..., Any]
) -> None:
    """With a learning rate of nothing, one row a step, it is what perplexity says of the responses."""
    wanted = perplexity(model_=str(models["llama"]), text="response")(some).values.mean()
    for epochs in (1, 2):
        done = train("llama", some, batch=1, epochs=epochs, learning_rate=1e-12)
        assert done.loss == pytest.approx(wanted, rel=1e-5)


def test_each_schedule(
    train: Callable[..., Any], some: sl.Rows[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The learning rate of each of ten steps, with a warm-up of two."""
    import transformers

    rates: list[float] = []

    def log(self: Any, logs: dict[str, float], start_time: float | None = None) -> None:
        if "learning_rate" in logs:
            rates.append(logs["learning_rate"] * 10)
        self.state.log_history.append(logs)

    monkeypatch.setattr(transformers.Trainer, "log", log)
    rest = np.arange(8) / 8
    for schedule, wanted in (
        ("linear", 1 - rest),
        ("cosine", (1 + np.cos(np.pi * rest)) / 2),
        ("constant", np.ones(8)),
    ):
        rates.clear()
        train("llama", some, batch=12, epochs=10, warmup=0.2, schedule=schedule, learning_rate=0.1)
        assert rates == pytest.approx([0, 0.5, *wanted])


def test_neither_the_order_of_rows_nor_another_run_changes_a_bit(
    some: sl.Rows[Any], train: Callable[..., Any]
) -> None:
    """GPT-2 has dropout, and adapters begin at random."""
    order = np.random.default_rng(0).permutation(len(some))
    for name, more in (("gpt2", {}), ("llama", {"lora_rank": 2})):
        first = train(name, some, batch=4, **more)
        second = train(name, some.take(order), batch=4, **more)
        assert same(first.model, second.model)
        assert first.loss == second.loss
        assert not same(first.model, train(name, some, batch=4, **more, seed=2).model)


def test_a_row_chosen_twice_is_learnt_from_twice(talk: Talk, train: Callable[..., Any]) -> None:
    rows = talk(("add", "yes"), ("say why", "the sum is red"))
    twice = rows.take(np.array([0, 1, 0]))
    assert train("llama", twice).examples == 3
    assert not same(train("llama", twice).model, train("llama", rows).model)


def test_training_goes_on_from_a_previous_model(
    models: dict[str, Path], some: sl.Rows[Any], train: Callable[..., Any]
) -> None:
    first = train("llama", some, epochs=1)
    again = train("gpt2", some, previous=first.model)  # the base is not looked at
    assert not same(first.model, again.model)
    assert same(again.model, train("llama", some, base=str(first.model.path)).model)


# What comes of it


def answer(folder: Path, question: str) -> list[str]:
    """What the model answers, the likeliest token at a time, when asked by its chat template."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.config.use_cache
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    made = model.generate(**asked, do_sample=False, max_new_tokens=12, pad_token_id=0)
    tokens: list[str] = tokenizer.convert_ids_to_tokens(made[0, asked["input_ids"].shape[1] :])
    return tokens


FEW = [("say red", "blue apple tree"), ("say why", "the sum of two numbers is three"), ("add", "no")]


@pytest.mark.parametrize("more", [{}, {"precision": "bf16"}])
@pytest.mark.parametrize("template", ["tulu", "plain"])
def test_a_few_rows_are_learnt_by_heart(
    talk: Talk, train: Callable[..., Any], template: Any, more: dict[str, Any]
) -> None:
    done = train("llama", talk(*FEW), epochs=40, learning_rate=0.02, template=template, **more)
    assert done.loss < 0.3
    for question, wanted in FEW:
        assert answer(done.model.path, question) == [*wanted.split(), "</s>"]


def test_what_adapters_have_learnt_is_merged(
    models: dict[str, Path], talk: Talk, train: Callable[..., Any]
) -> None:
    """The last steps are small, so that the model written has the loss of the last of them."""
    rows = talk(*FEW)
    base = train(
        "llama", talk(("add", "three blue"), ("say", "the tree is red")), epochs=40, learning_rate=0.02
    )
    done = train("llama", rows, previous=base.model, lora_rank=8, epochs=60, learning_rate=0.02, batch=1)
    before, after = (
        perplexity(model=model, text="response")(rows).values.mean() for model in (base.model, done.model)
    )
    assert after < before / 2
    assert after == pytest.approx(done.loss, rel=0.02)


@pytest.mark.parametrize(
    "more", [{}, {"lora_rank": 2}, {"precision": "bf16"}, {"lora_rank": 2, "precision": "bf16"}]
)
def test_other_methods_load_what_was_trained(
    models: dict[str, Path], some: sl.Rows[Any], train: Callable[..., Any], more: dict[str, Any]
) -> None:
    done = train("llama", some, **more)
    names = {path.name for path in done.model.path.iterdir()}
    assert names == {
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    config = json.loads((done.model.path / "config.json").read_text())
    assert config["dtype"] == ("bfloat16" if "precision" in more else "float32")
    before, after = (
        perplexity(text="response", **which)(some).values.mean()
        for which in ({"model_": str(models["llama"])}, {"model": done.model})
    )
    assert after < before - 0.01
    asked = perplexity(model=done.model, text="response", template="chat")(some).values
    np.testing.assert_allclose(asked, perplexity(model=done.model, text="response")(some).values)
    assert np.isfinite(hidden_states(model=done.model)(some).matrix).all()


def test_adapters_change_linear_layers_alone(
    models: dict[str, Path], some: sl.Rows[Any], train: Callable[..., Any]
) -> None:
    for name, linear in (("llama", "_proj"), ("gpt2", "c_")):
        start, found = weights(models[name]), weights(train(name, some, lora_rank=2).model)
        assert found.keys() == start.keys()
        for key in found:
            moved = not np.array_equal(found[key], start[key])
            assert moved == (linear in key and key.endswith("weight")), key
            if moved:
                change = found[key] - start[key]
                assert np.linalg.matrix_rank(change, tol=1e-4 * np.linalg.norm(change)) <= 2


def test_alpha_is_twice_the_rank_unless_given(some: sl.Rows[Any], train: Callable[..., Any]) -> None:
    plain = train("llama", some, lora_rank=2).model
    assert same(plain, train("llama", some, lora_rank=2, lora_alpha=4).model)
    assert not same(plain, train("llama", some, lora_rank=2, lora_alpha=1).model)


@pytest.mark.parametrize("more", [{}, {"lora_rank": 2}])
def test_a_generation_config_that_loads_and_cannot_be_saved(
    models: dict[str, Path],
    some: sl.Rows[Any],
    train: Callable[..., Any],
    tmp_path: Path,
    more: dict[str, Any],
) -> None:
    """As published with well-known models."""
    import shutil

    base = tmp_path / "base"
    shutil.copytree(models["llama"], base)
    (base / "generation_config.json").write_text('{"temperature": 0.9, "top_p": 0.6, "do_sample": false}')
    done = train("llama", some, base=str(base), **more)
    assert json.loads((done.model.path / "generation_config.json").read_text())["temperature"] == 0.9


# Rows that teach nothing, and other trouble


def test_rows_without_an_answer_are_left_out(talk: Talk, train: Callable[..., Any]) -> None:
    rows = talk(("add", ""), ("add " * 60, "yes"), ("say", "no"), ("say", " \n"))
    done = train("llama", rows, max_tokens=40)
    assert done.examples == 1
    assert same(done.model, train("llama", rows.take(np.array([2]))).model)


def test_nothing_to_learn_from(talk: Talk, train: Callable[..., Any]) -> None:
    rows = talk(("add", ""), ("add", " "))
    with pytest.raises(sl.DataError, match="none of 2 rows has an answer within 96 tokens"):
        train("llama", rows)
    with pytest.raises(sl.DataError, match="none of 0 rows"):
        train("llama", rows.take(np.array([], np.int64)))


def test_a_loss_that_is_no_number(some: sl.Rows[Any], train: Callable[..., Any]) -> None:
    with pytest.raises(
        sl.DataError, match="training diverged: the loss of step 2 is nan; lower learning_rate"
    ):
        train("llama", some, learning_rate=1e38, warmup=0)


def test_no_model_that_could_be_trained(
    models: dict[str, Path], some: sl.Rows[Any], train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(sl.DataError, match="no chat template"):
        train("gpt2", some, template="chat")
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(sl.DataError, match=r'needs peft, .*: pip install "selectlang\[train\]"'):
        train("llama", some, lora_rank=2)


@pytest.mark.parametrize("more", [{}, {"lora_rank": 2}])
def test_it_is_quiet_and_leaves_nothing_behind(
    models: dict[str, Path],
    some: sl.Rows[Any],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, Any],
) -> None:
    from transformers.utils import logging

    here, scratch = tmp_path / "here", tmp_path / "scratch"
    here.mkdir()
    scratch.mkdir()
    monkeypatch.chdir(here)
    level = logging.get_verbosity()
    sft(some, base=str(models["gpt2"]), epochs=1, seed=1, scratch=scratch, **more)
    assert capfd.readouterr() == ("", "")
    assert list(here.iterdir()) == []
    assert {path.name for path in scratch.iterdir()} <= {"model", "checkpoints"}
    assert logging.get_verbosity() == level


# Killed


class Stop(BaseException):
    pass


@pytest.mark.parametrize("name, more", [("gpt2", {}), ("llama", {"lora_rank": 2, "precision": "bf16"})])
def test_stopped_anywhere_it_ends_in_the_same_weights(
    some: sl.Rows[Any],
    train: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    more: dict[str, Any],
) -> None:
    """Nine steps of three epochs: stopped in an epoch, at its end, and while the model is written."""
    import transformers

    trainer, begun = transformers.Trainer, list[str]()
    run, write, finish = trainer.train, trainer._save_rng_state, module._save

    def note(self: Any, resume_from_checkpoint: str | None = None) -> Any:
        begun.append(Path(resume_from_checkpoint or "checkpoint-0").name)
        return run(self, resume_from_checkpoint)

    def stop_at(step: int) -> Callable[..., None]:
        def stopping(self: Any, folder: str) -> None:
            if self.state.global_step == step:
                raise Stop
            write(self, folder)

        return stopping

    def stop_at_the_end(network: Any, tokenizer: Any, precision: Any, folder: Path) -> None:
        finish(network, tokenizer, precision, folder)
        (folder / "model.safetensors").write_bytes(b"half")
        raise Stop

    given_ = {"batch": 4, "epochs": 3, **more}
    whole = train(name, some, **given_)
    scratch = tmp_path / "stopped"
    scratch.mkdir()
    monkeypatch.setattr(_loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(trainer, "train", note)
    for owner, attribute, stopping in (
        (trainer, "_save_rng_state", stop_at(3)),
        (trainer, "_save_rng_state", stop_at(4)),
        (module, "_save", stop_at_the_end),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, attribute, stopping)
            with pytest.raises(Stop):
                train(name, some, **given_, scratch=scratch)
    done = train(name, some, **given_, scratch=scratch)
    assert begun == ["checkpoint-0", "checkpoint-2", "checkpoint-3", "checkpoint-9"]
    assert same(done.model, whole.model)
    assert done == whole._replace(model=done.model)


KILLED = """
import os, signal, sys
from pathlib import Path
import transformers
from selectlang.data.dataset import Dataset
import selectlang as sl
from selectlang_plugins.train import _loop
from selectlang_plugins.train.sft import sft

base, scratch, records = sys.argv[1], Path(sys.argv[2]), eval(sys.argv[3])
_loop.CHECKPOINT_SECONDS = 0.0
write = transformers.Trainer._save_optimizer_and_scheduler
def killed(self, folder):
    if self.state.global_step == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, folder)
transformers.Trainer._save_optimizer_and_scheduler = killed
rows = sl.Rows(Dataset.from_records(records, id="id"))
sft(rows, base=base, batch=4, learning_rate=5e-3, seed=1, scratch=scratch)
"""


def test_killed_it_ends_in_the_same_weights(
    models: dict[str, Path], some: sl.Rows[Any], train: Callable[..., Any], tmp_path: Path
) -> None:
    """By kill -9, when a checkpoint is half written."""
    scratch = tmp_path / "killed"
    scratch.mkdir()
    turns = zip(some.ids(), some.turns(), strict=True)
    records = [{"id": name, "instruction": asked[1], "output": said[1]} for name, (asked, said) in turns]
    environment = {**os.environ, "PYTHONPATH": ":".join(p for p in sys.path if p), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED, str(models["gpt2"]), str(scratch), repr(records)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert {path.name for path in (scratch / "checkpoints").iterdir()} == {"checkpoint-4", "checkpoint-5"}
    resumed, whole = (train("gpt2", some, batch=4, **more) for more in ({"scratch": scratch}, {}))
    assert same(resumed.model, whole.model)
    assert resumed.loss == whole.loss


# In a spec

SPEC = """
selectlang: 1
name: student
params: {model: {type: model}, pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  first:    {train: sft, from: pool, base: $model, epochs: 1, learning_rate: 0.01}
  second:
    {train: sft, from: {rows: pool, previous: first.model}, base: $model, learning_rate: 0.01, lora_rank: 2}
  before:   {score: perplexity, from: pool, model: $model, text: response}
  after:    {score: perplexity, from: {rows: pool, model: second.model}, text: response}
  vectors:  {embed: hidden_states, from: {rows: pool, model: second}}
  progress: {merge: difference, from: [before, after]}
  near:     {score: nearest, from: {pool: vectors, targets: vectors}}
  promise:  {merge: maximum, from: [progress, near]}
  chosen:   {budget: top, from: progress, size: 4}
outputs: {chosen: chosen, progress: progress, promise: promise}
"""


def test_a_spec_trains_and_uses_what_it_trained(
    models: dict[str, Path], some: sl.Rows[Any], project: Callable[..., Any]
) -> None:
    turns = zip(some.ids(), some.turns(), strict=True)
    records = [{"id": name, "instruction": asked[1], "output": said[1]} for name, (asked, said) in turns]
    p = project({"student.yaml": SPEC, "pool.jsonl": records})
    command = f"selectlang run student.yaml --set model={models['llama']} --set pool=pool.jsonl --out out"
    done = p.run(command).ok()
    gains = [row["score"] for row in done.rows("progress") if row["score"] is not None]
    assert sum(gain > 0 for gain in gains) > len(gains) / 2
    assert [row["score"] for row in done.why()] == sorted(gains, reverse=True)[:4]
    metrics = {path: done.stage(path)["metrics"] for path in ("first", "second")}
    assert metrics["second"]["loss"] < metrics["first"]["loss"]
    assert metrics["first"]["examples"] == len(some)
    again = p.run(command).ok()
    assert set(again.states.values()) == {"cached"}
    assert again.bytes() == done.bytes()
