"""What a budget made of a row, in sentences; each takes what `fate` gives."""

from __future__ import annotations

from typing import Any

from selectlang.faults import brief, quoted
from selectlang.seeing.text import MISSING, cut, numbers, ordinal
from selectlang.tables import counted

TEXT = 44  # columns of a row's first words
WHYS = 8  # reasons of a choice that are told


def verdict(fate: dict[str, Any]) -> str:
    """What the budget did with the row, in a few words, as in a table of rounds."""
    if "unknown" in fate:
        return "not known"
    if fate["chosen"]:
        return f"taken, {ordinal(fate['choices'][0]['rank'])}"
    if "outside" in fate:
        return "no candidate"
    if "barred" in fate:
        return "passed over"
    ranked = fate.get("order") or fate.get("drawn") or {}
    if fate.get("turns"):
        ranked = fate["turns"][0]
    return f"left, rank {ranked['rank']:,}" if ranked.get("rank") else "left"


def sentences(fate: dict[str, Any]) -> list[str]:
    """What happened to the row, and what the line was; each is a paragraph."""
    if "unknown" in fate:
        return [fate["unknown"]]
    found = []
    if fate["chosen"]:
        found += [text for choice in fate["choices"] if (text := _choice(choice, fate["times"] > 1))]
        more = fate["times"] - len(fate["choices"])
        found += [f"And {counted(more, 'time')} more."] if more else []
    if "outside" in fate:
        found.append(f"It was no candidate: it is not among {_listed(fate['outside'])}.")
    elif "barred" in fate:
        found.append(f"It was passed over: it is in {_listed(fate['barred'])}, of which nothing was taken.")
    elif not fate["taken"]:
        found.append(f"Nothing was taken of {counted(fate['candidates'], 'candidate')}.")
    elif "order" in fate:
        found.append(_order(fate))
    elif "turns" in fate:
        found += _turns(fate)
    elif "drawn" in fate:
        found.append(_drawn(fate))
    return found + [f"Note: {note}." for note in fate["notes"]]


def _choice(choice: dict[str, Any], several: bool) -> str:
    score = choice.get("score")
    said = [f"score {numbers([score])[0]}"] if score is not None else []
    for name, value in list(choice["why"].items())[:WHYS]:
        said.append(f"{name} {numbers([value])[0] if isinstance(value, float) else cut(str(value), TEXT)}")
    text = ", ".join(said)
    if several:
        return f"{ordinal(choice['rank'])}: {text or 'no reason is kept'}."
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _order(fate: dict[str, Any]) -> str:
    said = fate["order"]
    last, nxt, what = said.get("last_taken"), said.get("next"), said["by"]
    own, line = said["value"], said.get("line")
    texts = numbers([own, line, *said.get("window", ())[:1], *([nxt["value"]] if nxt else [])])
    mine, edge = texts[:2]
    of = f" of {brief(said['of'])}" if said["of"] else ""
    if said["rank"] is None:
        found = f"It has no {what}{of}, and such rows go last{_among(said)}."
    else:
        found = f"By {what} it is {ordinal(said['rank'])}{_among(said)}: {mine}{of}."
    if said["by"] == "draw":
        found = f"Rows were drawn at random, by the seed. {found}"
    if last is None:
        return f"{found} None of these was taken."
    taken = f"{said['taken']:,} of them {'was' if said['taken'] == 1 else 'were'} taken"
    if said["taken"] == said["rows"]:
        return f"{found} All of them were taken."
    if "window" in said:
        first = texts[2]
        where = " It stands above the window." if said["above"] and not fate["chosen"] else ""
        found += f" The window that was taken runs from {first} to {edge}.{where}"
    if bounds := said.get("bounds"):
        taken += ", all that are " + " and ".join(map(_bound, bounds, numbers([*bounds.values()])))
    found += f" {taken}; the last {_with(edge)}{_row(last)}"
    if fate["chosen"] and nxt is not None:
        found += f"; the next {_with(texts[-1])}, and was left{_row(nxt)}"
    return found + "." + _tie(said)


def _bound(name: str, number: str) -> str:
    return f"{name.replace('_', ' ')} {number}"


def _with(number: str) -> str:
    return "had none" if number == MISSING else f"had {number}"


def _among(said: dict[str, Any]) -> str:
    group = said.get("group")
    rows = counted(said["rows"], "candidate")
    return f" among {rows}" + (f" of {group['what']} {cut(str(group['name']), TEXT)}" if group else "")


def _tie(said: dict[str, Any]) -> str:
    tie = said.get("tie")
    if tie is None:
        return ""
    how = {"draw": ", by the seed's draw", "order": ", by the order of the file"}.get(tie["by"], "")
    this = "without one" if said.get("line") is None else "with this number at the line"
    return f" Of the {tie['rows']:,} {this} {_were(tie['taken'])} taken{how}."


def _were(number: int) -> str:
    return f"{number:,} {'was' if number == 1 else 'were'}"


def _drawn(fate: dict[str, Any]) -> str:
    said = fate["drawn"]
    how = "They were drawn by chance" if said["by_chance"] else "No stored number ranks what was taken"
    group = _among(said).removeprefix(" among ")
    again = f" in {counted(said['choices'], 'draw')}" if said["choices"] > said["taken"] else ""
    found = f"{how}: {_were(said['taken'])} taken of {group}{again}."
    if said.get("rank") is not None:
        found += f" By score it is {ordinal(said['rank'])} of these: {numbers([said['value']])[0]}"
        found += f" of {brief(said['of'])}."
        (up, above), (down, below) = said["above"], said["below"]
        found += f" Of {above:,} with a higher one {_were(up)} taken" if above else " None has a higher one"
        found += f", of {below:,} with a lower one {down:,}." if below else "."
    if "last_taken" in said and not fate["chosen"]:
        found += f" The last one taken{' there' if 'group' in said else ''}{_row(said['last_taken'])}."
    return found


def _turns(fate: dict[str, Any]) -> list[str]:
    """How far each group came down its list, for the groups that come nearest to the row."""
    if not fate["turns"]:
        return ["No group has a score for it."]
    found = [] if fate["chosen"] else ["No group came down to it in its turns:"]
    for said in fate["turns"]:
        mine, edge = numbers([said["value"], said["line"]])
        text = f"{cut(said['column'], TEXT)}: {ordinal(said['rank'])} of {said['rows']:,} in its list, {mine}"
        if said["line"] is None or not said["depth"]:
            text += "; the first of the list was not taken" if said["rank"] > 1 else ""
        else:
            text += f"; the list was taken down to the {ordinal(said['depth'])}, {edge}"
        if said["last_taken"] is not None and not fate["chosen"]:
            text += f"; its last choice, in turn {said['turns']:,}{_row(said['last_taken'])}"
        found.append(text + ".")
    return found


def _row(row: dict[str, Any]) -> str:
    return f': {brief(row["id"])} "{cut(row["text"], TEXT)}"'


def _listed(names: list[str]) -> str:
    return " or ".join(quoted(name) for name in names)
