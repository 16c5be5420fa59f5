"""What a run may replace in its folder: what the run before wrote there, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from selectlang.engine.datasets import local
from selectlang.engine.reread import RECORD
from selectlang.errors import UsageError
from selectlang.language.program import Program
from selectlang.ports import Metric, Model, Selection
from selectlang.rows import Rows

ENDINGS = (".jsonl", ".parquet")
REPORT = "report.html"


def listed(record: Path) -> list[str] | None:
    """The names of what a run wrote beside its record; None when that is not there, or not that of a run.

    Anybody may have edited a record. So only such names are listed as a run gives to an output.
    """
    try:
        found = json.loads(record.read_bytes())
        if "selectlang" not in found:
            return None
        names = {
            name: (output.get("file"), output.get("folder")) for name, output in found["outputs"].items()
        }
        report = [REPORT] if found.get("report", {}).get("file") == REPORT else []
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return report + [
        name
        for output, (file, folder) in names.items()
        if Path(output).name == output and not output.startswith(".")
        for name in (output, *(output + ending for ending in ENDINGS))
        if name == (folder if name == output else file)
    ]


def unlisted(folder: Path, names: Iterable[str], outputs: list[str] | None) -> None:
    """A UsageError when one of `names` is in the folder, and is not among the outputs of the run before.

    `outputs` None means that no run was before.
    """
    for name in names if outputs is not None else (*names, RECORD):
        if name not in (outputs or ()) and os.path.lexists(folder / name):
            raise UsageError(
                f"--out {folder}: it holds {name}, which is no output of the run that was written there, and "
                "this run would replace it; move it away, or name another folder"
            )


def harmless(folder: Path, program: Program, outputs: list[str] | None) -> None:
    """A UsageError when a run would replace what is not its own, or what it reads itself."""
    names = list(_names(program))
    here = Path(os.path.realpath(folder))
    replaced = {here / name for name in (*names, *(outputs or ()))}
    for what, path in local(program):
        # The file itself, and the link that may lead to it.
        ways = (Path(os.path.realpath(path)), Path(os.path.realpath(path.parent)) / path.name)
        if any(part in replaced for way in ways for part in (way, *way.parents)):
            raise UsageError(
                f"--out {folder}: {what} reads {path}, which this run would replace; name another folder"
            )
    unlisted(folder, names, outputs)


def _names(program: Program) -> Iterator[str]:
    """The names of what a run may write: the shape of the data decides about some."""
    for name, ref in program.outputs.items():
        if ref.type.kind is Model:
            yield name
        elif ref.type.kind in (Rows, Selection):
            yield from (name + ending for ending in ENDINGS)
        elif ref.type.kind is not Metric:
            yield name + ".parquet"
    yield REPORT
