"""A run as a notebook shows it: what it gave, its stages, and the way to its report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from selectlang.engine.guard import REPORT
from selectlang.faults import printable
from selectlang.result import took

if TYPE_CHECKING:
    from selectlang.result import Result

MOST = 40  # stages that are listed


def drawn(result: Result) -> str:
    """HTML without style or script of its own; all text in it is escaped, for records come from anybody."""
    record = result.record
    spec = record["spec"]
    stages = record["stages"][:MOST]
    more = len(record["stages"]) - len(stages)
    parts = [
        f"<p><b>{_text(spec.get('name', 'spec'))}</b> {_text(spec.get('doc', ''))}</p>",
        _table(
            ("output", "rows", "in"),
            [
                (
                    name,
                    _count(said.get("rows", said.get("value"))),
                    said.get("file") or said.get("folder", ""),
                )
                for name, said in record["outputs"].items()
            ],
        ),
        _table(
            ("stage", "method", "rows in", "rows out", "state", "seconds"),
            [
                (
                    stage["path"],
                    f"{stage['kind']} {stage['method']}",
                    _count(stage.get("rows_in")),
                    _count(_first(stage.get("rows_out"))),
                    stage["state"],
                    took(stage.get("seconds")),
                )
                for stage in stages
            ],
        ),
        f"<p>and {more:,} more stages</p>" if more > 0 else "",
        *(f"<p>note: {_text(note)}</p>" for note in result.notes),
        _folder(result),
    ]
    return f"<div>{''.join(parts)}</div>"


def _table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in headers)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _folder(result: Result) -> str:
    """The folder, and a link to the report in it; a notebook opens files by their path from where it is."""
    folder = os.path.relpath(result.folder)
    report = result.folder / REPORT
    link = f'<a href="{escape(quote(os.path.join(folder, REPORT)))}" target="_blank">report</a>, '
    return f"<p>{link if report.is_file() else ''}<code>{_text(folder)}</code></p>"


def _text(value: object) -> str:
    return escape(printable(str(value)))


def _count(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _first(value: Any) -> Any:
    return next(iter(value.values()), None) if isinstance(value, dict) else None
