"""cluster: kmeans against scikit-learn's KMeans: time, and how tight the clusters are.

    python benchmarks/kmeans.py [--rows N] [--dimension N] [-k N] [--iterations N] [--repeats N]

Vectors are made: a thousand centres, each row its centre plus as much noise. Both take the same number of
steps of Lloyd's algorithm from centres drawn at random; ours finds its centres on `sample_per_cluster` rows
for each cluster, and assigns every row. Prints the ratio of the times (median, alternating) and that of
inertias.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np
from machine import machine
from sklearn.cluster import KMeans

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang_plugins.cluster.kmeans import kmeans


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("-k", type=int, default=1000)
    parser.add_argument("--iterations", type=int, default=25)
    parser.add_argument("--sample-per-cluster", type=int, help="default: that of the method")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    random = np.random.default_rng(0)
    centers = random.standard_normal((1000, args.dimension), np.float32)
    matrix = random.standard_normal((args.rows, args.dimension), np.float32)
    matrix += centers[random.integers(0, len(centers), args.rows)]
    records = ({"instruction": str(i), "output": ""} for i in range(args.rows))
    rows = sl.Rows(Dataset.from_records(records))
    settings = {"sample_per_cluster": args.sample_per_cluster} if args.sample_per_cluster else {}
    times: dict[str, list[float]] = {"scikit-learn": [], "ours": []}
    inertia: dict[str, list[float]] = {"scikit-learn": [], "ours": []}
    for seed in range(args.repeats):
        started = time.perf_counter()
        found = KMeans(
            args.k, init="random", n_init=1, max_iter=args.iterations, tol=0, random_state=seed
        ).fit(matrix)
        times["scikit-learn"].append(time.perf_counter() - started)
        inertia["scikit-learn"].append(found.inertia_)
        started = time.perf_counter()
        made = kmeans(sl.Vectors(rows, matrix), k=args.k, iterations=args.iterations, seed=seed, **settings)
        times["ours"].append(time.perf_counter() - started)
        inertia["ours"].append(made.inertia)
    ratio = median(a / b for a, b in zip(*times.values(), strict=True))
    theirs, mine = median(times["scikit-learn"]), median(times["ours"])
    print(machine())
    print(f"{args.rows:,} x {args.dimension}, k = {args.k:,}, {args.iterations} iterations")
    print(f"scikit-learn {theirs:.1f} s, ours {mine:.1f} s: {ratio:.2f}x (median of {args.repeats} pairs)")
    tight = median(b / a for a, b in zip(*inertia.values(), strict=True))
    print(f"inertia of ours: {tight:.4f} of scikit-learn's")


if __name__ == "__main__":
    main()
