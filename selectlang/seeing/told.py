"""Why a row was chosen, as text: what `why` found, for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len

from selectlang.engine.opened import base
from selectlang.seeing.sentences import sentences, verdict
from selectlang.seeing.text import cut, numbers, ordinal, paragraph, share, table
from selectlang.tables import counted, room, say, width

TEXT = 12  # columns of a line that are not of what a row says
SHOWN = 20  # rounds of a loop that are listed
CELL = 22  # columns of a stage in a table of rounds


def tell(found: dict[str, Any]) -> None:
    """Print what is known of a row."""
    paragraph(f"row {cut(found['id'], 48)} of {cut(found['data'], 20)}")
    for name in ("asks", "answers", "group"):
        if found.get(name):
            say(f"  {name}: {cut(found[name], width() - TEXT)}")
    say("")
    for name, said in found["outputs"].items():
        paragraph(f"{name}: {_output(said)}")
    for fate in _to_tell(found["budgets"]):
        say("")
        paragraph(f"{fate['stage']} ({fate['method']}): {verdict(fate)}")
        for text in sentences(fate):
            paragraph(text, indent=2)
    _stages(found)
    _rounds(found)
    _neighbours(found)
    if found["rounds_left_out"]:
        say("")
        paragraph(f"{counted(found['rounds_left_out'], 'stage')} of early rounds are left out")


def _output(said: dict[str, Any]) -> str:
    if "unknown" in said:
        return str(said["unknown"])
    if not said["holds"]:
        return f"not among its {counted(said['rows'], 'row')}"
    again = f", {said['times']:,} times" if said["times"] > 1 else ""
    if said["says"].keys() not in ({"among"}, {"chosen", "rank"}):  # neither rows nor a selection
        return _fact(said["says"])
    word = "in" if "among" in said["says"] else "chosen"
    return f"{word}, {ordinal(said['rank'])} of {said['rows']:,}{again}"


def _to_tell(fates: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The budgets to tell of: of those in a loop the round that took the row, or the last it stood in."""
    by_stage: dict[str, list[dict[str, Any]]] = {}
    for fate in fates:
        by_stage.setdefault(base(fate["stage"]), []).append(fate)
    for found in by_stage.values():
        taken = [fate for fate in found if fate["chosen"]]
        stood = [fate for fate in found if not {"outside", "barred"} & fate.keys()]
        yield (taken or stood[-1:] or found[-1:])[0]


def _stages(found: dict[str, Any]) -> None:
    rows = [
        (cut(said["path"], 24), f"{said['kind']} {said['method']}", text)
        for said in found["stages"]
        if "#" not in said["path"]
        for text in _said(said, found["budgets"])
    ]
    if rows:
        say("")
        table(["stage", "method", "says"], rows)


def _said(stage: dict[str, Any], fates: list[dict[str, Any]]) -> Iterator[str]:
    """What a stage says of the row, each output in a line."""
    if "unknown" in stage:
        yield stage["unknown"]
        return
    fate = next((fate for fate in fates if fate["stage"] == stage["path"]), None)
    for port, said in stage["says"].items():
        name = f"{port}: " if len(stage["says"]) > 1 else ""
        yield name + (verdict(fate) if fate is not None and "chosen" in said else _fact(said))


def _fact(said: dict[str, Any]) -> str:
    if "score" in said:
        return _score(said)
    if "size" in said:
        name = said["name"] if said["name"] is not None else str(said["cluster"])
        part = f"{cut(name, 24)}: {counted(said['size'], 'row')} ({share(said['share'])})"
        if "chosen" in said:
            part += f", {said['chosen']:,} of the chosen ({share(said['share_of_chosen'])})"
        return part
    if "weight" in said:
        return f"weight {numbers([said['weight']])[0]} for cluster {said['cluster']}"
    if "verdict" in said:
        return said["verdict"] or "no verdict"
    if "reply" in said:
        return f'"{said["reply"]}"'
    if "dimension" in said:
        return f"a vector of {said['dimension']:,} numbers"
    if "chosen" in said:
        return f"in, {ordinal(said['rank'])}" if said["chosen"] else "not in"
    return "in" if said.get("among") else "not in"


def _score(said: dict[str, Any]) -> str:
    text = numbers([said["score"]])[0]
    if "rank" in said:
        text += f", {ordinal(said['rank'])} of {said['rows']:,}, above {share(said['above'])}"
    if said.get("columns"):
        text += f"; best of {said['column_count']:,}: {cut(next(iter(said['columns'])), 20)}"
    if said.get("nearest"):
        text += f"; nearest {cut(said['nearest'], 20)}"
    return text


def _rounds(found: dict[str, Any]) -> None:
    """A table for each loop: a line for each round, a column for each stage, as many as fit."""
    loops: dict[str, dict[str, dict[str, str]]] = {}
    for said in found["stages"]:
        path, mark, number = said["path"].partition("#")
        if mark:
            text = next(_said(said, found["budgets"]))
            loops.setdefault(path.rpartition("/")[0], {}).setdefault(number, {})[path] = _short(text)
    for loop, rounds in loops.items():
        names = list(dict.fromkeys(path for cells in rounds.values() for path in cells))
        shown = list(rounds.items())[-SHOWN:]
        head = f"{cut(loop, 12)} #"
        columns = [
            [cut(path.rpartition("/")[2], CELL), *(cells.get(path, "-") for _, cells in shown)]
            for path in names
        ]
        for part in _fitting(columns, len(head)):
            say("")
            rows = zip([number for number, _ in shown], *(column[1:] for column in part), strict=True)
            table([head, *(column[0] for column in part)], list(rows))
        if len(shown) < len(rounds):
            paragraph(f"the last {SHOWN} of {len(rounds):,} rounds; --json has more")


def _fitting(columns: list[list[str]], head: int) -> Iterator[list[list[str]]]:
    """Columns in as few tables as they fit into, beside a first column."""
    part: list[list[str]] = []
    for column in columns:
        if part and _length([*part, column]) + head > room(len(part) + 2):
            yield part
            part = []
        part.append(column)
    if part:
        yield part


def _length(columns: list[list[str]]) -> int:
    return sum(max(map(cell_len, column)) for column in columns)


def _short(text: str) -> str:
    """A fact as it fits into a cell: of a score the number and the rank, of a weight the number."""
    text = re.sub(r" of [\d,]+, above.*|^weight | for cluster .*| by this run$|^\w+: ", "", text)
    return cut(text, CELL)


def _neighbours(found: dict[str, Any]) -> None:
    for path, near in found["neighbours"].items():
        say(f"\nnearest by {cut(path, 40)}")
        rows = [
            (
                f"{each['cosine']:.4f}",
                {True: "chosen", False: "left", None: "-"}[each["chosen"]],
                cut(each["id"], 24),
                each["text"],
            )
            for each in near
        ]
        table(["cosine", "", "id", "text"], rows, right=["cosine"])
