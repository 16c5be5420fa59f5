"""kMQ (k=512, 5 %) and RDS+ (three target tasks, 10 %) over the 52,002 rows of Alpaca, with MiniLM.

    python benchmarks/alpaca.py [--specs NAME ...] [--data DIR] [--rows N] [--precision fp32|bf16] [--no-kill]

Prints, for each: wall time of a first and of a second run, how many times faster the second is, peak memory,
the share of the first run that was spent outside methods; and whether a run that is killed halfway and
started again gives the same bytes. A first run takes minutes, and so there is one of each: no medians.

DIR holds pools/alpaca_data.json.gz and targets/ (default: $SELECTLANG_DATA, else ../shared/data).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
SPECS = ("kmq", "rds-plus")


def targets(data: Path, path: Path) -> None:
    """The first 8 rows of GSM8K train, BBH's three shots a task, and MMLU's validation questions."""
    folder = data / "targets"
    rows = []
    for line in (folder / "gsm8k_train.jsonl").read_text().splitlines()[:8]:
        row = json.loads(line)
        rows.append({"task": "gsm8k", "instruction": row["question"], "response": row["answer"]})
    for line in (folder / "bbh_few_shot.jsonl").read_text().splitlines():
        row = json.loads(line)
        rows.append({"task": "bbh", "instruction": row["question"], "response": row["answer"]})
    for line in (folder / "mmlu_val.jsonl").read_text().splitlines():
        row = json.loads(line)
        subject = row["subject"].replace("_", " ")
        choices = "\n".join(f"{letter}. {text}" for letter, text in zip("ABCD", row["choices"], strict=True))
        question = (
            f"The following is a multiple choice question about {subject}.\n\n{row['question']}\n{choices}"
        )
        rows.append({"task": "mmlu", "instruction": question, "response": "ABCD"[int(row["answer"])]})
    path.write_text("".join(json.dumps({**row, "prompt": row.pop("instruction")}) + "\n" for row in rows))


def command(spec: str, work: Path, out: str, settings: list[str]) -> list[str]:
    sets = [part for item in settings for part in ("--set", item)]
    return [sys.executable, "-m", "selectlang", "run", spec, *sets, "--out", str(work / out)]


def run(spec: str, work: Path, out: str, settings: list[str], store: str) -> tuple[float, dict[str, object]]:
    """Wall seconds of a whole run as a process of its own, and its record."""
    started = time.perf_counter()
    subprocess.run(
        command(spec, work, out, settings),
        check=True,
        env=environment(work, store),
        stderr=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - started
    return seconds, json.loads((work / out / "record.json").read_text())


def environment(work: Path, store: str) -> dict[str, str]:
    return {**os.environ, "SELECTLANG_STORE": str(work / store), "HF_HUB_OFFLINE": "1"}


def killed(spec: str, work: Path, settings: list[str], after: float) -> int:
    """Kill a run with SIGKILL after some seconds; returns how many shards its store holds."""
    process = subprocess.Popen(
        command(spec, work, "killed", settings),
        env=environment(work, "killed-store"),
        stderr=subprocess.DEVNULL,
    )
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return len(list((work / "killed-store" / "entries").glob("*/*")))


def digest(work: Path, out: str) -> str:
    return hashlib.sha256((work / out / "chosen.jsonl").read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--specs", nargs="+", choices=SPECS, default=SPECS, help="default: both")
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("SELECTLANG_DATA", "../shared/data"))
    )
    parser.add_argument("--precision", default="fp32", help="fp32 or bf16")
    parser.add_argument("--rows", type=int, help="only the first N rows of the pool")
    parser.add_argument("--no-kill", action="store_true", help="leave out the run that is killed")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        pool = json.loads(gzip.decompress((args.data / "pools" / "alpaca_data.json.gz").read_bytes()))
        (work / "pool.json").write_text(json.dumps(pool[: args.rows]))
        targets(args.data, work / "targets.jsonl")
        shared = [f"pool={work / 'pool.json'}", f"model={MODEL}", f"precision={args.precision}"]
        jobs = {
            "kmq": [*shared, "k=512", "size=5%"],
            "rds-plus": [*shared, f"targets={work / 'targets.jsonl'}", "size=10%"],
        }
        for spec in args.specs:
            settings = jobs[spec]
            first, record = run(spec, work, "first", settings, "store")
            second, _ = run(spec, work, "second", settings, "store")
            inside = sum(stage["seconds_in_method"] for stage in record["stages"])
            print(f"{spec}: first run {first:.1f} s, second {second:.2f} s ({first / second:.0f}x)")
            outside = 1 - inside / first
            print(f"  peak memory {record['peak_memory'] / 2**20:,.0f} MiB; outside methods {outside:.2%}")
            print(f"  second run gives the same bytes: {digest(work, 'first') == digest(work, 'second')}")
            if not args.no_kill:
                entries = killed(spec, work, settings, first / 2)
                again, _ = run(spec, work, "killed", settings, "killed-store")
                same = digest(work, "first") == digest(work, "killed")
                print(f"  killed after {first / 2:.0f} s, {entries} entries kept, then {again:.1f} s")
                print(f"  same bytes after the kill: {same}")
    print(f"one run of each, on: {machine()}")


if __name__ == "__main__":
    main()
