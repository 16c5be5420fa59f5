"""Reading rows: JSON Lines or Parquet into the store, against pandas and against parsing them alone.

    python benchmarks/read.py [--parquet] [--rows N ...] [--repeats N]

Rows are like those of Alpaca, each made different by its number. Ours is the whole of it: rows are parsed and
checked, given ids by their content, and written to Arrow files. pandas leaves them in memory. A bare loop of
orjson, or over the batches of pyarrow, is the floor.
Each is a process of its own, whose seconds begin after its imports. Prints medians of times
and of the ratios of the turns.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import textwrap
from pathlib import Path
from statistics import median

from apart import apart
from machine import machine
from rich.console import Console
from shown import table

ARMS = {
    "ours": """
        import numpy, orjson, pyarrow
        from pathlib import Path
        from tempfile import TemporaryDirectory
        from selectlang.data.ingest import ingest
        from selectlang.data.source import DataSpec
        def read(path):
            with TemporaryDirectory(dir=Path(path).parent) as folder:
                ingest(DataSpec((path,)), Path(folder), lambda rows: None)
        """,
    "pandas": """
        import pandas
        def read(path):
            pandas.read_json(path, lines=True)
        """,
    "orjson alone": """
        import orjson
        def read(path):
            with open(path, "rb") as file:
                for line in file:
                    orjson.loads(line)
        """,
}
PARQUET = {
    "ours": ARMS["ours"],
    "pandas": """
        import pandas
        def read(path):
            pandas.read_parquet(path)
        """,
    "pyarrow alone": """
        import pyarrow.parquet
        def read(path):
            with pyarrow.parquet.ParquetFile(path, memory_map=True) as file:
                for batch in file.iter_batches(batch_size=1024, use_threads=False):
                    pass
        """,
}
CONVERT = """
import sys
import pyarrow.json, pyarrow.parquet
pyarrow.parquet.write_table(pyarrow.json.read_json(sys.argv[1]), sys.argv[2])
"""
TIMED = """
import sys, time
started = time.perf_counter()
read(sys.argv[1])
print(time.perf_counter() - started)
"""
WORDS = "Give three tips for staying healthy and say of each why it helps most people in most places.".split()


def write(path: Path, rows: int) -> None:
    """Rows of about 400 bytes, four in ten with an input."""
    with open(path, "w", encoding="utf-8") as file:
        for i in range(rows):
            output = " ".join(WORDS[(i + j) % len(WORDS)] for j in range(20 + i % 80))
            row = {
                "instruction": f"{' '.join(WORDS[: 4 + i % 15])} {i}",
                "input": "",
                "output": f"{output} {i}",
            }
            row["input"] = " ".join(WORDS[i % 7 :]) if i % 5 < 2 else ""
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parquet", action="store_true", help="rows as Parquet, not as JSON Lines")
    parser.add_argument("--rows", type=int, nargs="+", default=[52_002, 1_000_000], metavar="N")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="of each (default 5)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for rows in args.rows:
            compare(Path(folder), rows, args.repeats, args.parquet)
    print(machine())


def compare(work: Path, rows: int, repeats: int, parquet: bool = False) -> None:
    path, log = work / "pool.jsonl", work / "log"
    write(path, rows)
    if parquet:
        apart([sys.executable, "-c", CONVERT, path, work / "pool.parquet"], {}, log)
        path = work / "pool.parquet"
    arms = PARQUET if parquet else ARMS
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    memory = dict.fromkeys(arms, 0.0)
    for _ in range(repeats):
        for name, arm in arms.items():
            taken = apart([sys.executable, "-c", textwrap.dedent(arm) + TIMED, path], {}, log)
            seconds[name].append(float(log.read_text().split()[-1]))
            memory[name] = max(memory[name], taken.memory)
    middle = {name: median(each) for name, each in seconds.items()}
    turns = {name: zip(each, seconds["ours"], strict=True) for name, each in seconds.items()}
    ratios = {name: median(a / b for a, b in each) for name, each in turns.items()}
    lines = {
        name: (f"{each:.2f} s", f"{rows / each:,.0f}", f"{memory[name]:,.0f} MiB", f"{ratios[name]:.2f}×")
        for name, each in middle.items()
    }
    head = ["", "time", "rows/s", "peak memory", "of our time"]
    Console().print(table(f"Reading {rows:,} rows, {path.stat().st_size / 2**20:,.0f} MiB", head, lines))


if __name__ == "__main__":
    main()
