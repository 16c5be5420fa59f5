"""score: nearest over vectors on disk, against numpy in blocks and against the limit of the machine.

    python benchmarks/nearest.py [--rows N] [--dimension N] [--targets N] [--repeats N] [--keep FILE]

Vectors are made: 50 clusters, each row its centre plus as much noise. They are written once as .npy in fp32,
and read memory-mapped, from the page cache where they fit. Targets are in 7 groups. The control computes the
same in the plain way: blocks of 4,096 rows scaled to length 1, one fp32 product, the largest of each group.

Prints the ratio of the times (median, alternating), whether the top tenth by each group and by the best of
them is the same set of rows, the largest difference, and how much memory ours took that is not of the file.
Where two sums in fp32 differ in the last digit, rows at the line may change places.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from machine import machine
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
    """Write the vectors of a pool; returns those of targets, like them."""
    random = np.random.default_rng(0)
    centers = random.standard_normal((50, dimension), np.float32)

    def points(count: int) -> Matrix:
        noise = random.standard_normal((count, dimension), np.float32)
        noise += centers[random.integers(0, len(centers), count)]
        return noise

    found = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, dimension))
    for start in range(0, rows, 16384):
        found[start : start + 16384] = points(min(16384, rows - start))
    found.flush()
    return points(targets)


def plain(pool: Matrix, targets: Matrix, groups: NDArray[Any]) -> Matrix:
    """The control."""
    wanted = unit(targets)
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], [*sorted(set(groups.tolist())), "~"])
    columns = np.ascontiguousarray(wanted[order].T)
    found = np.empty((len(pool), len(bounds) - 1), np.float32)
    for start in range(0, len(pool), 4096):
        similar = unit(pool[start : start + 4096]) @ columns
        for i, (low, high) in enumerate(itertools.pairwise(bounds)):
            found[start : start + 4096, i] = similar[:, low:high].max(axis=1)
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


class Memory(threading.Thread):
    """Watches the memory of this process that is of no file."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended, self.start_at, self.most = threading.Event(), anonymous(), 0

    def run(self) -> None:
        while not self.ended.wait(0.01):
            self.most = max(self.most, anonymous() - self.start_at)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join()


def anonymous() -> int:
    """Bytes in memory that are of no file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


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
        about = Targets(len(targets))
        groups = np.array(about.groups())
        times: dict[str, list[float]] = {"numpy": [], "ours": []}
        with Memory() as memory:
            ours(pool, targets, about)  # also what is loaded once
        for _ in range(args.repeats):
            for name, call in (
                ("numpy", lambda: plain(pool, targets, groups)),
                ("ours", lambda: ours(pool, targets, about)),
            ):
                started = time.perf_counter()
                found = call()
                times[name].append(time.perf_counter() - started)
                if name == "numpy":
                    control = found
        control_s, mine = median(times["numpy"]), median(times["ours"])
        ratio = median(a / b for a, b in zip(*times.values(), strict=True))
        flops = 2 * args.rows * args.dimension * args.targets
        error = np.abs(control - found).max()
        print(machine())
        print(f"{args.rows:,} x {args.dimension}, {args.targets:,} targets in {GROUPS} groups")
        print(f"numpy {control_s:.2f} s, ours {mine:.2f} s: {ratio:.2f}x (median of {args.repeats} pairs)")
        print(f"{args.rows / mine:,.0f} rows/s; all products would be {flops / mine / 1e9:,.0f} GF/s")
        print(f"largest difference of a score {error:.1e}; {compared(control, found)}")
        print(f"memory at most {memory.most / 2**20:,.0f} MiB above the file and what was loaded before")


if __name__ == "__main__":
    main()
