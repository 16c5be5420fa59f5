"""What the tables of the control and of the line say, in words and numbers."""

from __future__ import annotations

from typing import Any

from selectlang.report.control import COUNTED, READ
from selectlang.report.ground import SAMPLE
from selectlang.report.measures import ALIKE
from selectlang.report.text import shortened, shown
from selectlang.tables import counted

TITLES = {
    "reached": "reached",
    "entropy": "entropy",
    "vendi": "Vendi score",
    "near_duplicates": "near-duplicates",
    "tokens of the response": "tokens",
}
HELP = {
    "reached": "the groups that have a row",
    "entropy": "how evenly rows spread over the groups, in bits; the higher, the more evenly",
    "vendi": "how many rows, each unlike all others, would be as diverse; by cosine, of at most "
    f"{SAMPLE:,} rows, or {READ} where words stand for vectors",
    "near_duplicates": "the share of rows that have another one, among those compared, with a cosine of "
    f"{ALIKE:g} or more",
    "tokens of the response": f"words and punctuation marks, of at most {COUNTED:,} chosen rows, as many of "
    f"the pool, and {READ} of each draw",
}
SHARES = ("near_duplicates", "missing")


def control(output: dict[str, Any]) -> dict[str, Any]:
    """The table of the control of one output."""
    found = output["control"]
    return {
        "name": output["name"],
        "about": _about(found, output),
        "rows": [_measure(each) for each in found["measures"]],
        "help": [
            (title, HELP[what])
            for what, title in TITLES.items()
            if any(each["measure"] == what for each in found["measures"])
        ],
    }


def _about(found: dict[str, Any], output: dict[str, Any]) -> str:
    said = [f"{counted(found['rows'], 'row')} of {shown(found['data'])} ({output['pool']:,})"]
    if found["compared"] < found["rows"]:
        said.append(f"compared by a random {found['compared']:,} of them")
    if output["stands_for"] < output["pool"]:
        said.append(f"a random {output['stands_for']:,} rows stand for the pool")
    same = "as many tokens" if found["budget"] == "tokens" else "as many rows"
    average = " on average" if found["budget"] == "tokens" else ""
    said.append(f"each draw has {same}: {counted(found['drawn'], 'row')}{average}")
    return "; ".join(said) + "."


def named(measure: dict[str, Any], brief: bool = False) -> str:
    """The name of a measure for people; a brief one does not say by which vectors."""
    what, about = measure["measure"], shortened(measure["about"], 60)
    by = "" if brief else f" ({about or 'words'})"
    return {
        "reached": f"{about} reached",
        "entropy": f"{about} entropy",
        "vendi": f"Vendi score{by}",
        "near_duplicates": f"near-duplicates{by}",
        "missing": f"{about}: missing",
        "score": f"{about}, mean",
    }.get(what, f"{what}, mean")


def _measure(each: dict[str, Any]) -> dict[str, Any]:
    what, most = each["measure"], each.get("most")
    verdict = beyond(each)
    words = {"above": "▲ above all draws", "below": "▼ below all draws", "": "within the draws"}[verdict]
    return {
        "name": named(each),
        "chosen": number(each["chosen"], what) + (f" of {most:,}" if most is not None else ""),
        "random": number(each["random"], what),
        "range": ""
        if each["lowest"] is None
        else f"{number(each['lowest'], what)} to {number(each['highest'], what)}",
        "pool": number(each["pool"], what),
        "mark": verdict,
        "verdict": words if each["chosen"] is not None and each["random"] is not None else "",
        "bar": _bar(each),
    }


def beyond(each: dict[str, Any]) -> str:
    """Whether the chosen rows lie `above` or `below` all random draws; else empty."""
    if each["chosen"] is None or each["random"] is None:
        return ""
    return "above" if each["chosen"] > each["highest"] else "below" if each["chosen"] < each["lowest"] else ""


def number(value: float | None, what: str) -> str:
    """A number as people read it."""
    if value is None:
        return ""
    if what in SHARES:
        return f"{value:.1%}"
    if what == "reached":
        return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def _bar(each: dict[str, Any], width: float = 120, edge: float = 7) -> dict[str, Any] | None:
    """Where chosen rows, draws and pool stand on a line of `width`."""
    if each["chosen"] is None or each["random"] is None:
        return None
    pool = each["pool"]
    values = [each["chosen"], each["lowest"], each["highest"], *([] if pool is None else [pool])]
    low, reach = min(values), max(values) - min(values)

    def at(value: float) -> float:
        return round(edge + (width - 2 * edge) * ((value - low) / reach if reach else 0.5), 1)

    begin, end = at(each["lowest"]), at(each["highest"])
    return {
        "chosen": at(each["chosen"]),
        "low": round(min(begin, (begin + end) / 2 - 1.5), 1),
        "width": round(max(end - begin, 3), 1),
        "pool": None if pool is None else at(pool),
    }


def line(output: dict[str, Any]) -> dict[str, Any]:
    """The tables of the rows nearest to the line of one output."""
    found = output["line"]
    sides = []
    for side in found["sides"]:
        chosen, left = (
            [{**row, "score": f"{row['score']:.5g}"} for row in side[kind]] for kind in ("chosen", "left")
        )
        pairs = [("chosen", chosen), ("left out", left)]
        sides.append(pairs[::-1] if side.get("above") else pairs)
    stage, column = found["stage"], "".join(found["columns"])
    who = f"{found['round'].capitalize()} alone: stage" if found["round"] else "Stage"
    about = {
        "one": f"{who} {stage} chooses by score: the last rows that it chose, and the next, which it left.",
        "each": f"{who} {stage} has a line for each {column}: the rows nearest to it on both sides, by "
        f"{column}, those first of which most was chosen.",
        "none": f"{who} {stage} has no line: it draws, and left {counted(found['inside'], 'row')} out whose "
        "score is between those of chosen ones. These are the rows that it chose with the lowest scores, and "
        "those left out with the highest.",
    }[found["kind"]]
    return {"name": output["name"], "about": about, "columns": found["columns"], "sides": sides}
