"""Toy models, made and trained in seconds on this machine: a language model and a reward model.

They stand in where a real one is a download: in tests, in the quickstart and in benchmarks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from selectlang.demo.pool import Row

if TYPE_CHECKING:
    import torch

Pair = tuple[str, str]
VOCABULARY = 2048
LONGEST = 192  # tokens; longer texts lose their end while the models are trained
POSITIONS = 1024
CHAT = (
    "<s>{% for m in messages %}<|{{ m['role'] }}|>{{ '\\n' }}{{ m['content'] | trim }}"
    "{{ '</s>' if m['role'] == 'assistant' else '' }}{{ '\\n' if not loop.last else '' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '\\n<|assistant|>\\n' }}{% endif %}"
)


def pairs(rows: Iterable[Row]) -> list[Pair]:
    """What rows of the demonstration pool ask, with their input, and what they answer."""
    return [(f"{row['instruction']}\n\n{row['input']}".strip(), row["output"]) for row in rows]


def write_model(folder: Path, pairs: Sequence[Pair], *, steps: int = 400, seed: int = 0) -> Path:
    """Write a small causal language model that was trained on (question, answer) pairs; return `folder`.

    A Llama of a quarter of a million parameters, with a tokenizer of its own (BPE, trained on the pairs) and
    a chat template in the tulu form. It learns to write like the pairs, and knows little. The same pairs,
    steps and seed give the same model on one machine, in about 7 seconds.
    """
    import torch

    tokenizer = _tokenizer(pairs)
    ids = _encoded(tokenizer, pairs)

    def loss(model: Any, chosen: list[int]) -> Any:
        tokens, mask = _padded([ids[i] for i in chosen])
        labels = tokens.masked_fill(mask == 0, -100)
        return model(tokens, attention_mask=mask, labels=labels).loss

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _transformers().LlamaForCausalLM(_config(tokenizer))
        _train(model, loss, _batches(ids, 8, steps, seed), rate=1e-2)
    return _write(folder, model, tokenizer)


def write_toy_reward_model(folder: Path, rows: Sequence[Row], *, steps: int = 500, seed: int = 0) -> Path:
    """Write a toy reward model that tells good rows of the demonstration pool from others; return `folder`.

    It has read the planted `quality` of `rows`, which no real reward model could, and is of use on the
    demonstration pool alone: a small Llama with one output, trained to score the answers of good rows
    above short, mismatched and garbled ones, and above themselves with their words lost or out of order.
    """
    import torch

    good, bad = _judged(rows, Random(seed))
    tokenizer = _tokenizer(good)
    ids = _encoded(tokenizer, [*good, *bad])
    wanted = torch.tensor([1.0] * len(good) + [0.0] * len(bad))

    def loss(model: Any, chosen: list[int]) -> Any:
        tokens, mask = _padded([ids[i] for i in chosen])
        scores = model(tokens, attention_mask=mask).logits[:, 0]
        return torch.nn.functional.binary_cross_entropy_with_logits(scores, wanted[chosen])

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _transformers().LlamaForSequenceClassification(_config(tokenizer, num_labels=1))
        _train(model, loss, _batches(ids, 16, steps, seed), rate=2e-3)
    return _write(folder, model, tokenizer)


def _judged(rows: Sequence[Row], rng: Random) -> tuple[list[Pair], list[Pair]]:
    """Good pairs and bad: as planted, and good questions with spoilt answers."""
    good = pairs(row for row in rows if row["quality"] in ("good", "near_duplicate"))
    bad = pairs(row for row in rows if row["quality"] not in ("good", "near_duplicate"))
    for number, (question, answer) in enumerate(good):
        words = answer.split()
        if number % 3 == 0:
            answer = rng.choice(good)[1]
        elif number % 3 == 1:
            rng.shuffle(words)
            answer = " ".join(words)
        else:
            answer = " ".join(word for word in words if rng.random() < 0.6)
        bad.append((question, answer))
    return good, bad


def _tokenizer(pairs: Sequence[Pair]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator((text for pair in pairs for text in pair), trainer)
    tokenizer = _transformers().PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        model_max_length=POSITIONS,
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def _encoded(tokenizer: Any, pairs: Sequence[Pair]) -> list[list[int]]:
    """The tokens of each pair, as the chat template writes it."""
    texts = [
        f"<|user|>\n{question.strip()}\n<|assistant|>\n{answer.strip()}</s>" for question, answer in pairs
    ]
    ids: list[list[int]] = tokenizer(texts, truncation=True, max_length=LONGEST)["input_ids"]
    return ids


def _config(tokenizer: Any, **more: Any) -> Any:
    return _transformers().LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **more,
    )


def _padded(ids: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    width = max(map(len, ids))
    tokens = torch.tensor([[*text, *[0] * (width - len(text))] for text in ids])
    return tokens, (tokens != 0).long()


def _batches(ids: Sequence[Sequence[int]], size: int, steps: int, seed: int) -> list[list[int]]:
    """Indices of texts of like length for each step, in an order that the seed decides."""
    rng, made = Random(seed), list[list[int]]()
    while len(made) < steps:
        order = rng.sample(range(len(ids)), len(ids))
        order.sort(key=lambda i: len(ids[i]) // 16)
        starts = range(0, len(order), size)
        made.extend(order[start : start + size] for start in rng.sample(starts, len(starts)))
    return made[:steps]


def _train(
    model: Any,
    loss: Callable[[Any, list[int]], Any],
    batches: list[list[int]],
    rate: float,
) -> None:
    """Train on one thread: more do not make so small a model faster, and would add in another order."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=len(batches) + 1, pct_start=0.1
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for chosen in batches:
            optimizer.zero_grad()
            loss(model, chosen).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    finally:
        torch.set_num_threads(threads)


def _write(folder: Path, model: Any, tokenizer: Any) -> Path:
    logging = _transformers().utils.logging
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    finally:
        if bars:
            logging.enable_progress_bar()
    return folder


def _transformers() -> Any:
    return import_module("transformers")
