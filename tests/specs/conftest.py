"""A made pool, its targets and a small made model, in one folder and one store for all specs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.data.dataset import Dataset
from selectlang.demo.pool import make_pool, write

ROWS = 240
Run = Callable[..., Any]


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
def causal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a made Llama with random weights and the words of the pool."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("causal")
    tokenizer = train_tokenizer([f"{row['instruction']} {row['output']}" for row in make_pool(ROWS)])
    small = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1}
    LlamaForCausalLM(LlamaConfig(**small, vocab_size=len(tokenizer), initializer_range=0.5)).save_pretrained(
        folder
    )
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pool.jsonl and targets.jsonl."""
    folder = tmp_path_factory.mktemp("specs")
    write(folder, rows=ROWS)
    return folder


@pytest.fixture
def rows(workplace: Path) -> dict[str, dict[str, Any]]:
    """The pool by id: no spec names a field for it, so an id is a hash of the content."""
    with (workplace / "pool.jsonl").open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return dict(zip(Dataset.from_records(found).ids(), found, strict=True))


@pytest.fixture
def run(workplace: Path, project_at: Callable[[Path], Any]) -> Run:
    """`run(spec, **params)`: run a spec on the pool; `extra` adds outputs. Vectors are made once for all."""
    p = project_at(workplace)

    def call(spec: str, extra: dict[str, str] | None = None, **params: object) -> Any:
        name = spec
        if extra:
            name = f"{spec}-more.yaml"
            outputs = {"chosen": "chosen", **extra}
            more = {"selectlang": 1, "name": "more", "extends": f"selectlang:{spec}", "outputs": outputs}
            p.write({name: json.dumps(more)})
        given = " ".join(f"--set {key}={value}" for key, value in params.items())
        return p.run(f"selectlang run {name} {given} --set pool=pool.jsonl --out out-{spec}").ok()

    return call
