"""The second part of the quickstart: specs with a model in the loop, offline, with stand-ins for models."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from selectlang.cli import main as selectlang
from selectlang.demo.pool import make_pool, write

ROWS = 200
ENCODER = "sentence-transformers/all-MiniLM-L6-v2"  # as specs name it: under another name it is another model
INTRODUCTION = f"""
Now with models in the loop, on {ROWS} rows. Stand-ins for the models, made here in seconds: a small language
model that is trained on the rows, a toy reward model that was told their quality, and fake/judge, which
counts words. A real judge is one param: --set judge=openai/gpt-4o (docs/models.md).
"""
REUSED = (
    "What an earlier run has done is kept, and used again: iterselecttune-one-shot goes by the training of "
    "iterselecttune, dnc-iterative-judge and dnc-iterative-perplexity by that of dnc-iterative."
)
DNC = ("dnc-iterative", "dnc-iterative-judge", "dnc-iterative-perplexity", "dnc-released-code")
SPECS = ("alpagasus", "iterselecttune", "iterselecttune-one-shot", "iterselecttune-apply", *DNC)


def show(console: Console, folder: Path) -> None:
    """Make the stand-ins, run every spec, and show what each chose and asked."""
    from selectlang.demo.model import pairs, write_model, write_toy_reward_model

    console.print(INTRODUCTION, highlight=False, markup=False, soft_wrap=True)
    write(folder, rows=ROWS)
    rows = make_pool(ROWS)
    write_model(folder / "toy-model", pairs(rows), steps=100)
    write_toy_reward_model(folder / "toy-reward", rows, steps=100)
    table = Table(title="What was chosen, and what each run added", caption=REUSED, caption_justify="left")
    table.add_column("spec", no_wrap=True)
    for name in ("rows", "good rows", "new calls", "trainings", "seconds"):
        table.add_column(name, justify="right")
    for name in SPECS:
        command = ["run", name, *settings(name, folder), "--out", str(folder / name)]
        console.print(f"[bold]$ selectlang {shlex.join(command)}[/bold]", highlight=False, soft_wrap=True)
        started = time.perf_counter()
        call(command)
        record = json.loads((folder / name / "record.json").read_text(encoding="utf-8"))
        table.add_row(name, *cells(folder / name, record), f"{time.perf_counter() - started:.0f}")
    console.print()
    console.print(table)


def settings(name: str, folder: Path) -> list[str]:
    """The params of a spec, as options."""
    given: dict[str, object] = {"pool": folder / "pool.jsonl"}
    if name == "alpagasus":
        given |= {"judge": "fake/judge", "least": 3.5}
    elif name == "iterselecttune-apply":
        trained = folder / "iterselecttune"
        given |= {"classifier": trained / "classifier", "hard": trained / "hard.jsonl", "encoder": ENCODER}
    elif name in DNC:
        given |= {"model": folder / "toy-model", "encoder": ENCODER, "k": 10, "size": "20%", "rounds": 2}
        given |= {"judge": "fake/judge"} if name == "dnc-iterative-judge" else {}
        given |= {"reward_model": folder / "toy-reward"}
    else:
        given |= {"base_model": f"local/{folder.absolute() / 'toy-model'}", "judge": "fake/judge"}
        given |= {"classifier": ENCODER, "encoder": ENCODER, "clusters": 10, "diverse": "50%", "batch": 30}
        given |= {"rounds": 2, "learning_rate": 1e-4}  # a small encoder hardly learns at the default
    return [word for key, value in given.items() for word in ("--set", f"{key}={value}")]


def call(command: list[str]) -> None:
    """Run a command in this process, so that libraries are loaded once; ends with it when it fails."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        code = selectlang(command)
    if code:
        print(err.getvalue(), file=sys.stderr)
        sys.exit(code)


def cells(folder: Path, record: dict[str, Any]) -> list[str]:
    """Rows chosen, the share of planted good ones; and of this run, calls to models and models trained."""
    chosen = [json.loads(line) for line in (folder / "chosen.jsonl").read_text(encoding="utf-8").splitlines()]
    good = sum(row["quality"] == "good" for row in chosen)
    calls = sum(asked["paid"] for asked in record["asked"].values())
    ran = [stage for stage in record["stages"] if stage["state"] == "ran"]
    trained = sum(stage["kind"] in ("train", "classify") for stage in ran)
    share = f"{100 * good / len(chosen):.0f}%" if chosen else "-"
    return [str(len(chosen)), share, str(calls), str(trained)]
