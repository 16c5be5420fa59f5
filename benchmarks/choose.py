"""Drop short outputs, score cheaply, keep the top 5,000 of 52,002 Alpaca rows; data-juicer does it beside.

    python benchmarks/choose.py [--data DIR] [--data-juicer PYTHON] [--rows N] [--repeats N]

PYTHON is that of an environment with py-data-juicer (1.6.1 needs aiohttp installed beside it). Each run is a
whole process: for the first time, with an empty store and cache; the same again; and with the last number
changed. Prints the median of the times, how many times faster ours is (the median of the turns), and the most
memory of a process (that of data-juicer's workers is not added up).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from apart import Taken, apart
from machine import machine
from rich.console import Console
from shown import table

DATA = Path(os.environ.get("SELECTLANG_DATA", Path(__file__).parents[2] / "shared" / "data"))
RUNS = {"first time": 5000, "same again": 5000, "last number changed": 4000}

OURS = """
selectlang: 1
name: choose
params:
  pool: {type: path}
  size: {type: amount}
data:
  pool: {path: $pool}
stages:
  characters: {score: length, from: pool, unit: characters, text: response}
  longer:     {budget: threshold, from: characters, at_least: 50}
  words:      {score: length, from: longer, unit: words, text: response}
  chosen:     {budget: top, from: words, size: $size}
outputs: {chosen: chosen}
"""

THEIRS = """
project_name: choose
dataset_path: {pool}
export_path: {out}
text_keys: output
np: 2
process:
  - text_length_filter: {{min_len: 50}}
  - words_num_filter: {{lang: en, tokenization: false, min_num: 0}}
  - topk_specified_field_selector: {{field_key: __dj__stats__.num_words, topk: {size}}}
"""


def ours(work: Path, size: int) -> Taken:
    (work / "choose.yaml").write_text(OURS, encoding="utf-8")
    command = [sys.executable, "-m", "selectlang", "run", work / "choose.yaml"]
    sets = ["--set", f"pool={work / 'pool.jsonl'}", "--set", f"size={size}"]
    taken = apart(
        [*command, *sets, "--out", work / "ours"], {"SELECTLANG_STORE": work / "store"}, work / "log"
    )
    check(work / "ours" / "chosen.jsonl", size)
    return taken


def theirs(python: Path, work: Path, size: int) -> Taken:
    out = work / "theirs" / "chosen.jsonl"
    recipe = THEIRS.format(pool=work / "pool.jsonl", out=out, size=size)
    (work / "choose-dj.yaml").write_text(recipe, encoding="utf-8")
    cache = work / "cache"
    env = {"HF_HOME": cache, "DATA_JUICER_CACHE_HOME": cache, "XDG_CACHE_HOME": cache, "HF_HUB_OFFLINE": 1}
    command = [python.with_name("dj-process"), "--config", work / "choose-dj.yaml"]
    taken = apart(command, env, work / "log")
    check(out, size)
    return taken


def check(path: Path, size: int) -> None:
    found = path.read_bytes().count(b"\n")
    if found != size:
        raise SystemExit(f"{path} has {found} rows, expected {size}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR", help="holds pools/alpaca_data.json.gz"
    )
    parser.add_argument("--data-juicer", type=Path, metavar="PYTHON", help="without it, ours runs alone")
    parser.add_argument("--rows", type=int, metavar="N", help="only the first N rows, at least 10,000")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="of each (default 5)")
    args = parser.parse_args()
    rows = json.loads(gzip.decompress((args.data / "pools" / "alpaca_data.json.gz").read_bytes()))[
        : args.rows
    ]
    arms: dict[str, Callable[[Path, int], Taken]] = {"selectlang": ours}
    if args.data_juicer is not None:
        arms["data-juicer"] = lambda work, size: theirs(args.data_juicer, work, size)
    found: dict[str, dict[str, list[Taken]]] = {name: {run: [] for run in RUNS} for name in arms}
    for _ in range(args.repeats):
        for name, arm in arms.items():
            with tempfile.TemporaryDirectory() as folder:
                work = Path(folder)
                text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
                (work / "pool.jsonl").write_text(text, encoding="utf-8")
                for run, size in RUNS.items():
                    found[name][run].append(arm(work, size))
    show(found, len(rows))


def show(found: dict[str, dict[str, list[Taken]]], rows: int) -> None:
    lines = {
        name: [
            *(f"{median(taken.seconds for taken in each):.2f} s" for each in runs.values()),
            f"{max(taken.memory for each in runs.values() for taken in each):,.0f} MiB",
        ]
        for name, runs in found.items()
    }
    if "data-juicer" in found:
        turns = [zip(found["data-juicer"][run], found["selectlang"][run], strict=True) for run in RUNS]
        ratios = [median(theirs.seconds / ours.seconds for theirs, ours in each) for each in turns]
        lines["ours is faster"] = [*(f"{ratio:.1f}×" for ratio in ratios), ""]
    title = f"Drop short outputs, keep the longest of {rows:,} rows"
    Console().print(table(title, ["", *RUNS, "peak memory"], lines))
    print(machine())


if __name__ == "__main__":
    main()
