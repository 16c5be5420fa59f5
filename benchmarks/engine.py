"""What the engine itself takes: of a run, of one that has all its results, and of `check` and `--help`.

    python benchmarks/engine.py [--data DIR] [--rows N] [--repeats N] [--model NAME] [--engine local|ray]

A run embeds the rows of Alpaca and a few targets in bf16, finds what is nearest to these, and chooses a
tenth. The seconds of its methods are those of the record; the rest of its wall time is the engine's. Each run
is a whole process, the first with an empty store. Prints medians.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from apart import Taken, apart
from machine import machine
from rich.console import Console
from shown import table

DATA = Path(os.environ.get("SELECTLANG_DATA", Path(__file__).parents[2] / "shared" / "data"))
TARGETS = 60
SPEC = """
selectlang: 1
name: engine
params:
  pool:    {type: path}
  targets: {type: path}
  model:   {type: model}
data:
  pool:    {path: $pool}
  targets: {path: $targets, group: task}
stages:
  pool_states:   {embed: hidden_states, from: pool, model: $model, precision: bf16}
  target_states: {embed: hidden_states, from: targets, model: $model, precision: bf16}
  nearness:      {score: nearest, from: {pool: pool_states, targets: target_states}, per: group}
  chosen:        {budget: round_robin, from: nearness, size: 10%}
outputs: {chosen: chosen}
"""


def command(*words: object) -> list[object]:
    return [sys.executable, "-m", "selectlang", *words]


def spec_and_params(work: Path, model: str) -> list[str]:
    given = f"pool={work / 'pool.jsonl'}", f"targets={work / 'targets.jsonl'}", f"model={model}"
    return [str(work / "engine.yaml"), *(word for item in given for word in ("--set", item))]


def record(work: Path) -> tuple[float, int]:
    """The seconds that the last run spent in methods, and how many of its stages ran."""
    found = json.loads((work / "out" / "record.json").read_bytes())
    ran = [stage for stage in found["stages"] if stage["state"] == "ran"]
    return sum(stage["seconds_in_method"] for stage in ran), len(ran)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR", help="holds pools/alpaca_data.json.gz"
    )
    parser.add_argument("--rows", type=int, metavar="N", help="only the first N rows")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="of each (default 5)")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", metavar="NAME", help="what embeds the rows")
    parser.add_argument("--engine", default="local", choices=("local", "ray"), help="where shards are mapped")
    args = parser.parse_args()
    pool = json.loads(gzip.decompress((args.data / "pools" / "alpaca_data.json.gz").read_bytes()))[
        : args.rows
    ]
    targets = [{**row, "task": "abc"[i % 3]} for i, row in enumerate(pool[:TARGETS])]
    walls: dict[str, list[Taken]] = {name: [] for name in ("all stages run", "none", "check", "--help")}
    inside = []
    for _ in range(args.repeats):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            for name, rows in (("pool", pool), ("targets", targets)):
                text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
                (work / f"{name}.jsonl").write_text(text, encoding="utf-8")
            (work / "engine.yaml").write_text(SPEC, encoding="utf-8")
            told, env = spec_and_params(work, args.model), {"SELECTLANG_STORE": work / "store"}
            run = command("run", *told, "--out", work / "out", "--engine", args.engine)
            walls["all stages run"].append(apart(run, env, work / "log"))
            seconds, ran = record(work)
            assert ran == 4
            inside.append(seconds)
            walls["none"].append(apart(run, env, work / "log"))
            assert record(work)[1] == 0
            walls["check"].append(apart(command("check", *told), env, work / "log"))
            walls["--help"].append(apart(command("--help"), env, work / "log"))
    show(walls, inside, len(pool))


def show(walls: dict[str, list[Taken]], inside: list[float], rows: int) -> None:
    print(machine())
    lines = {
        name: [f"{median(taken.seconds for taken in each):.2f} s", f"{max(t.memory for t in each):,.0f} MiB"]
        for name, each in walls.items()
    }
    Console().print(table(f"Over {rows:,} rows", ["", "wall time", "peak memory"], lines))
    shares = [
        1 - seconds / whole.seconds for seconds, whole in zip(inside, walls["all stages run"], strict=True)
    ]
    print(
        f"outside methods: {median(shares):.1%} of the wall time, from {min(shares):.1%} to {max(shares):.1%}"
    )


if __name__ == "__main__":
    main()
