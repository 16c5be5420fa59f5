"""How time and memory grow with the pool: each stage and the whole run, from 10,000 to 5.8 million rows.

    python benchmarks/growth.py [--rows N ...] [--full] [--dimension N] [--limit GB] [--work DIR]
        [--save FILE.svg]

Rows, vectors and clusters are made. The spec reads the pool, scores it by `nearest` for 7 groups of targets,
and chooses 43 % of it (2.5 of 5.8 million, as RDS+ does). Each line of the table is a run as a process of its
own, which finds in the store what the lines above it have made. It shows the seconds of the stage, those of
the process, which also writes the selection and the report, and the most memory it had: with the pages of
files that it maps, and what is of no file. DIR needs about 2 kB for each row.

With --limit the runs over a pool share a memory cgroup of so many GB (10^9 bytes), which the pages of all
files that they read and write count for as well. A run that needs more is killed, and ends the benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from apart import apart
from limited import limited
from machine import machine
from rich.console import Console
from shown import table

ROWS, FULL, SHARE, GROUPS = (10_000, 100_000, 1_000_000), 5_800_000, "43%", 7

MADE = '''
import selectlang as sl

@sl.embed
class made:
    """Vectors that follow from ids."""

    def __init__(self, *, dimension: int) -> None:
        self.dimension = dimension

    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Vectors[sl.P]:
        import numpy as np

        columns = [rows.draws(number) for number in range(self.dimension)]
        return sl.Vectors(rows, np.stack(columns, axis=1, dtype=np.float32) - 0.5)

@sl.cluster
def drawn(rows: sl.Rows[sl.P], *, k: int) -> sl.Clusters[sl.P]:
    """Clusters that follow from ids."""
    import numpy as np

    return sl.Clusters(rows, (rows.draws(0) * k).astype(np.int32), k)

@sl.hookimpl
def register_methods(register):
    register(made)
    register(drawn)
'''

BEFORE = """
selectlang: 1
name: growth
params: {pool: {type: path}, targets: {type: path}, dimension: {type: int}}
data:
  pool:    {path: $pool}
  targets: {path: $targets, group: task}
stages:
  vectors:  {embed: made, from: pool, dimension: $dimension}
  wanted:   {embed: made, from: targets, dimension: $dimension}
"""
NEARNESS = "  nearness: {score: nearest, from: {pool: vectors, targets: wanted}, per: group}\n"
CLUSTERS = "  topics:   {cluster: drawn, from: pool, k: 1000}\n"
LAST = {
    "read": "{budget: random, from: pool, size: 1}",
    "nearest": "{budget: top, from: nearness, size: 1}",
    "round_robin, lose": f"{{budget: round_robin, from: nearness, size: {SHARE}, duplicates: lose}}",
    "round_robin, next": f"{{budget: round_robin, from: nearness, size: {SHARE}, duplicates: next}}",
    "round_robin, repeat": f"{{budget: round_robin, from: nearness, size: {SHARE}, duplicates: repeat}}",
    "top": f"{{budget: top, from: nearness, size: {SHARE}}}",
    "per_cluster": "{budget: per_cluster, from: {clusters: topics, scores: nearness}, draw: top, "
    f"size: {SHARE}}}",
}
Line = tuple[float, float, float, float]
"""Seconds of the stage and of the process, MiB with the pages of files and without."""


def write(path: Path, rows: int) -> Path:
    """Rows of about 300 bytes."""
    words = (
        "the pool holds many rows and each of them asks for something that a model may answer well".split()
    )
    texts = [" ".join(words[i % 9 :] * (1 + i % 4)) for i in range(36)]
    with open(path, "w", encoding="utf-8") as file:
        for i in range(rows):
            row = {"task": f"task{i % GROUPS}", "prompt": f"{i} {texts[i % 36]}", "completion": texts[i % 35]}
            file.write(json.dumps(row) + "\n")
    return path


def forget(path: Path) -> None:
    """Drop the pages of a file from memory: they count for whoever reads it next."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def spec(step: str) -> str:
    """The spec of a step: no more stages than it needs."""
    last = LAST[step]
    middle = (NEARNESS if "nearness" in last else "") + (CLUSTERS if "topics" in last else "")
    return f"{BEFORE}{middle}  chosen:   {last}\noutputs: {{chosen: chosen}}\n"


def grow(rows: int, dimension: int, work: Path, within: Sequence[str] = ()) -> dict[str, Line]:
    """Every step over one pool; `within` stands before each command."""
    (work / "plugins").mkdir()
    (work / "plugins" / "made.py").write_text(MADE, encoding="utf-8")
    params = {
        "pool": write(work / "pool.jsonl", rows), "targets": write(work / "targets.jsonl", 140 * GROUPS),
        "dimension": dimension,
    }  # fmt: skip
    if within:
        forget(work / "pool.jsonl")
    found = {}
    for step in LAST:
        (work / "growth.yaml").write_text(spec(step), encoding="utf-8")
        sets = [word for name, value in params.items() for word in ("--set", f"{name}={value}")]
        command = [sys.executable, "-m", "selectlang", "run", work / "growth.yaml", *sets]
        words = [*within, *command, "--plugins", work / "plugins", "--out", work / "out"]
        taken = apart(words, {"SELECTLANG_STORE": work / "store"}, work / "log")
        record = json.loads((work / "out" / "record.json").read_text(encoding="utf-8"))
        seconds = {stage["path"]: stage["seconds"] for stage in record["stages"]}
        inside = taken.seconds if step == "read" else seconds["nearness" if step == "nearest" else "chosen"]
        found[step] = (inside, taken.seconds, taken.memory, taken.anonymous)
    return found


def show(console: Console, rows: int, found: Mapping[str, Line]) -> None:
    lines = {
        name: (f"{inside:.2f} s", f"{whole:.2f} s", f"{memory:,.0f} MiB", f"{anonymous:,.0f} MiB")
        for name, (inside, whole, memory, anonymous) in found.items()
    }
    head = ["", "the stage", "the process", "peak memory", "of no file"]
    console.print(table(f"{rows:,} rows", head, lines))


def plot(found: Mapping[int, Mapping[str, Line]], path: Path) -> None:
    """Seconds of each process and its memory without files over rows, both axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    panes = figure.subplots(1, 2)
    titles = {"seconds of the process": 1, "peak memory of no file, MiB": 3}
    for pane, (title, index) in zip(panes, titles.items(), strict=True):
        for step in LAST:
            pane.loglog(list(found), [lines[step][index] for lines in found.values()], marker="o", label=step)
        pane.set(title=title, xlabel="rows")
        pane.grid(alpha=0.3)
    panes[0].legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS), metavar="N")
    parser.add_argument("--full", action="store_true", help=f"also {FULL:,} rows")
    parser.add_argument("--dimension", type=int, default=64, metavar="N", help="of the vectors (default 64)")
    parser.add_argument("--limit", type=float, metavar="GB", help="of the memory of each run, files included")
    parser.add_argument("--work", type=Path, metavar="DIR", help="an empty folder is made here, and removed")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="the growth as a plot (.svg, .png), by matplotlib"
    )
    args = parser.parse_args()
    console = Console()
    found = {}
    for rows in [*args.rows, *([FULL] if args.full else [])]:
        group = limited(int(args.limit * 1e9)) if args.limit else nullcontext([])
        with tempfile.TemporaryDirectory(dir=args.work) as folder, group as within:
            found[rows] = grow(rows, args.dimension, Path(folder), within)
        show(console, rows, found[rows])
    if args.limit:
        console.print(f"each within {args.limit:g} GB, pages of files included", highlight=False)
    console.print(machine(), highlight=False, soft_wrap=True)
    if args.save is not None:
        plot(found, args.save)
        console.print(f"plot in {args.save}", highlight=False)


if __name__ == "__main__":
    main()
