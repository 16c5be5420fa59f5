"""How two specs, runs or files differ, as text."""

from __future__ import annotations

import json
from typing import Any

from selectlang.faults import brief
from selectlang.seeing.specs import NOTHING
from selectlang.seeing.text import cut, paragraph, table
from selectlang.tables import counted, say

SHOWN = 8  # groups that are listed
EXAMPLES = 3  # rows of a stage
LONG = 32  # columns of a value


def tell_specs(found: dict[str, Any], old: str, new: str) -> None:
    """Print how two specs differ."""
    if found["same"]:
        say("after resolving, both specs say the same")
        return
    for part in found["changed"]:
        method = f" ({part['method']})" if part["method"] else ""
        paragraph(" ".join(filter(None, (part["what"], brief(part["name"])))) + method)
        _changes(part["changes"])
    for each in found["renamed"]:
        paragraph(f"{each['what']} {brief(each['old'])} is now {brief(each['new'])}")
    for word, name in (("removed", old), ("added", new)):
        if found[word]:
            paragraph(f"only in {cut(name, 60)}:")
        for each in found[word]:
            method = f" ({each['method']})" if each["method"] else ""
            paragraph(f"{each['what']} {brief(each['name'])}{method}", indent=2)


def _changes(changes: list[dict[str, Any]]) -> None:
    """Settings that differ; those that another method does not have in a line of their own."""
    other = any(change["setting"] == "method" for change in changes)
    gone = [change["setting"] for change in changes if other and change["new"] == NOTHING]
    fresh = [change for change in changes if other and change["old"] == NOTHING]
    for change in changes:
        if other and NOTHING in (change["old"], change["new"]):
            continue
        before, after = _values(change["old"], change["new"])
        paragraph(f"{change['setting']}: {before} -> {after}", indent=2)
    if gone:
        paragraph(f"no more: {', '.join(gone)}", indent=2)
    if fresh:
        told = ", ".join(f"{change['setting']}: {cut(_text(change['new']), LONG)}" for change in fresh)
        paragraph(f"new: {told}", indent=2)


def _values(old: Any, new: Any) -> tuple[str, str]:
    """Two values as text; of long ones the part where they begin to differ."""
    texts = [value if value == NOTHING else _text(value) for value in (old, new)]
    pairs = enumerate(zip(*texts, strict=False))
    same = next((at for at, (one, other) in pairs if one != other), min(map(len, texts)))
    if same > LONG // 2 and max(map(len, texts)) > LONG:
        texts = [f"...{text[same - LONG // 4 :]}" for text in texts]
    return cut(texts[0], LONG), cut(texts[1], LONG)


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def tell_runs(found: dict[str, Any], old: str, new: str) -> None:
    """Print how two runs differ."""
    if not found["outputs"]:
        say("the runs have no output of rows in common")
    for name, said in found["outputs"].items():
        _overlap(brief(name), said)
        for note in said["notes"]:
            paragraph(f"note: {note}")
        if said["parted"]:
            say("\nwhere their fates part")
            rows = [
                (cut(each["stage"], 60), f"{each['gained']:,}", f"{each['lost']:,}")
                for each in said["parted"]
            ]
            table(["stage", "gained", "lost"], rows, right=["gained", "lost"])
            _examples(said["parted"])
        _groups(said["groups"])
        say("")
    if found["spec"]["same"]:
        say("the specs say the same")
    else:
        say("the specs")
        tell_specs(found["spec"], old, new)
    for each in found["data"]:
        counts = [
            f"{each[side]:,} rows" if isinstance(each[side], int) else "none" for side in ("old", "new")
        ]
        paragraph(f"data {brief(each['name'])} is not the same: {counts[0]} -> {counts[1]}")
    for each in found["versions"]:
        paragraph(f"{cut(each['name'], 30)}: {cut(str(each['old']), 20)} -> {cut(str(each['new']), 20)}")


def tell_files(found: dict[str, Any]) -> None:
    """Print how two files of rows differ."""
    _overlap("rows", found)
    for word in ("gained", "lost"):
        ids = ", ".join(cut(row["id"], 24) for row in found[f"{word}_first"])
        more = " ..." if found[word] > len(found[f"{word}_first"]) else ""
        if ids:
            paragraph(f"{word}: {ids}{more}")
    _groups(found["groups"])


def _overlap(name: str, said: dict[str, Any]) -> None:
    again = [
        f" ({said[side]:,} different)" if said[side] < said[f"{side}_rows"] else "" for side in ("old", "new")
    ]
    lengths = f"{said['old_rows']:,}{again[0]} -> {counted(said['new_rows'], 'row')}{again[1]}"
    change = f"{said['gained']:,} gained, {said['lost']:,} lost"
    paragraph(f"{name}: {lengths}; {said['both']:,} in both, {change}, Jaccard {said['jaccard']:.3f}")


def _examples(stages: list[dict[str, Any]]) -> None:
    rows = [
        (word, cut(row["id"], 24), cut(each["stage"], 20), row["text"])
        for each in stages
        for word in ("gained", "lost")
        for row in each[f"{word}_first"][:EXAMPLES]
    ]
    if rows:
        say("")
        table(["", "id", "parts at", "text"], rows)


def _groups(groups: dict[str, list[dict[str, Any]]]) -> None:
    for name, said in groups.items():
        changed = [each for each in said if each["old"] != each["new"]]
        if not changed:
            continue
        say("")
        rows = [
            (
                cut(each["group"], 40),
                f"{each['old']:,}",
                f"{each['new']:,}",
                f"{each['new'] - each['old']:+,}",
            )
            for each in changed[:SHOWN]
        ]
        table([cut(name, 40), "old", "new", "change"], rows, right=["old", "new", "change"])
        if len(changed) > SHOWN:
            paragraph(f"and {len(changed) - SHOWN:,} more with a smaller change; --json has them")
