"""What selection in rounds finds, on pools of planted quality; or how long it takes on Alpaca.

    python benchmarks/rounds.py [--seeds N] [--bert] [--save FILE.html|FILE.svg]
    python benchmarks/rounds.py --alpaca DIR [--rows N] [--rounds N] [--batch N] [--precision fp32|bf16]

The first form shows medians over several pools. Language models and reward model are small ones, trained here
and now; the judge is `fake/judge`, which grades answers by a stated rule; no network is asked.

- IterSelectTune: how many rows of each judged batch are hard, and how many judge calls it takes to find a
  number of hard rows, against rows judged at random. Planted: the base model was taught all tasks but three.
  The classifier is a logistic regression on counts of words; with --bert it is MiniLM, fine-tuned in each
  round, on its vectors, which takes many minutes a pool.
- Diversify and Conquer: how far weights move to clusters of garbled answers when a reward model, a judge or
  perplexity says where to draw next. Planted: in three tasks, answers are words in random order.

The second form runs IterSelectTune as it is, with MiniLM, over the rows of Alpaca (DIR holds
pools/alpaca_data.json.gz), and shows seconds, calls and memory.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import whole
from planted import Curves, calls_until, labelling, noise
from rich.console import Console
from shown import chart, table

from selectlang.demo.model import pairs, write_model, write_toy_reward_model
from selectlang.demo.planted import NOISY_TASKS, half_taught
from selectlang.demo.pool import TARGET_TASKS, make_pool

BATCH, BATCHES = 40, 10  # rows judged in a round of IterSelectTune, and rounds
WANTED = (25, 50, 75, 100)  # hard rows
ROWS, ROUNDS = 2000, 4  # of the pool and rounds of Diversify and Conquer


def medians(found: Sequence[Curves]) -> Curves:
    """The median over pools, round by round."""
    names = found[0]
    return {
        name: [median(at) for at in zip(*(curves[name] for curves in found), strict=True)] for name in names
    }


def show_labelling(console: Console, found: Sequence[Curves]) -> None:
    """Hard rows by batch, and the calls they cost."""
    middle = medians(found)
    head = ["batch", *map(str, range(1, BATCHES + 1))]
    shares = {name: [f"{rate:.0%}" for rate in rates] for name, rates in middle.items()}
    console.print(table(f"Hard rows in each judged batch of {BATCH}", head, shares))
    console.print(chart(middle, "batch"))
    calls: dict[str, list[str]] = {name: [] for name in middle}
    for wanted in WANTED:
        each = {name: [calls_until(curves[name], BATCH, wanted) for curves in found] for name in middle}
        for name, counts in each.items():
            calls[name].append(saving(counts, each["at random"]))
    head = ["", *(f"{wanted} hard rows" for wanted in WANTED)]
    console.print(table("Judge calls until (and how many times fewer than at random)", head, calls))


def saving(counts: Sequence[float | None], control: Sequence[float | None]) -> str:
    """The median of counts, and by how many times those of the control are more."""
    reached = [count for count in counts if count is not None]
    if len(reached) < len(counts):
        return f"more than {BATCH * BATCHES}"
    times = [b / a for a, b in zip(reached, control, strict=True) if b is not None]
    return f"{median(reached):.0f}" + (f" ({median(times):.1f}x)" if len(times) == len(counts) else "")


def show_noise(console: Console, found: Sequence[Curves]) -> None:
    """Where rounds draw, by signal."""
    middle = medians(found)
    head = ["signal", *(f"round {number}" for number in range(1, ROUNDS + 1))]
    shares = {
        name: [
            f"{rate:.0%} ({min(at):.0%} to {max(at):.0%})"
            for rate, at in zip(rates, zip(*(curves[name] for curves in found), strict=True), strict=True)
        ]
        for name, rates in middle.items()
    }
    console.print(
        table("Weight of garbled rows when a round draws: median (lowest to highest)", head, shares)
    )
    console.print(chart(middle, "round"))


def show_planted(console: Console, work: Path, seeds: int, bert: bool) -> None:
    """Both experiments, each on a pool for each seed; the models have seen the pool of another."""
    others = make_pool(1500, seed=1000)
    good = [row for row in others if row["quality"] == "good"]
    tell = Console(stderr=True)
    tell.print("training three small models")
    half = write_model(work / "half-taught", half_taught(others), steps=600)
    base = write_model(work / "base", pairs(good), steps=300)
    reward = write_toy_reward_model(work / "reward", others, steps=300)
    judged, drawn = [], []
    for seed in range(seeds):
        tell.print(f"pool {seed + 1} of {seeds}: IterSelectTune")
        judged.append(
            labelling(work, f"local/{half}", seed, rows=3000, batch=BATCH, rounds=BATCHES, bert=bert)
        )
        tell.print(f"pool {seed + 1} of {seeds}: Diversify and Conquer")
        drawn.append(noise(work, base, reward, seed, rows=ROWS, rounds=ROUNDS))
    console.rule(f"IterSelectTune, medians over {seeds} pools")
    console.print(f"The base model was not taught {', '.join(TARGET_TASKS)}: their rows are hard for it.\n")
    show_labelling(console, judged)
    console.rule(f"Diversify and Conquer, medians over {seeds} pools")
    console.print(f"Answers of {', '.join(NOISY_TASKS)} are words in random order.\n")
    show_noise(console, drawn)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=int, default=5, metavar="N", help="pools of planted quality (default 5)"
    )
    parser.add_argument("--bert", action="store_true", help="fine-tune MiniLM as the classifier")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="write what is shown to an .html or .svg, too"
    )
    whole.add_options(parser)
    args = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    console = Console(record=True, width=None if sys.stdout.isatty() else 110)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        if args.alpaca is None:
            show_planted(console, Path(name), args.seeds, args.bert)
        else:
            whole.show(console, Path(name), args)
    console.print(f"{time.perf_counter() - started:.0f} s in all")
    if args.save and args.save.suffix == ".svg":
        console.save_svg(str(args.save), title="selection in rounds")
    elif args.save:
        console.save_html(str(args.save))


if __name__ == "__main__":
    main()
