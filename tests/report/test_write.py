"""Writing the report: what goes wrong with it is no fault of the run."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.digests import file_digest
from selectlang.report.text import shortened, shown

Make = Callable[..., Any]
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out"
SPEC = """
selectlang: 1
name: plain
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  values: {score: from_field, from: pool, field: value}
  chosen: {budget: top, from: values, size: 5}
outputs: {chosen: chosen}
"""


def test_the_record_lists_it(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(30)})
    done = p.run(RUN).ok()
    path = p.folder / "out/report.html"
    assert done.record["report"] == {
        "file": "report.html", "bytes": path.stat().st_size, "sha256": file_digest(path),
    }  # fmt: skip
    assert done.record["seconds"] > 0


def test_a_run_replaces_its_own_report_and_nobody_elses(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(30)})
    p.run(RUN).ok()
    first = (p.folder / "out/report.html").read_bytes()
    p.write({"s.yaml": SPEC.replace("size: 5", "size: 6")})
    p.run(RUN).ok()
    assert (p.folder / "out/report.html").read_bytes() != first
    record = json.loads((p.folder / "out/record.json").read_text())
    del record["report"]
    p.write({"out/record.json": json.dumps(record), "out/report.html": "mine"})
    refused = p.run(RUN)
    assert refused.code == 2
    assert "it holds report.html, which is no output of the run" in refused.err
    assert (p.folder / "out/report.html").read_text() == "mine"


def test_what_breaks_in_it_is_a_note(project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from selectlang.report import page

    def broken(*_: object) -> str:
        raise RuntimeError("no picture\x1b[2J")

    p = project({"s.yaml": SPEC, "pool.jsonl": pool(30)})
    p.run(RUN).ok()
    with monkeypatch.context() as patch:
        patch.setattr(page, "page", broken)
        done = p.run(RUN).ok()
    assert "note: there is no report.html: RuntimeError: no picture" in done.err
    assert "\x1b" not in done.err
    assert len(done.rows()) == 5
    assert "report" not in done.record
    assert not (p.folder / "out/report.html").exists()  # that of the run before would speak of another
    p.run(RUN).ok()
    assert (p.folder / "out/report.html").exists()


def test_a_full_disk_ends_the_run_as_for_an_output(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(30)})
    before = p.run(RUN).ok().bytes()
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == "report.html":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    p.write({"s.yaml": SPEC.replace("size: 5", "size: 6")})
    done = p.run(RUN)
    assert done.code == 1
    assert "cannot write to the run folder out: No space left on device" in done.err
    assert (p.folder / "out/chosen.jsonl").read_bytes() == before
    assert (p.folder / "out/report.html").exists()


def test_a_store_that_cannot_be_written_is_gone_without(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from selectlang.report import facts

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(facts, "_write", full)
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(30)})
    done = p.run(RUN).ok()
    assert "report" not in done.err
    assert (p.folder / "out/report.html").exists()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("plain", "plain"),
        ("  two\n\tlines\u2028more\x00 ", "two lines more"),
        ("a\u202eb\u2066c\ud800", "a\ufffdb\ufffdc\ufffd"),
        ("x" * 151, "x" * 149 + "…"),
        ("x" * 150, "x" * 150),
        ("x" * 10**6, "x" * 149 + "…"),
        (" " * 10**6 + "x", "…"),
        ("👩‍👩‍👧 می‌خواهم", "👩‍👩‍👧 می‌خواهم"),
        ("", ""),
    ],
)
def test_texts_are_shown_on_a_line_and_cannot_steer_it(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("plain", "plain"),
        ("x" * 11, "x" * 11),
        ("begin of a long name", "begin…name"),
        ("a\u202e" * 20, "a\ufffda\ufffda…\ufffda\ufffda\ufffd"),
    ],
)
def test_long_names_are_cut_in_the_middle(text: str, expected: str) -> None:
    assert shortened(text, 11) == expected
