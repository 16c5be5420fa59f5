"""Every spec of the library: its form, and a property of what it chooses from a made pool."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import selectlang as sl
from selectlang.demo.pool import TARGET_TASKS, make_pool, make_targets
from selectlang.llm.fake import grade

Run = Callable[..., Any]
Pool = dict[str, dict[str, Any]]

FOLDER = Path(__file__).parents[2] / "specs"
SPECS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
MODEL = "all-MiniLM-L6-v2"
SIZE = 40
GIVEN = {
    "rds-plus": {"targets"},
    "rds-plus-single-task": {"targets"},
    "rds-mean-max": {"targets"},
    "embed-nearest": {"targets"},
    "iterselecttune": {"base_model"},
    "iterselecttune-one-shot": {"base_model"},
    "iterselecttune-apply": {"classifier", "hard"},
}
"""The params, beside the pool, that have no default."""
ASKED = {
    "iterselecttune": {"replies", "judged"},
    "iterselecttune-one-shot": {"replies", "judged"},
    "dnc-iterative": {"replies"},
    "dnc-iterative-judge": {"replies", "gold", "own"},
    "dnc-iterative-perplexity": {"replies"},
    "dnc-released-code": {"replies"},
    "alpagasus": {"grades"},
}
"""The stages that ask language models."""


def test_the_library_is_whole() -> None:
    assert set(SPECS) >= set(
        "random random-balanced length top-perplexity mid-perplexity rds-plus rds-plus-single-task "
        "rds-mean-max embed-nearest kmq kmq-released-code km-random km-closest kmq-rounds iterselecttune "
        "iterselecttune-apply iterselecttune-one-shot dnc-iterative dnc-iterative-judge "
        "dnc-iterative-perplexity dnc-released-code alpagasus".split()
    )


def whole(name: str) -> dict[str, Any]:
    """A spec as YAML, over the one that it extends."""
    import yaml

    spec: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    if "extends" not in spec:
        return spec
    parent = whole(spec.pop("extends").removeprefix("selectlang:"))
    params = {key: parent["params"].get(key, {}) | value for key, value in spec.get("params", {}).items()}
    return {**parent, **spec, "params": parent["params"] | params}


@pytest.mark.parametrize("name", SPECS)
def test_the_form_of_a_spec(name: str) -> None:
    """Short; its first comment says which paper it follows and where it departs; every param is described."""
    text, spec = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), whole(name)
    loops = any("loop" in stage for stage in spec["stages"].values())
    assert len(text.splitlines()) < (75 if loops else 40)
    comment = " ".join(line.lstrip("# ") for line in text.partition("\nselectlang:")[0].splitlines())
    assert re.search(r"[Ff]ollows .*arXiv:\d{4}\.\d{5}", comment)
    assert "Departs" in comment
    assert spec["name"] == name
    assert spec["doc"]
    assert spec["cite"]
    assert all(paper in comment for paper in spec["cite"])
    assert all(param["doc"] for param in spec["params"].values())
    needed = {param for param, about in spec["params"].items() if "default" not in about}
    assert needed == {"pool"} | GIVEN.get(name, set())
    assert all(data["path"] in ("$pool", "$targets", "$hard") for data in spec["data"].values())


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_checks_and_shows(project: Callable[..., Any], name: str) -> None:
    p = project({})
    assert ": fine, " in p.run(f"selectlang check {name}").ok().out
    assert p.run(f"selectlang check selectlang:{name}").code == 0
    shown = p.run(f"selectlang show {name}").ok().out
    assert "#   pool: path, no value yet" in shown


def distinct(done: Any, size: int = SIZE) -> list[str]:
    """The ids of the chosen rows, after a look at their number, ranks and method."""
    why = done.why()
    ids: list[str] = [row["id"] for row in why]
    assert len(ids) == len(set(ids)) == size
    assert [row["rank"] for row in why] == list(range(1, size + 1))
    assert done.record["outputs"]["chosen"]["unique"] == size
    return ids


def scores(done: Any, name: str) -> dict[str, float]:
    return {row["id"]: row["score"] for row in done.rows(name)}


def test_random(run: Run, rows: Pool) -> None:
    ids = distinct(run("random", size=SIZE))
    assert set(ids) <= rows.keys()
    assert len({rows[name]["task"] for name in ids}) >= 6
    assert distinct(run("random", size="16.7%")) == ids  # of 240
    assert distinct(run("random", size=80), 80)[:SIZE] == ids  # a larger size begins with the smaller


def test_random_balanced(run: Run, rows: Pool) -> None:
    ids = distinct(run("random-balanced", by="task", size=SIZE))
    counts = Counter(rows[name]["task"] for name in ids)
    assert counts.keys() == {row["task"] for row in rows.values()}
    assert max(counts.values()) - min(counts.values()) <= 1


def test_length(run: Run, rows: Pool) -> None:
    done = run("length", extra={"lengths": "lengths"}, size=SIZE)
    ids = distinct(done)
    every = scores(done, "lengths")
    assert every == {
        key: sum(sl.count_tokens(row[part]) for part in ("instruction", "input", "output"))
        for key, row in rows.items()
    }
    assert min(every[name] for name in ids) >= max(every[name] for name in every.keys() - set(ids))
    assert all(a["score"] >= b["score"] for a, b in pairwise(done.why()))


@pytest.mark.parametrize("name, start", [("top-perplexity", 0), ("mid-perplexity", 79)])
def test_perplexity(run: Run, causal: Path, name: str, start: int) -> None:
    """The window of ranks: the first for the top, from 0.33 of 240 for the middle."""
    done = run(name, extra={"surprise": "surprise"}, model=causal, size=SIZE)
    every = scores(done, "surprise")
    assert len(set(every.values())) > 200
    assert min(every.values()) > 1
    ranked = sorted(every.values(), reverse=True)
    assert [row["score"] for row in done.why()] == ranked[start : start + SIZE]
    assert [every[row["id"]] for row in done.why()] == [row["score"] for row in done.why()]
    distinct(done)


@pytest.mark.parametrize("name", ["rds-plus", "embed-nearest"])
def test_nearest_in_turns(run: Run, rows: Pool, minilm: str, name: str) -> None:
    """The tasks take turns, and rows of the target tasks are chosen far more often than at random."""
    done = run(name, extra={"nearness": "nearness"}, targets="targets.jsonl", model=MODEL, size=SIZE)
    ids = distinct(done)
    control = distinct(run("random", size=SIZE))
    hits = [sum(rows[name]["task"] in TARGET_TASKS for name in arm) for arm in (ids, control)]
    assert hits[0] > max(SIZE // 2, hits[1])
    groups = Counter(row["why"]["group"] for row in done.why())
    assert groups.keys() == set(TARGET_TASKS)
    assert min(groups.values()) >= SIZE // 3 - 2  # a task whose row is taken loses its turn
    for task in groups:
        column = {row["id"]: row[f"score {task}"] for row in done.rows("nearness")}
        chosen = [row for row in done.why() if row["why"]["group"] == task]
        assert chosen[0]["id"] == max(column, key=lambda name: column[name])
        assert [row["score"] for row in chosen] == [column[row["id"]] for row in chosen]
        assert all(a["score"] >= b["score"] for a, b in pairwise(chosen))


def test_rds_plus_with_a_causal_model(run: Run, causal: Path) -> None:
    """As the paper has it, but for the model's size: hidden states of a causal model."""
    distinct(run("rds-plus", targets="targets.jsonl", model=causal, size=SIZE))
    distinct(
        run("rds-plus", targets="targets.jsonl", model=causal, pooling="mean", text="instruction", size=SIZE)
    )


def test_rds_plus_single_task(run: Run, rows: Pool, minilm: str) -> None:
    """Every example takes its turn: the first 24 choices come from different ones, but for lost turns."""
    done = run("rds-plus-single-task", targets="targets.jsonl", model=MODEL, size=SIZE)
    ids = distinct(done)
    turns = [row["why"]["turn"] for row in done.why()]
    assert turns == sorted(turns)
    first = [row["why"]["group"] for row in done.why() if row["why"]["turn"] == 1]
    assert len(first) == len(set(first)) >= 12
    assert sum(rows[name]["task"] in TARGET_TASKS for name in ids) > SIZE // 2


def test_rds_mean_max(run: Run, minilm: str) -> None:
    done = run(
        "rds-mean-max", extra={"nearness": "nearness"}, targets="targets.jsonl", model=MODEL, size=SIZE
    )
    distinct(done)
    means = {
        row["id"]: sum(row[f"score {task}"] for task in TARGET_TASKS) / 3 for row in done.rows("nearness")
    }
    best = sorted(means.values(), reverse=True)[:SIZE]
    assert [row["score"] for row in done.why()] == pytest.approx(best, abs=1e-6)
    assert [means[row["id"]] for row in done.why()] == pytest.approx(best, abs=1e-6)


def shares(done: Any, k: int, size: int) -> tuple[dict[str, int], Counter[int], list[float]]:
    """The cluster of each row, how many were chosen from each, and the exact share of each."""
    of = {row["id"]: row["cluster"] for row in done.rows("topics")}
    sizes = Counter(of.values())
    chosen = Counter(of[name] for name in done.ids())
    assert all(row["why"]["cluster"] == of[row["id"]] for row in done.why())
    return of, chosen, [size * sizes[label] / len(of) for label in range(k)]


@pytest.mark.parametrize("name", ["kmq", "km-random", "km-closest"])
def test_clusters_in_proportion(run: Run, rows: Pool, toys: dict[str, str], name: str) -> None:
    done = run(name, extra={"topics": "topics.clusters"}, model=toys["encoder"], k=8, size=SIZE)
    ids = distinct(done)
    of, chosen, exact = shares(done, 8, SIZE)
    assert all(abs(chosen[label] - exact[label]) < 1 for label in range(8))
    if name == "kmq":  # quality is the length of the response, which weighs the draw
        words = {key: sl.count_tokens(row["output"]) for key, row in rows.items()}
        assert [row["score"] for row in done.why()] == [words[key] for key in ids]
        inside = Counter[int]()
        for key, label in of.items():
            inside[label] += words[key]
        likely = [words[key] / inside[of[key]] for key in ids]
        assert [row["why"]["probability"] for row in done.why()] == pytest.approx(likely)
    if name == "km-closest":
        near = {row["id"]: row["distance"] for row in done.rows("topics")}
        for label in range(8):
            closest = sorted(near[key] for key in of if of[key] == label)
            assert sorted(near[key] for key in ids if of[key] == label) == closest[: chosen[label]]


def test_kmq_as_released(run: Run, toys: dict[str, str]) -> None:
    """Equal shares, rounded down, and lost where a cluster is small: it falls short, and says so."""
    params = {"model": toys["encoder"], "k": 30, "size": 120}
    done = run("kmq-released-code", extra={"topics": "topics.clusters"}, **params)
    of, chosen, _ = shares(done, 30, 120)
    sizes = Counter(of.values())
    assert dict(chosen) == {label: min(4, size) for label, size in sizes.items()}
    total = sum(chosen.values())
    assert total < 120
    distinct(done, total)
    note = (
        f"chosen: asked for 120 rows, 240 were eligible: chose {total}; the rest was lost to shortage: lose"
    )
    assert note in done.err


def test_kmq_rounds(run: Run, toys: dict[str, str]) -> None:
    done = run("kmq-rounds", model=toys["encoder"], k=8, rounds=3, size=SIZE)
    distinct(done)
    batches = [stage for stage in done.record["stages"] if stage["path"].startswith("drawing/batch#")]
    assert sorted(stage["rows_out"]["selection"] for stage in batches) == [13, 13, 14]


def test_alpagasus(run: Run, rows: Pool) -> None:
    """The rows of a grade of 3 and more by the rule of the stand-in, and no other."""
    done = run("alpagasus", extra={"grades": "grades.scores"}, judge="fake/judge", least=3)
    grades = {key: round(5 * grade(row["output"]), 1) for key, row in rows.items()}
    assert scores(done, "grades") == grades
    good = {key for key, value in grades.items() if value >= 3}
    assert 5 < len(good) < 100
    assert distinct(done, len(good)) == sorted(done.ids(), key=lambda key: -grades[key])
    assert set(done.ids()) == good
    (asked,) = done.stage("grades")["asked"]
    assert (asked["model"], asked["calls"]) == ("fake/judge", len(rows))


def given(name: str, causal: Path, toys: dict[str, str], hardness: dict[str, object]) -> dict[str, object]:
    """Values of the params of a spec, but for the pool, with which it is done in a second or two."""
    if name == "iterselecttune-apply":
        return {"size": 20, "steps": 4, "encoder": toys["encoder"]} | {
            "classifier": "trained/classifier",
            "hard": "trained/hard.jsonl",
        }
    if name.startswith("iterselecttune"):
        return hardness | {"size": 20, "rounds": 2, "base_model": f"local/{toys['model']}"}
    if name == "alpagasus":
        return {"judge": "fake/judge", "least": 3}
    params: dict[str, object] = {"size": 20}
    if "rds" in name or "nearest" in name:
        params |= {"targets": "targets.jsonl", "model": MODEL}
    elif name.startswith("dnc"):
        params |= {"encoder": toys["encoder"], "model": toys["model"], "k": 6, "rounds": 2}
        params |= {"judge": "fake/judge"} if name.endswith("judge") else {"reward_model": toys["reward"]}
    elif "perplexity" in name:
        params["model"] = causal
    elif name.startswith("km"):
        params |= {"model": toys["encoder"], "k": 8}
    elif name == "random-balanced":
        params["by"] = "task"
    return params


@pytest.mark.parametrize("name", SPECS)
def test_every_spec_is_planned_and_nothing_is_done(
    project: Callable[..., Any],
    trained: Any,
    causal: Path,
    toys: dict[str, str],
    hardness: dict[str, object],
    name: str,
) -> None:
    """In a store where nothing is known yet, and with all rounds."""
    p = project({"pool.jsonl": make_pool(60), "targets.jsonl": make_targets()})
    params = given(name, causal, toys, hardness) | {"pool": "pool.jsonl"}
    if name == "iterselecttune-apply":
        params |= {port: trained.folder / str(params[port]).split("/")[1] for port in ("classifier", "hard")}
    words = " ".join(f"--set {key}={value}" for key, value in params.items())
    plan = json.loads(p.run(f"selectlang plan {name} {words} --json").ok().out)
    states = {line["state"] for line in plan["lines"]}
    assert states == ({"run", "not needed"} if name.startswith("dnc") else {"run"})  # the last weights
    assert plan["unpriced"] == []
    asked = {ask["path"].partition("#")[0].split("/")[-1] for ask in plan["asks"]}
    assert asked == ASKED.get(name, set())
    assert not list(p.store.rglob("calls.db"))


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.usefixtures("minilm", "trained")
def test_every_spec_runs_and_runs_again_from_the_store(
    run: Run, causal: Path, toys: dict[str, str], hardness: dict[str, object], name: str
) -> None:
    params = given(name, causal, toys, hardness)
    first = run(name, **params)
    whole = first.bytes()
    shorts = {"kmq-released-code": 16, "dnc-released-code": 16, "alpagasus": len(first.ids())}
    distinct(first, shorts.get(name, 20))  # the released code rounds down, and loses the rest
    again = run(name, **params)
    assert again.bytes() == whole
    assert "ran" not in again.states.values()
