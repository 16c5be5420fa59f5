"""Small made models: random weights, a vocabulary of a few words, nothing from the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import selectlang as sl
from selectlang.data.dataset import Dataset

WORDS = "add the two numbers and say why sum is of red blue apple tree one three answer yes no a b c".split()
SPECIALS = ["<pad>", "<unk>", "<s>", "</s>"]
TAGS = ["<", ">", "|", "user", "assistant", "system", ".", ",", "!"]


def rows_of(records: list[dict[str, Any]], **spec: Any) -> sl.Rows[Any]:
    return sl.Rows(Dataset.from_records(records, id="id", **spec))


@pytest.fixture(scope="session")
def talk() -> Callable[..., sl.Rows[Any]]:
    """Rows of (instruction, response) pairs, with ids r0, r1 and so on."""

    def make(*pairs: tuple[str, str]) -> sl.Rows[Any]:
        return rows_of([{"id": f"r{i}", "instruction": a, "output": b} for i, (a, b) in enumerate(pairs)])

    return make


@pytest.fixture(scope="session")
def some(talk: Callable[..., sl.Rows[Any]]) -> sl.Rows[Any]:
    """Rows of many lengths, in no order of length."""

    def words(start: int, count: int) -> str:
        return " ".join(WORDS[(start + i) % len(WORDS)] for i in range(count))

    pairs = [(words(3 * i, 1 + 7 * i % 25), words(i, 1 + i % 4)) for i in range(9)]
    return talk(*pairs, ("say ünïcode 語", "yes 🙂 no"), ("the sum", "is"))


def _tokenizer(bos: bool, pad: bool, side: str = "right", chat: str | None = None) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate([*SPECIALS, *TAGS, *WORDS])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    if bos:
        core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 2)])
    made = PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="<unk>",
        eos_token="</s>",
        bos_token="<s>" if bos else None,
        pad_token="<pad>" if pad else None,
        padding_side=side,
    )
    if chat:
        made.chat_template = chat
    return made


CHAT = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
    "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }} {{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of made models: a Llama, a Gemma that caps its logits, a GPT-2 without a pad token, a BERT."""
    import torch
    from transformers import (
        BertConfig,
        BertForMaskedLM,
        Gemma2Config,
        Gemma2ForCausalLM,
        GPT2Config,
        GPT2LMHeadModel,
        LlamaConfig,
        LlamaForCausalLM,
    )

    torch.manual_seed(0)
    size = len(SPECIALS) + len(TAGS) + len(WORDS)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "vocab_size": size}
    llama = LlamaForCausalLM(LlamaConfig(**small, num_hidden_layers=3, max_position_embeddings=96))
    narrow = {"num_hidden_layers": 1, "num_key_value_heads": 1, "head_dim": 8}
    gemma = Gemma2ForCausalLM(Gemma2Config(**small, **narrow, final_logit_softcapping=0.05))
    gpt2 = GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=64, vocab_size=size))
    bert = BertForMaskedLM(
        BertConfig(**small, num_hidden_layers=2, max_position_embeddings=32, initializer_range=0.3)
    )
    root = tmp_path_factory.mktemp("models")
    made = {
        "llama": (llama, _tokenizer(bos=True, pad=True, chat=CHAT)),
        "llama-left": (llama, _tokenizer(bos=True, pad=True, side="left")),
        "gemma": (gemma, _tokenizer(bos=True, pad=True)),
        "gpt2": (gpt2, _tokenizer(bos=False, pad=False)),
        "bert": (bert, _tokenizer(bos=True, pad=True)),
    }
    for name, (model, tokenizer) in made.items():
        model.save_pretrained(root / name)
        tokenizer.save_pretrained(root / name)
    return {name: root / name for name in made}


@pytest.fixture(scope="session")
def points() -> Callable[..., sl.Vectors[Any]]:
    """Vectors of rows p0, p1 and so on, from an array; other fields of the rows by keyword, a list each."""
    import numpy as np

    def make(
        matrix: Any, ids: list[str] | None = None, group: str | None = None, **fields: Any
    ) -> sl.Vectors[Any]:
        matrix = np.asarray(matrix, np.float32)
        records = [
            {
                "id": ids[i] if ids else f"p{i}",
                "instruction": f"say {i}",
                "output": "",
                **{name: values[i] for name, values in fields.items()},
            }
            for i in range(len(matrix))
        ]
        return sl.Vectors(rows_of(records, **({"group": group} if group else {})), matrix)

    return make
