"""Shards that a class maps at once: what it is given, what is kept, and a run that goes on elsewhere."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang.engine import execute
from selectlang.engine.mapper import Mapper
from selectlang.engine.windows import rows_at_once, windows
from selectlang.errors import MethodError
from selectlang.signature import describe
from selectlang.store.codec import encode

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: t
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  made: {KIND: odd, from: pool}
outputs: {made: made}
"""
PLUGIN = """
import json, os
import selectlang as sl

@sl.hookimpl
def register_methods(register):
    register(odd)

def said(name, what):
    with open(os.environ[name], "a") as file:
        file.write(json.dumps(what) + "\\n")

@sl.KIND
class odd:
    "An odd one."
    shard_rows = 4

    @staticmethod
    def window_rows(rows, gpus):
        said("ASKED", [len(rows), gpus])
        return int(os.environ["WINDOW"]) * gpus

    def __call__(self, rows: sl.Rows) -> sl.OUTPUT:
        said("CALLS", rows.ids())
        if "stop" in os.environ and os.environ["stop"] in rows.ids():
            1 / 0
        return RESULT
"""
SCORES = "score", "Scores", "[float(len(text)) for text in rows.texts()]"
RUN = "selectlang run s.yaml --set pool=pool.jsonl --plugins plugins --out out"


@pytest.fixture
def odd(project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A project with 30 rows and the class, which sees one GPU, and asks for so many rows at once."""
    monkeypatch.setattr(Mapper, "gpus", lambda mapper: 1)

    def make(kind: str, output: str, result: str, window: int, name: str = "p") -> Any:
        code = PLUGIN.replace("KIND", kind).replace("OUTPUT", output).replace("RESULT", result)
        p = project(
            {"s.yaml": SPEC.replace("KIND", kind), "plugins/odd.py": code, "pool.jsonl": pool(30)}, name
        )
        names = {"CALLS": str(p.folder / "calls"), "ASKED": str(p.folder / "asked")}
        p.environment |= {**names, "WINDOW": str(window)}
        return p

    return make


def calls(p: Any, name: str = "calls") -> list[Any]:
    path: Path = p.folder / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def firsts(p: Any) -> list[tuple[str, int]]:
    """The first row of each call, and how many rows it had."""
    return [(call[0], len(call)) for call in calls(p)]


@pytest.mark.parametrize("window, most", [(0, 4), (3, 4), (8, 8), (11, 8), (12, 12), (1000, 30)])
@pytest.mark.parametrize(
    "kind, output, result",
    [
        SCORES,
        ("embed", "Vectors", "[[len(text), 1.0] for text in rows.texts()]"),
        ("judge", "Labels", "[str(len(text) % 3) for text in rows.texts()]"),
        ("generate", "Replies", "[text.upper() for text in rows.texts()]"),
    ],
)
def test_whole_shards_are_given_at_once_and_kept_apart(
    odd: Make, kind: str, output: str, result: str, window: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []

    def spy(value: Any, folder: Path) -> None:
        kept.append(len(value.rows))
        encode(value, folder)

    monkeypatch.setattr(execute, "encode", spy)
    p = odd(kind, output, result, window)
    done = p.run(RUN).ok()
    assert [len(call) for call in calls(p)] == [min(most, 30 - start) for start in range(0, 30, most)]
    assert [name for call in calls(p) for name in call] == [f"r{i}" for i in range(30)]
    assert kept == [4] * 7 + [2, 30]
    plain = odd(kind, output, result, 0, "plain")
    assert plain.run(RUN).ok().bytes("made") == done.bytes("made")
    assert len(list(p.store.glob("entries/*/*"))) == 2


def test_a_run_that_was_killed_goes_on_where_there_are_more_gpus_or_none(odd: Make) -> None:
    alone = odd(*SCORES, 0, "alone").run(RUN).ok().bytes("made")
    for window, more in (
        (12, [("r12", 12), ("r24", 6)]),
        (0, [("r16", 4), ("r20", 4), ("r24", 4), ("r28", 2)]),
    ):
        p = odd(*SCORES, 8, f"then {window}")
        p.environment["stop"] = "r17"
        assert p.run(RUN).code == 3
        assert firsts(p) == [("r0", 8), ("r8", 8), ("r16", 8)]
        p.environment |= {"stop": "", "WINDOW": str(window)}
        done = p.run(RUN).ok()
        assert firsts(p)[3:] == more  # what is kept is kept, whatever was asked for at once
        assert done.bytes("made") == alone
        assert len(list(p.store.glob("entries/*/*"))) == 2


def test_only_a_run_with_something_to_do_asks_for_a_window(odd: Make) -> None:
    p = odd(*SCORES, 8)
    for command in ("check s.yaml", "plan s.yaml --set pool=pool.jsonl", "show score odd"):
        p.run(f"selectlang {command} --plugins plugins").ok()
    assert calls(p, "asked") == []
    p.run(RUN).ok()
    p.run(RUN).ok()
    assert calls(p, "asked") == [[30, 1]]


@given(st.integers(1, 40), st.integers(0, 12), st.integers(1, 5), st.data())
def test_a_window_is_the_same_whatever_is_missing(rows: int, wanted: int, size: int, data: Any) -> None:
    spans = {f"k{start}": (start, min(start + size, rows)) for start in range(0, rows, size)}
    missing = data.draw(st.sets(st.sampled_from(sorted(spans))))
    found = windows(spans, dict.fromkeys(missing).keys(), wanted)
    every = windows(spans, spans.keys(), wanted)
    assert [key for window in every.values() for key in window] == list(spans)
    assert found == {first: window for first, window in every.items() if missing & {*window}}
    for first, window in every.items():
        assert window[0] == first
        assert len(window) == 1 or spans[window[-1]][1] - spans[first][0] <= wanted


def test_each_worker_of_a_cluster_has_several_windows() -> None:
    @sl.score
    class fast:
        """Takes all that it can have."""

        window_rows = staticmethod(lambda rows, gpus: 1000 * gpus)

        def __call__(self, rows: sl.Rows[Any]) -> sl.Scores[Any]:
            return sl.Scores(rows, rows.draws(0))

    rows: Any = range(10_000)
    method = describe(fast)
    assert rows_at_once(method, rows, 1, 8) == 8000
    assert rows_at_once(method, rows, 2, 1) == 1000
    assert rows_at_once(method, rows, 25, 1) == 100
    assert rows_at_once(method, rows, 2, 0) == 0
    assert rows_at_once(method, rows[:0], 1, 1) == 0


@pytest.mark.parametrize("given", [None, 2.5, "12", [3], math.nan])
def test_a_window_that_is_no_number_of_rows_is_refused(given: Any) -> None:
    @sl.score
    class odd:
        """Wants what cannot be had."""

        window_rows = staticmethod(lambda rows, gpus: given)

        def __call__(self, rows: sl.Rows[Any]) -> sl.Scores[Any]:
            return sl.Scores(rows, rows.draws(0))

    rows: Any = range(10)
    with pytest.raises(MethodError, match="window_rows gave .*, expected a whole number"):
        rows_at_once(describe(odd), rows, 1, 1)


def test_gpus_are_those_that_a_loaded_class_can_see(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    loaded = []

    @sl.score
    class network:
        """Loads torch, or something else."""

        def __init__(self) -> None:
            loaded.append(self)

        def __call__(self, rows: sl.Rows[Any]) -> sl.Scores[Any]:
            return sl.Scores(rows, rows.draws(0))

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    mapper = Mapper(describe(network), dict, tmp_path)
    assert mapper.gpus() == 3
    assert len(loaded) == 1
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "torch")
        assert mapper.gpus() == 0
        assert "torch" not in sys.modules
