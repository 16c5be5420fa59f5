"""What a command takes, as benchmarks measure it, and the limit that they can set it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

TAKES = "kept = bytearray({} * 10**6)\n"


@pytest.fixture
def within(bench: Any) -> Iterator[list[str]]:
    """What stands before a command that may take 100 MB."""
    with ExitStack() as stack:
        try:
            within = stack.enter_context(bench("limited").limited(100 * 10**6))
        except SystemExit as none:
            pytest.skip(str(none))
        yield within
    assert not Path(within[-1]).parent.exists()


def test_pages_of_a_mapped_file_are_of_a_file(bench: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(60 * 10**6))
    code = f"""{TAKES.format(30)}
import mmap, sys, time
with open(sys.argv[1], "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
sum(mapped[::4096])
time.sleep(0.5)
"""
    taken = bench("apart").apart([sys.executable, "-c", code, tmp_path / "file"], {}, tmp_path / "log")
    assert 28 < taken.anonymous < 50


def test_the_memory_of_processes_below_is_added(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench("apart"), "FAMILY", 1)
    below = TAKES.format(30) + "import time; time.sleep(1)"
    code = TAKES.format(30) + f"import subprocess, sys; subprocess.run([sys.executable, '-c', {below!r}])"
    taken = bench("apart").apart([sys.executable, "-c", code], {}, tmp_path / "log")
    assert 57 < taken.anonymous < 100


def test_a_command_within_its_limit_runs_and_another_is_killed(
    bench: Any, within: list[str], tmp_path: Path
) -> None:
    apart = bench("apart").apart
    words = [*within, sys.executable, "-c"]
    apart([*words, TAKES.format(50) + "print('done')"], {}, tmp_path / "log")
    assert (tmp_path / "log").read_text(encoding="utf-8") == "done\n"
    with pytest.raises(SystemExit, match="failed with status -9"):
        apart([*words, TAKES.format(200)], {}, tmp_path / "log")


def test_where_no_group_can_be_made_it_says_so(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = bench("limited")

    def none() -> None:
        raise OSError("none is mounted")

    monkeypatch.setattr(limited, "_parent", none)
    with pytest.raises(SystemExit, match="no memory cgroup can be made here.*: none is mounted"):
        limited.limited(10**9).__enter__()
