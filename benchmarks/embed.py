"""Embedding rows of Alpaca: ours against the plain ways, and against the limit of the machine.

    python benchmarks/embed.py [--rows N] [--causal-rows N] [--repeats N] [--full] [--data DIR]

`embed: sentence` with MiniLM, in fp32 and bf16, against a plain loop (batches of 32 in file order, padded to
the longest, mean pooling, fp32) and SentenceTransformer.encode as it is (fp32). `embed: hidden_states` with
a Llama of 56M parameters, made here at random, against the loop of the authors of RDS+: one row a batch,
all hidden states and the logits kept, then the weighted mean; in bf16, as theirs runs, and in fp32. All take
turns, and a ratio is the median of those of the turns. On a GPU, where there is one.

Then what bf16 changes: the mean cosine between the vectors, and the share of the rows that are chosen in
both precisions: the top 10 % by `nearest`, and 10 % by the turns of three tasks (RDS+).

DIR holds pools/alpaca_data.json.gz and targets/ (default: $SELECTLANG_DATA, else ../shared/data).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from alpaca import MODEL, targets
from machine import machine, rates
from numpy.typing import NDArray
from rich.console import Console
from shown import table

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang_plugins import _models
from selectlang_plugins.budget.round_robin import round_robin
from selectlang_plugins.embed.hidden_states import hidden_states
from selectlang_plugins.embed.sentence import sentence
from selectlang_plugins.score.nearest import nearest

Rows = sl.Rows[Any]
Matrix = NDArray[np.float32]
Way = Callable[[Rows], Matrix]
SIZES: dict[str, Any] = {
    "hidden_size": 512,
    "intermediate_size": 1376,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
}


def plain(tokenizer: Any, network: Any, rows: Rows) -> Matrix:
    """The control: batches of 32 in file order."""
    texts, found = rows.texts(), []
    for start in range(0, len(texts), 32):
        batch = tokenizer(
            texts[start : start + 32], padding=True, truncation=True, max_length=256, return_tensors="pt"
        ).to(network.device)
        with torch.inference_mode():
            states = network(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        pooled = (states * mask).sum(dim=1) / mask.sum(dim=1)
        found.append(torch.nn.functional.normalize(pooled, dim=1).cpu().numpy())
    return np.concatenate(found)


def encode(model: Any, rows: Rows) -> Matrix:
    """Sentence-transformers as it is."""
    found: Matrix = model.encode(rows.texts(), normalize_embeddings=True, show_progress_bar=False)
    return found


def one_by_one(tokenizer: Any, network: Any, limit: int, rows: Rows) -> Matrix:
    """The loop of the authors of RDS+."""
    found = []
    for text in rows.texts("full", "tulu"):
        batch = tokenizer(text, truncation=True, max_length=limit, return_tensors="pt").to(network.device)
        with torch.no_grad():
            states = network(**batch, output_hidden_states=True).hidden_states[-1][0]
        weights = torch.arange(1, len(states) + 1, device=states.device)
        pooled = (states * (weights / weights.sum())[:, None]).sum(dim=0).float()
        found.append(torch.nn.functional.normalize(pooled, dim=0).cpu().numpy())
    return np.stack(found)


def ours(method: Any, rows: Rows) -> Matrix:
    """A method, window by window, as the engine calls it."""
    size = max(method.shard_rows, method.window_rows(rows, torch.cuda.device_count()))
    shards = (np.arange(start, min(start + size, len(rows))) for start in range(0, len(rows), size))
    return np.concatenate([method(rows.take(shard)).matrix for shard in shards])


def minilm_ways() -> tuple[dict[str, Way], Any]:
    """The ways to embed with MiniLM, and its tokenizer."""
    from sentence_transformers import SentenceTransformer

    tokenizer, network = _models.load(MODEL, "fp32", head="")
    library = SentenceTransformer(str(_models.find(MODEL)), device=_models.device())
    ways: dict[str, Way] = {
        "plain loop": partial(plain, tokenizer, network),
        "encode": partial(encode, library),
        "ours, fp32": partial(ours, sentence()),
        "ours, bf16": partial(ours, sentence(precision="bf16")),
    }
    return ways, partial(tokenizer, truncation=True, max_length=256)


def causal_ways(folder: Path) -> tuple[dict[str, Way], Any]:
    """The ways to embed with a causal model, which is made in a folder, and its tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _models.load_tokenizer(MODEL)
    tokenizer.model_max_length = 2048
    torch.manual_seed(0)
    network = LlamaForCausalLM(LlamaConfig(**SIZES, vocab_size=len(tokenizer), max_position_embeddings=2048))
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    ways: dict[str, Way] = {}
    for precision in ("bf16", "fp32"):
        control = _models.load_network(str(folder), precision, "CausalLM")
        control.config.use_cache = True  # as it is where nobody says otherwise
        ways[f"authors' loop, {precision}"] = partial(one_by_one, tokenizer, control, 2048)
        ways[f"ours, {precision}"] = partial(ours, hidden_states(model_=str(folder), precision=precision))
    return ways, partial(tokenizer, truncation=True, max_length=2048)


def timed(ways: dict[str, Way], rows: Rows, repeats: int) -> tuple[dict[str, list[float]], dict[str, Matrix]]:
    """Seconds of each way in each turn, and what it found."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found = {}
    for way in ways.values():
        way(rows.take(np.arange(min(len(rows), 32))))  # what is done once
    for _ in range(repeats):
        for name, way in ways.items():
            started = time.perf_counter()
            found[name] = way(rows)
            seconds[name].append(time.perf_counter() - started)
    return seconds, found


def work(lengths: NDArray[np.int64], layers: int, hidden: int, inner: int, projections: int) -> float:
    """Operations that tokens without padding take: products with weights, and attention."""
    weights = 4 * hidden**2 + projections * hidden * inner
    return float(layers * (2 * weights * lengths.sum() + 4 * hidden * (lengths**2).sum()))


def show(
    title: str, seconds: dict[str, list[float]], controls: list[str], tokens: int, operations: float
) -> None:
    """Rates of the ways, their share of the limit, and their ratios to the controls."""
    lines = {}
    for name, times in seconds.items():
        spent = median(times)
        limit = rates().bf16 if "bf16" in name else rates().fp32
        ratios = [median(a / b for a, b in zip(seconds[to], times, strict=True)) for to in controls]
        achieved = operations / spent / 1e9
        lines[name] = (
            f"{spent:.2f}", f"{tokens / spent:,.0f}", f"{achieved:,.0f}", f"{achieved / limit:.0%}",
            *(f"{ratio:.2f}x" for ratio in ratios),
        )  # fmt: skip
    head = ["", "seconds", "tokens/s", "GF/s", "of the limit", *(f"to {name}" for name in controls)]
    Console(width=130).print(table(title, head, lines))


def chosen(pool: Rows, aims: Rows, vectors: Matrix, wanted: Matrix) -> list[set[str]]:
    """The rows of the top tenth by `nearest`, and of a tenth by the turns of the tasks."""
    targets = sl.Vectors(aims, wanted)
    nearness = nearest(targets)(sl.Vectors(pool, vectors)).values
    top = np.argsort(-nearness, kind="stable")[: max(1, len(pool) // 10)]
    scores = nearest(targets, per="group")(sl.Vectors(pool, vectors))
    turns = round_robin(scores, size=sl.Amount.parse("10%"), ties="order", seed=0)
    return [set(pool.take(top).ids()), set(turns.selection.rows.ids())]


def effect(title: str, ways: dict[str, Way], found: dict[str, Matrix], pool: Rows, aims: Rows) -> None:
    """Print what bf16 changes."""
    full, half = found["ours, fp32"], found["ours, bf16"]
    some = [chosen(pool, aims, found[name], ways[name](aims)) for name in ("ours, fp32", "ours, bf16")]
    near, turns = (len(a & b) / len(a) for a, b in zip(*some, strict=True))
    cosine = float((full * half).sum(axis=1).mean())
    print(f"{title} in bf16: mean cosine to fp32 {cosine:.5f}; of the rows chosen in fp32 it chooses")
    print(f"  {near:.1%} of the top 10 % by nearest, {turns:.1%} of 10 % by the turns of three tasks")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    folder = Path(os.environ.get("SELECTLANG_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=folder)
    parser.add_argument("--rows", type=int, default=2000, help="a sample for MiniLM (default 2000)")
    parser.add_argument("--causal-rows", type=int, default=500, help="for the causal model (default 500)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--full", action="store_true", help="also all rows once, ours with MiniLM")
    args = parser.parse_args()
    records = json.loads(gzip.decompress((args.data / "pools" / "alpaca_data.json.gz").read_bytes()))
    records = [{"id": str(number), **record} for number, record in enumerate(records)]
    sample = random.Random(0).sample(records, max(args.rows, args.causal_rows))

    def rows_of(given: list[dict[str, Any]], **spec: Any) -> Rows:
        return sl.Rows(Dataset.from_records(given, **spec))

    with tempfile.TemporaryDirectory() as name:
        targets(args.data, Path(name) / "targets.jsonl")
        lines = (Path(name) / "targets.jsonl").read_text().splitlines()
        aims = rows_of([json.loads(line) for line in lines], group="task")
        print(machine())
        rows = rows_of(sample[: args.rows], id="id")
        ways, tokenizer = minilm_ways()
        lengths = np.array([len(ids) for ids in tokenizer(rows.texts())["input_ids"]])
        seconds, found = timed(ways, rows, args.repeats)
        operations = work(lengths, 6, 384, 1536, 2)
        title = f"MiniLM, {len(rows):,} rows of Alpaca, {lengths.sum():,} tokens"
        show(title, seconds, ["plain loop", "encode"], lengths.sum(), operations)
        effect("MiniLM", ways, found, rows, aims)
        if args.full:
            everything = rows_of(records, id="id")
            for way in ("ours, bf16", "ours, fp32"):
                started = time.perf_counter()
                ways[way](everything)
                print(f"{way}: all {len(everything):,} rows in {time.perf_counter() - started:.0f} s")
        rows = rows_of(sample[: args.causal_rows], id="id")
        ways, tokenizer = causal_ways(Path(name) / "model")
        lengths = np.array([len(ids) for ids in tokenizer(rows.texts("full", "tulu"))["input_ids"]])
        seconds, found = timed(ways, rows, args.repeats)
        operations = work(
            lengths, SIZES["num_hidden_layers"], SIZES["hidden_size"], SIZES["intermediate_size"], 3
        )
        title = f"Llama of 56M parameters, {len(rows):,} rows, {lengths.sum():,} tokens"
        controls = ["authors' loop, bf16", "authors' loop, fp32"]
        show(title, seconds, controls, lengths.sum(), operations)
        effect("The Llama", ways, found, rows, aims)


if __name__ == "__main__":
    main()
