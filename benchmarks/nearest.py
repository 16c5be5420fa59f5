"""score: nearest over vectors on disk, against numpy in blocks and whole, and the limit of the machine.

    python benchmarks/nearest.py [--rows N] [--dimension N] [--targets N] [--repeats N] [--keep FILE]

Vectors are made: 50 clusters, each row its centre plus as much noise. They are written once as .npy in fp32,
and read memory-mapped, from the page cache where they fit. Targets are in 7 groups. The controls compute the
same in the plain way: rows scaled to length 1, one fp32 product, the largest of each group; in blocks of
4,096 rows, or all at once, as a full matrix of similarities (8 GB of memory for a million rows of 1,024 and
1,000 targets).

Prints the ratios of the times (medians of those of the turns); whether the top tenth by each group and by
the best of them is the same set of rows, and the largest difference; how much of what the machine can do all
products would be, and how much reading the file; and how much memory ours took that is not of the file.
Where two sums in fp32 differ in the last digit, rows at the line may change places.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
from apart import Memory
from machine import machine, rates
from numpy.typing import NDArray

import selectlang as sl
from selectlang_plugins._vectors import unit
from selectlang_plugins.score.nearest import nearest

GROUPS = 7
Matrix = NDArray[np.float32]


class Targets:
    """Rows of targets: as much of them as nearest asks for."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def take(self, index: Any) -> Targets:
        return Targets(len(index))

    def ids(self) -> list[str]:
        return [str(i) for i in range(self.count)]

    def groups(self) -> list[str]:
        return [f"task {i % GROUPS}" for i in range(self.count)]


def make(path: Path, rows: int, dimension: int, targets: int) -> Matrix:
    """Write the vectors of a pool, where they are not there yet; returns those of targets, like them."""
    centers = np.random.default_rng(0).standard_normal((50, dimension), np.float32)

    def points(count: int, random: np.random.Generator) -> Matrix:
        noise = random.standard_normal((count, dimension), np.float32)
        noise += centers[random.integers(0, len(centers), count)]
        return noise

    if not path.exists():
        random = np.random.default_rng(1)
        found = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, dimension))
        for start in range(0, rows, 16384):
            found[start : start + 16384] = points(min(16384, rows - start), random)
        found.flush()
    return points(targets, np.random.default_rng(2))


def plain(pool: Matrix, targets: Matrix, groups: NDArray[Any], block: int) -> Matrix:
    """The control, so many rows at once."""
    wanted = unit(targets)
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], [*sorted(set(groups.tolist())), "~"])
    columns = np.ascontiguousarray(wanted[order].T)
    found = np.empty((len(pool), len(bounds) - 1), np.float32)
    for start in range(0, len(pool), block):
        similar = unit(pool[start : start + block]) @ columns
        for i, (low, high) in enumerate(itertools.pairwise(bounds)):
            found[start : start + block, i] = similar[:, low:high].max(axis=1)
    return found


def ours(pool: Matrix, targets: Matrix, rows: Targets) -> Matrix:
    """The method, shard by shard, as the engine calls it."""
    about: Any = rows
    method = nearest(sl.Vectors(about, targets), per="group")
    found = np.empty((len(pool), GROUPS), np.float32)
    for start in range(0, len(pool), nearest.shard_rows):
        shard = pool[start : start + nearest.shard_rows]
        view: Any = SimpleNamespace(data=range(len(pool)))
        found[start : start + len(shard)] = method(sl.Vectors(view, shard)).values
    return found


def compared(control: Matrix, found: Matrix) -> str:
    """How far the highest tenths by each group, and by the best of them, are the same rows."""
    count, others, worst = max(1, len(found) // 10), 0, 0.0
    for one, two in zip((*control.T, control.max(axis=1)), (*found.T, found.max(axis=1)), strict=True):
        tops = [np.argpartition(-scores, count - 1)[:count] for scores in (one, two)]
        differ = np.setxor1d(*tops)
        others += len(np.setdiff1d(tops[1], tops[0]))
        line = one[tops[0]].min()
        worst = max(worst, float(np.abs(one[differ] - line).max(initial=0)))
    same = (
        "the same rows"
        if not others
        else f"other rows in {others} places, each within {worst:.0e} of the line"
    )
    return f"top tenths by group and by the best, {count:,} rows each: {same}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=1024)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="keep the vectors here, and use them when they are there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = args.keep or Path(folder) / "pool.npy"
        targets = make(path, args.rows, args.dimension, args.targets)
        pool: Matrix = np.load(path, mmap_mode="r")
        if pool.shape != (args.rows, args.dimension):
            raise SystemExit(f"{path} holds vectors of shape {pool.shape}; name another file")
        about = Targets(len(targets))
        groups = np.array(about.groups())
        ways: dict[str, Callable[[], Matrix]] = {
            "numpy in blocks": lambda: plain(pool, targets, groups, 4096),
            "numpy, full matrix": lambda: plain(pool, targets, groups, len(pool)),
            "ours": lambda: ours(pool, targets, about),
        }
        with Memory(os.getpid()) as memory:
            ours(pool, targets, about)  # also what is loaded once
        times: dict[str, list[float]] = {name: [] for name in ways}
        found: dict[str, Matrix] = {}
        for _ in range(args.repeats):
            for name, way in ways.items():
                started = time.perf_counter()
                found[name] = way()
                times[name].append(time.perf_counter() - started)
        print(machine())
        print(f"{args.rows:,} x {args.dimension}, {args.targets:,} targets in {GROUPS} groups")
        show(times, pool.nbytes, 2 * pool.size * len(targets))
        control, mine = found["numpy in blocks"], found["ours"]
        print(f"largest difference of a score: {np.abs(control - mine).max():.1e}")
        print(compared(control, mine))
        above = (memory.most - memory.at_start) / 2**20
        print(f"memory at most {above:,.0f} MiB above the file and what was loaded before")


def show(times: dict[str, list[float]], size: int, operations: int) -> None:
    """Seconds, ratios, and shares of what the machine can do."""
    for name, each in times.items():
        ratio = median(a / b for a, b in zip(each, times["ours"], strict=True))
        print(f"{name}: {median(each):.2f} s, {ratio:.2f}x ours (median of {len(each)} turns)")
    mine, most = median(times["ours"]), rates()
    products, read = operations / mine / 1e9, size / mine / 1e9
    print(f"all products would be {products:,.0f} GF/s, ", end="")
    print(f"{products / most.fp32:.0%} of what is possible in fp32, {products / most.bf16:.0%} in bf16")
    print(f"the file is read at {read:.2f} GB/s, {read / most.copy:.0%} of the rate of copies")


if __name__ == "__main__":
    main()
