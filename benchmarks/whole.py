"""IterSelectTune as it is over the rows of Alpaca, with models of this machine: seconds, calls, memory."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from shown import table

from selectlang.demo.model import write_model

MINILM = "all-MiniLM-L6-v2"
TAUGHT = 2000  # rows that the small language model learns from


def add_options(parser: ArgumentParser) -> None:
    given = parser.add_argument_group("over Alpaca")
    given.add_argument("--alpaca", type=Path, metavar="DIR", help="holds pools/alpaca_data.json.gz")
    given.add_argument("--rows", type=int, metavar="N", help="only the first N rows")
    given.add_argument("--rounds", type=int, default=4, metavar="N", help="of training (default 4)")
    given.add_argument(
        "--batch", type=int, default=500, metavar="N", help="rows judged in each (default 500)"
    )
    given.add_argument("--precision", default="bf16", help="of MiniLM: bf16 or fp32 (default bf16)")
    given.add_argument("--keep", type=Path, metavar="DIR", help="keep the run and its store here")


def show(console: Console, work: Path, args: Namespace) -> None:
    """Run it, run it again, and show the record."""
    work = args.keep or work
    work.mkdir(parents=True, exist_ok=True)
    text = gzip.decompress((args.alpaca / "pools" / "alpaca_data.json.gz").read_bytes())
    pool = json.loads(text)[: args.rows]
    (work / "pool.json").write_text(json.dumps(pool), encoding="utf-8")
    learnt = pool[:: max(1, len(pool) // TAUGHT)]
    asked = [(f"{row['instruction']}\n\n{row['input']}".strip(), row["output"]) for row in learnt]
    base = write_model(work / "base", asked)
    params = {
        "pool": work / "pool.json", "base_model": f"local/{base}", "judge": "fake/judge", "encoder": MINILM,
        "classifier": MINILM, "precision": args.precision, "rounds": args.rounds, "batch": args.batch,
        "accuracy": 1.01,
    }  # fmt: skip
    seconds, record = run(work, params)
    again, _ = run(work, params)
    console.rule(f"IterSelectTune over {len(pool):,} rows of Alpaca")
    show_record(console, record)
    console.print(f"{seconds:.0f} s from start to end, {again:.1f} s once more; ", end="")
    console.print(f"{record['peak_memory'] / 2**20:,.0f} MiB of memory at most")


def run(work: Path, params: Mapping[str, object]) -> tuple[float, dict[str, Any]]:
    """Wall seconds of the run as a process of its own, and its record."""
    sets = [word for key, value in params.items() for word in ("--set", f"{key}={value}")]
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "selectlang", "run", "iterselecttune", *sets, "--out", str(work / "out")],
        check=True,
        env={**os.environ, "SELECTLANG_STORE": str(work / "store")},
        stdout=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - started
    return seconds, json.loads((work / "out" / "record.json").read_text(encoding="utf-8"))


def show_record(console: Console, record: Mapping[str, Any]) -> None:
    """Seconds by stage, the longest first; what each round found; calls by model."""
    spent: dict[str, list[float]] = {}
    for stage in record["stages"]:
        if stage["state"] == "ran":
            spent.setdefault(stage["path"].partition("#")[0], []).append(stage["seconds"])
    longest = sorted(spent.items(), key=lambda item: -sum(item[1]))
    rest = [seconds for _, each in longest[12:] for seconds in each]
    rows = {name: (len(each), f"{sum(each):.1f}", f"{max(each):.1f}") for name, each in longest[:12]}
    rows[f"{len(longest) - 12} others"] = (len(rest), f"{sum(rest):.1f}", f"{max(rest):.1f}")
    console.print(table("Seconds by stage", ["stage", "times run", "seconds", "longest"], rows))
    rates = {
        name: [stage["metrics"][metric] for stage in record["stages"] if stage["path"].startswith(f"{path}#")]
        for name, path, metric in (
            ("hard rows of the batch", "training/judged", "hard_rate"),
            ("foreseen by the classifier of the round before", "training/hardness", "accuracy"),
            ("foreseen, of rows held out", "training/hardness", "held_out"),
        )
    }
    head = ["round", *(str(number + 1) for number in range(len(rates["hard rows of the batch"])))]
    shown = {name: ["-" if x is None else f"{x:.0%}" for x in each] for name, each in rates.items()}
    console.print(table("What each round found", head, shown))
    asked = {
        Path(model).name: [f"{each[name]:,}" for name in ("calls", "tokens_in", "tokens_out")]
        for model, each in record["asked"].items()
    }
    console.print(table("Calls", ["model", "calls", "tokens in", "tokens out"], asked))
