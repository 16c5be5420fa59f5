"""What is said of a budget's line holds, for every row and every budget, against plain sets and loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from selectlang.engine.opened import Opened
from selectlang.ports import Scores, Selection
from selectlang.seeing.budgets import Budget, budget
from selectlang.seeing.dropped import Dropped, dropped
from selectlang.seeing.fate import fate
from selectlang.seeing.groups import field_name
from selectlang.seeing.left import tell
from selectlang.seeing.sentences import sentences
from selectlang.store.store import Store
from tests.seeing.every import BUDGETS, CHANCE, EMPTY, ORDERED, TURNS, WINDOWS, number, rows, spec, targets

Make = Callable[..., Any]


def opened(project: Make, count: int, size: int, seed: int = 0, name: str = "") -> Opened:
    files = {
        "s.yaml": spec(size, count, seed),
        "pool.jsonl": rows(count, seed),
        "targets.jsonl": targets(seed),
    }
    p = project(files, name)
    p.run("selectlang run s.yaml --out out").ok()
    return Opened.open(p.folder / "out", Store(p.store))


def ids(values: Any) -> list[str]:
    found: list[str] = values.rows.ids()
    return found


class Known:
    """A budget as plain Python sees it: sets of ids, and numbers by id."""

    def __init__(self, run: Opened, path: str) -> None:
        self.run, self.path = run, path
        self.stage = run.stage(path)
        self.inputs = {port: values[0] for port, values in run.inputs(path).items()}
        self.selection: Selection[Any] = run.value(path)
        self.chosen = ids(self.selection)
        self.pool = run.data("pool").ids()
        self.skip = set(ids(self.inputs["skip"])) if "skip" in self.inputs else set()
        self.within = set(ids(self.inputs["within"])) if "within" in self.inputs else set(self.pool)
        self.candidates = self.within - self.skip
        self.task = dict(zip(self.pool, map(field_name, run.data("pool").field("task")), strict=True))

    def scores(self) -> dict[str, float]:
        value = self.inputs["scores"]
        return dict(zip(ids(value), map(float, value.best()), strict=True))

    def numbers(self, what: str) -> dict[str, float]:
        """The number that rows go by, as `what` names it."""
        if what == "draw":
            drawn = self.run.data("pool").draws(self.stage["seed"])
            return dict(zip(self.pool, drawn.tolist(), strict=True))
        if what == "distance":
            value = self.inputs["clusters"]
            return dict(zip(ids(value), map(float, value.distances), strict=True))
        found = self.scores()
        return {row: math.trunc(x) if x == x else x for row, x in found.items()} if "cut" in what else found

    def group(self, by: str | None) -> dict[str, str]:
        if by == "topics":
            value = self.inputs["clusters"]
            return {row: str(label) for row, label in zip(ids(value), value.labels.tolist(), strict=True)}
        return self.task if by == "task" else dict.fromkeys(self.pool, "")


def place(known: Known, row: str) -> int:
    found = known.run.data("pool").data.place(row)
    assert found is not None
    return found


def check_choices(known: Known, row: str, said: dict[str, Any]) -> None:
    spots = [i for i, each in enumerate(known.chosen) if each == row]
    assert said["chosen"] == bool(spots)
    if spots:
        assert said["times"] == len(spots)
        for spot, choice in zip(spots, said["choices"], strict=False):
            assert choice["rank"] == spot + 1
            assert set(choice["why"]) == set(known.selection.why)
    if row not in known.within:
        assert said["outside"] == ["within: some"]
    elif row in known.skip:
        assert said["barred"] == ["skip: seen"]
    else:
        assert not {"outside", "barred"} & said.keys()
        assert said["taken"] == len(set(known.chosen))
        assert said["candidates"] == len(known.candidates)


def check_order(known: Known, row: str, said: dict[str, Any]) -> None:
    """The rank, the line, and the rows on both sides of it, by counting."""
    what, source, high, by = ORDERED[known.path]
    told = said["order"]
    assert (told["by"], told["of"], told["highest_first"]) == (what, source, high)
    values, groups = known.numbers(what), known.group(by)
    same = {each for each in known.candidates if groups[each] == groups[row]}
    taken = same & set(known.chosen)
    assert (told["rows"], told["taken"]) == (len(same), len(taken))
    if by:
        assert told["group"]["name"] == groups[row]
    cost = {
        each: math.inf if values[each] != values[each] else -values[each] if high else values[each]
        for each in same
    }
    better = {each for each in same if cost[each] < cost[row]}
    assert told["rank"] == (len(better) + 1 if math.isfinite(cost[row]) else None)
    assert number(told["value"]) == pytest.approx(values[row], nan_ok=True)
    if not taken:
        assert "line" not in told
        return
    line = max(cost[each] for each in taken)
    top = min(cost[each] for each in taken)
    for each in same:  # the property of a line: what ranks better is taken, what ranks worse is not
        if top < cost[each] < line or (cost[each] < line and known.path not in WINDOWS):
            assert each in taken
        if cost[each] > line:
            assert each not in taken
    assert told["last_taken"]["id"] in taken
    assert cost[told["last_taken"]["id"]] == line
    behind = [cost[each] for each in same - taken if cost[each] >= line]
    if behind:
        assert told["next"]["id"] in same - taken
        assert cost[told["next"]["id"]] == min(behind)
    else:
        assert "next" not in told
    if "tie" in told:
        first = {each for each in same if cost[each] == top}
        begins = "window" in told and cost[row] == top and not first <= taken
        alike = first if begins else {each for each in same if cost[each] == line}
        assert (told["tie"]["rows"], told["tie"]["taken"]) == (len(alike), len(alike & taken))
        assert 0 < told["tie"]["taken"] < told["tie"]["rows"]
        assert told["tie"]["by"] in ({"draw"} if known.path != "ordered" else {"draw", "order"})
    if "window" in told:
        assert told["above"] == (cost[row] < top)


def check_turns(known: Known, row: str, said: dict[str, Any]) -> None:
    """Of each column told, the rank of the row and how far down the column's list everything is taken."""
    scores: Scores[Any] = known.inputs["scores"]
    at = {each: i for i, each in enumerate(ids(scores))}
    assert scores.columns is not None
    for told in said["turns"]:
        column = scores.values[:, scores.columns.index(told["column"])]
        value = {each: float(column[at[each]]) for each in known.candidates}
        assert told["value"] == pytest.approx(value[row])
        assert told["rank"] == 1 + sum(x > value[row] for x in value.values())
        left = max((value[each] for each in known.candidates - set(known.chosen)), default=-math.inf)
        assert told["depth"] == sum(value[each] > left for each in set(known.chosen) & known.candidates)
        if told["line"] is not None:
            assert all(each in known.chosen for each in known.candidates if value[each] > told["line"])
        if row not in known.chosen:
            assert told["line"] is None or value[row] <= told["line"]
        assert told["choices"] == known.selection.why["group"].tolist().count(told["column"])


def check_drawn(known: Known, row: str, said: dict[str, Any]) -> None:
    told, scores = said["drawn"], known.scores()
    assert told["by_chance"]
    same = {each for each in known.candidates if known.task[each] == known.task[row]}
    taken = same & set(known.chosen)
    assert (told["rows"], told["taken"]) == (len(same), len(taken))
    assert told["choices"] == sum(each in same for each in known.chosen)
    higher = {each for each in same if scores[each] > scores[row]}
    if scores[row] == scores[row]:
        assert told["rank"] == len(higher) + 1
        assert told["above"] == [len(higher & taken), len(higher)]
    assert not taken or told["last_taken"]["id"] in taken


def check_row(known: Known, found: Budget, row: str) -> None:
    said = fate(found, place(known, row))
    check_choices(known, row, said)
    if row not in known.candidates or not known.chosen:
        assert not {"order", "turns", "drawn"} & said.keys()
    elif known.path in TURNS:
        check_turns(known, row, said)
    elif known.path in CHANCE:
        check_drawn(known, row, said)
    else:
        check_order(known, row, said)


def the_budget(run: Opened, path: str) -> Budget:
    found = budget(run, run.stage(path))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    from tests.conftest import Project

    folder: Path = tmp_path_factory.mktemp("every")
    with pytest.MonkeyPatch.context() as patch:
        return opened(lambda files, _: Project(folder, patch).write(files), 60, 12)


@pytest.mark.parametrize("path", BUDGETS)
def test_the_line_is_true_of_every_row(path: str, run: Opened) -> None:
    known, found = Known(run, path), the_budget(run, path)
    for row in known.pool:
        check_row(known, found, row)


def test_every_budget_that_is_installed_is_tested(run: Opened) -> None:
    from selectlang.plugins import load

    assert {run.stage(path)["method"] for path in BUDGETS} == set(load().names("budget"))
    assert {*ORDERED, *CHANCE, *TURNS, *EMPTY} == set(BUDGETS)


@settings(
    max_examples=6, deadline=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(count=st.integers(3, 40), share=st.floats(0, 1.2), seed=st.integers(0, 10**6))
def test_what_is_said_of_any_pool_is_true(project: Make, count: int, share: float, seed: int) -> None:
    """Whatever order is found on a small pool, where chance may look like one."""
    run = opened(project, count, max(1, int(share * count)), seed, f"p{count}-{share}-{seed}")
    for path in BUDGETS:
        known, found = Known(run, path), the_budget(run, path)
        missing = dropped(run, path)
        check_dropped(known, found, missing)
        for row in known.pool[:: max(1, count // 6)]:
            said = fate(found, place(known, row))
            check_choices(known, row, said)
            if "order" in said and "line" in said["order"] and "window" not in said["order"]:
                rank, inside = said["order"]["rank"], said["order"]["taken"]
                assert said["chosen"] or rank is None or rank > inside or "tie" in said["order"]
            if "turns" in said:
                check_turns(known, row, said)


def check_dropped(known: Known, found: Budget, missing: Dropped) -> None:
    """Every row that was not chosen, once; with the numbers that `why` tells of it."""
    all_ids = found.data.ids(missing.at)
    assert sorted(all_ids) == sorted(set(known.pool) - set(known.chosen))
    assert missing.held == len(set(known.chosen))
    assert sum(count for count, _, _ in missing.counts()) == len(missing)
    for i, row in enumerate(all_ids):
        stage = missing.stages[missing.stage[i]]
        reason = missing.reasons[missing.reason[i]]
        if stage != known.path:
            assert stage == "some"
            assert row not in known.within
            continue
        said = fate(found, place(known, row))
        if row in known.skip:
            assert reason == "in skip: seen"
            continue
        told = said.get("order") or said.get("drawn") or {}
        if "turns" in said:
            told = next(
                (each for each in said["turns"] if each["column"] == missing.groups[missing.group[i]]), {}
            )
        assert number(told.get("value")) == pytest.approx(float(missing.score[i]), nan_ok=True)
        assert (told.get("rank") or 0) == missing.rank[i]
        if "line" in told:
            window = told.get("window")
            begins = window and (told["above"] or told["value"] == window[0] != window[1])
            line = window[0] if begins else told["line"]
            assert number(line) == pytest.approx(float(missing.line[i]), nan_ok=True)
            assert reason.startswith("at ") == (told["value"] is not None and told["value"] == line)
        if "group" in told:
            assert told["group"]["name"] == missing.groups[missing.group[i]]


@pytest.mark.parametrize("path", BUDGETS)
def test_what_was_left_out_is_the_rest(path: str, run: Opened) -> None:
    check_dropped(Known(run, path), the_budget(run, path), dropped(run, path))


def test_the_reasons_are_those_of_the_budgets(run: Opened) -> None:
    def reasons(path: str) -> set[str]:
        return {reason for _, stage, reason in dropped(run, path).counts() if stage == path}

    assert reasons("top") == {"below the line", "no score"}
    assert reasons("bottom") - {"at the line, not drawn"} == {"above the line", "no score"}
    assert reasons("band") == {"above the window", "below the window", "no score"}
    assert reasons("within") == {"below the line", "in skip: seen", "no score"}
    assert reasons("none") == {"nothing was taken"}
    assert reasons("empty") == {"nothing was taken", "in skip: seen"}
    assert reasons("drawn") == {"not drawn", "in skip: seen"}
    assert reasons("balanced") == {"not drawn from its group"}
    assert reasons("cl_top") <= {
        "below the line of its cluster", "at the line of its cluster, not drawn",
        "no score", "its cluster was given nothing",
    }  # fmt: skip
    assert "farther than the line of its cluster" in reasons("cl_near")
    assert reasons("cl_weight") <= {"not drawn from its cluster", "its cluster was given nothing"}
    assert reasons("rr_lose") == {"no turn came down to it"}


def test_the_rows_nearest_to_the_line_come_first(run: Opened) -> None:
    found = dropped(run, "least")
    known = found.rank[found.rank > 0]
    assert (np.diff(known) >= 0).all()
    assert (found.rank[len(known) :] == 0).all()


@pytest.mark.parametrize("path", WINDOWS)
def test_rows_on_both_sides_of_a_window_stand_by_the_edge_that_is_theirs(path: str, run: Opened) -> None:
    known, found = Known(run, path), dropped(run, path)
    values = known.scores()
    inside = [values[each] for each in known.chosen]
    order = sorted((x for x in values.values() if x == x), reverse=True)
    first, last = order.index(max(inside)), order.index(min(inside))
    far = []
    for i, row in enumerate(found.data.ids(found.at)):
        if values[row] == values[row]:
            above = values[row] > max(inside)
            assert found.line[i] == (max(inside) if above else min(inside))
            assert found.reasons[found.reason[i]] == f"{'above' if above else 'below'} the window"
            far.append(first - order.index(values[row]) if above else order.index(values[row]) - last)
    assert far == sorted(far)
    assert far[0] == far[1] == 1


@pytest.mark.parametrize(
    "path, bounds",
    [("least", {"at_least": 0.5}), ("between", {"at_least": 0.2, "at_most": 0.8}), ("band", None)],
)
def test_bounds_are_told_that_decided(path: str, bounds: dict[str, float] | None, run: Opened) -> None:
    known, found = Known(run, path), the_budget(run, path)
    said = fate(found, place(known, known.chosen[0]))
    assert said["order"].get("bounds") == bounds
    text = " and ".join(f"{name.replace('_', ' ')} {bound}" for name, bound in (bounds or {}).items())
    assert (f"taken, all that are {text}; the last had" in " ".join(sentences(said))) == (bounds is not None)


def test_without_a_line_none_is_spoken_of(run: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    for path, spoken in (("band", True), ("cl_weight", False), ("none", False)):
        tell(dropped(run, path), 5)
        assert ("those nearest to the line first" in capsys.readouterr().out) == spoken
