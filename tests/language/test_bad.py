"""Every fixture in bad/ gives exactly the text beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SPECS = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


@pytest.mark.parametrize("spec", SPECS, ids=[spec.stem for spec in SPECS])
def test_a_bad_spec_gives_exactly_its_text(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    monkeypatch.chdir(spec.parent)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))  # in which nothing was agreed to
    first = spec.read_text(encoding="utf-8").split("\n", 1)[0]
    marked = re.fullmatch(r"# plugins: (\w+)", first)
    plugins = ["--plugins", "../fakes", *(["--plugins", f"../{marked[1]}"] if marked else [])]
    outcome = command("check", spec.name, *plugins)
    expected = spec.with_suffix(".txt")
    if os.environ.get("UPDATE_EXPECTED"):
        expected.write_text(outcome.out, encoding="utf-8")
    assert outcome.out == expected.read_text(encoding="utf-8")
    assert (outcome.code, outcome.err) == (1, "")
    code = re.match(r"(SL\d{3})-", spec.name)
    assert code is None or f"[{code[1]}]" in outcome.out


def test_faults_are_sorted_by_place() -> None:
    for expected in (spec.with_suffix(".txt") for spec in SPECS):
        places: dict[str, list[tuple[int, int]]] = {}
        for file, line, column in re.findall(
            r"^(\S+?):(\d+):(\d+): .*\[SL\d{3}\]$", expected.read_text("utf-8"), re.M
        ):
            places.setdefault(file, []).append((int(line), int(column)))
        assert places, expected
        assert all(found == sorted(found) for found in places.values()), expected


def test_a_fault_is_told_once() -> None:
    for expected in (spec.with_suffix(".txt") for spec in SPECS):
        heads = re.findall(r"^\S.*\[SL\d{3}\]$", expected.read_text("utf-8"), re.M)
        assert len(heads) == len(set(heads)), expected
