"""A made pool, its targets and small made models, in one folder and one store for all specs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from selectlang.data.dataset import Dataset
from selectlang.demo.pool import make_pool, write
from selectlang.llm import fake
from tests.llm.server import Server

ROWS = 240
Run = Callable[..., Any]
Toys = dict[str, str]


def train_tokenizer(texts: list[str]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.WordLevel(unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.train_from_iterator(
        texts, trainers.WordLevelTrainer(special_tokens=["<pad>", "<unk>", "<s>", "</s>"])
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, unk_token="<unk>", eos_token="</s>", bos_token="<s>", pad_token="<pad>"
    )


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """The words of the pool."""
    return train_tokenizer([f"{row['instruction']} {row['output']}" for row in make_pool(ROWS)])


SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1}


@pytest.fixture(scope="session")
def causal(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    """The folder of a made Llama with random weights and the words of the pool."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("causal")
    config = LlamaConfig(**SMALL, vocab_size=len(tokenizer), initializer_range=0.5)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Toys:
    """The folders of an `encoder` with random weights, and of a `model` and a `reward` of a few seconds.

    The model has read the short good rows of the pool: it answers, shortly, and not always well.
    """
    import torch
    from transformers import BertConfig, BertModel

    from selectlang.demo.model import pairs, write_model, write_toy_reward_model

    root, rows = tmp_path_factory.mktemp("toys"), make_pool(ROWS)
    good = pairs(row for row in rows if row["quality"] == "good")
    write_model(root / "model", [pair for pair in good if len(" ".join(pair)) < 150], steps=200)
    write_toy_reward_model(root / "reward", rows, steps=20)
    torch.manual_seed(0)
    config = BertConfig(
        **SMALL,
        vocab_size=len(tokenizer),
        max_position_embeddings=256,
        initializer_range=0.5,
        pad_token_id=tokenizer.pad_token_id,
    )
    BertModel(config).save_pretrained(root / "encoder")
    tokenizer.save_pretrained(root / "encoder")
    return {name: str(root / name) for name in ("encoder", "model", "reward")}


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pool.jsonl and targets.jsonl."""
    folder = tmp_path_factory.mktemp("specs")
    write(folder, rows=ROWS)
    return folder


def by_id(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a file by id: no spec names a field for it, so an id is a hash of the content."""
    with path.open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return dict(zip(Dataset.from_records(found).ids(), found, strict=True))


@pytest.fixture
def rows(workplace: Path) -> dict[str, dict[str, Any]]:
    """The pool by id."""
    return by_id(workplace / "pool.jsonl")


@pytest.fixture
def run(workplace: Path, project_at: Callable[[Path], Any], few_threads: None) -> Run:
    """`run(spec, **params)`: run a spec on the pool. What it has in common with other runs is made once.

    `extra` adds outputs to the spec, and `stages` changes its stages. `out` is the run folder, `project`
    another place to run in than the common one, and `options` are further words of the command.
    """

    def call(
        spec: str,
        extra: dict[str, str] | None = None,
        stages: dict[str, Any] | None = None,
        out: str = "",
        project: Any = None,
        options: str = "",
        **params: object,
    ) -> Any:
        p, name = project or project_at(workplace), spec
        if extra or stages:
            name = f"{out or spec}-more.yaml"
            changes = {"outputs": extra, "stages": stages}
            more = {"selectlang": 1, "name": "more", "extends": f"selectlang:{spec}"}
            p.write({name: json.dumps(more | {key: value for key, value in changes.items() if value})})
        given = " ".join(f"--set {key}={value}" for key, value in {"pool": "pool.jsonl", **params}.items())
        return p.run(f"selectlang run {name} {given} --out {out or f'out-{spec}'} {options}").ok()

    return call


def said(prompt: str) -> str:
    """What `fake/judge` says to a prompt of a judge; to any other, the prompt again."""
    name = "judge" if "[Answer 1]" in prompt else "echo"
    return fake.answer(name, [{"role": "user", "content": prompt}])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that answers as the stand-ins do, for models that have a price."""
    monkeypatch.setenv("OPENAI_API_KEY", "none-needed")
    for name in ("OPENAI_API_BASE", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with Server(answer=said) as found:
        yield found


@pytest.fixture
def hardness(toys: Toys) -> dict[str, object]:
    """Params of iterselecttune for the pool: the base model repeats the question, the judge counts words."""
    encoder = toys["encoder"]
    common = {"classifier": encoder, "encoder": encoder, "clusters": 8, "diverse": "50%", "batch": 20}
    return {**common, "base_model": "fake/echo", "judge": "fake/judge", "steps": 4, "accuracy": 2}


@pytest.fixture(scope="session")
def once() -> dict[str, Any]:
    """What several tests look at, and is run once."""
    return {}


@pytest.fixture
def trained(once: dict[str, Any], run: Run, hardness: dict[str, object]) -> Any:
    """A run of iterselecttune."""
    if "trained" not in once:
        once["trained"] = run("iterselecttune", out="trained", **hardness, rounds=3)
    return once["trained"]
