"""What stands at the head of a report, and above its map: in sentences and figures for people."""

from __future__ import annotations

import json
from typing import Any

from selectlang.progress import clock
from selectlang.report.text import shown
from selectlang.tables import counted

LONGEST = 2000  # characters of a param
NOTES = 20


def summary(record: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What there is to know at first: a name, a value, and more about it."""
    outputs = [
        (shown(name), counted(output["rows"], "row"), _different(output))
        for name, output in record["outputs"].items()
        if "rows" in output
    ]
    data = [
        (f"data {shown(name)}", counted(each["rows"], "row"), shown(", ".join(map(str, each["path"])), 80))
        for name, each in record["data"].items()
    ]
    day, _, time = record["started"].partition("T")
    return [
        *outputs,
        *data,
        ("took", clock(record["seconds"]), ""),
        ("when", day, time.replace("+00:00", " UTC")),
        ("seed", str(record["seed"]), ""),
        ("selectlang", record["selectlang"], ""),
    ]


def _different(output: dict[str, Any]) -> str:
    return f"{output['unique']:,} different" if output["unique"] < output["rows"] else ""


def notes(record: dict[str, Any], about: dict[str, Any]) -> list[str]:
    """What stages and data sets have to say, and what this page goes without."""
    said = [f"{path}: damaged in the store; this page goes without it" for path in about["lost"]]
    said += [f"{stage['path']}: {note}" for stage in record["stages"] for note in stage["notes"]]
    for name, each in record["data"].items():
        said += [f"data {name}: {note}" for note in each["notes"]]
        if count := each["skipped"]["count"]:
            said.append(f"data {name}: {counted(count, 'bad row')} skipped")
    said = [shown(note, 400) for note in dict.fromkeys(said)]
    said = said if len(said) <= NOTES else [*said[:NOTES], f"and {len(said) - NOTES:,} more, in record.json"]
    return [*_without_charts(about["outputs"]), *said]


def _without_charts(outputs: list[dict[str, Any]]) -> list[str]:
    """The selections that have no charts, by name."""
    names = [shown(output["name"]) for output in outputs if not output["charted"]]
    if not names:
        return []
    drawn = len(outputs) - len(names)
    return [f"charts and lines are those of the first {drawn} selections, and not of {', '.join(names)}"]


def params(record: dict[str, Any]) -> list[tuple[str, str]]:
    """The params of the spec, and what they were."""
    return [
        (
            shown(name),
            shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), LONGEST),
        )
        for name, value in record["params"].items()
    ]


def of_map(about: dict[str, Any]) -> str:
    """What the map shows."""
    rows = counted(about["rows"], "row")
    said = [
        f"{about['points']:,} of {rows}, by the vectors of stage {about['stage']}, in the two "
        "directions in which they differ most (principal components). These hold "
        f"{about['share']:.0%} of how they differ: what is near here may be far apart."
    ]
    if about["points"] + about["without"] < about["rows"]:
        said.append(
            "All chosen rows are there."
            if about["all_chosen"]
            else "Of the chosen rows, too, it is a sample."
        )
    if about["without"]:
        said.append(f"{counted(about['without'], 'row')} without a vector cannot be shown.")
    return " ".join(said)
