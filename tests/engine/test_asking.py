"""Runs and plans that ask language models, against a server on loopback."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from selectlang.engine.opened import Opened
from selectlang.errors import DataError
from selectlang.store.store import Store
from tests.llm.server import Server

MODEL = "openai/gpt-4o-mini"
ROWS = 12
SPEC = """
selectlang: 1
name: graded
params:
  pool:  {type: path, default: pool.jsonl}
  judge: {type: model, default: openai/gpt-4o-mini}
  most:  {type: float, default: 0.5}
  size:  {type: int, default: 4}
data: {pool: {path: $pool}}
stages:
  grades: {judge: rubric, from: pool, model: $judge, max_failed: $most}
  better: {merge: blend, from: [grades.scores]}
  chosen: {budget: top, from: better, size: $size}
outputs: {chosen: chosen}
"""
KEY = "sk-test-0123456789abcdef"


def grade(prompt: str) -> str:
    """The number in the answer of a row."""
    number = int(re.findall(r"answer (\d+)", prompt)[0])
    return json.dumps({"explanation": "", "grade": number % 10 + 1})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("OPENAI_API_BASE", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with Server(answer=grade) as found:
        yield found


@pytest.fixture
def graded(project: Callable[..., Any], server: Server) -> Callable[..., Any]:
    """`graded("run", "--max-calls 5")`: a command on the spec, with models reached at the server."""
    rows = [{"instruction": f"question {i}", "output": f"answer {i}"} for i in range(ROWS)]
    p = project({"pool.jsonl": "".join(json.dumps(row) + "\n" for row in rows), "spec.yaml": SPEC})

    def call(command: str, options: str = "") -> Any:
        out = "--out out" if command == "run" else ""
        return p.run(f"selectlang {command} spec.yaml --api-base {server.url} --retries 0 {out} {options}")

    call.project = p  # type: ignore[attr-defined]
    return call


def broken(*answers: int) -> Callable[[str], list[str | None]]:
    """Rows whose first request fails."""
    return lambda prompt: ["500"] if any(f"answer {i}\n" in prompt for i in answers) else []


def test_a_run_pays_for_each_row_once_and_says_what_it_took(
    graded: Callable[..., Any], server: Server
) -> None:
    first = graded("run").ok()
    assert len(first.ids()) == 4
    assert len(server.requests) == ROWS
    (asked,) = first.stage("grades")["asked"]
    assert (asked["model"], asked["calls"], asked["paid"]) == (MODEL, ROWS, ROWS)
    total = first.record["asked"][MODEL]
    assert total == {name: asked[name] for name in total}
    assert total["cost"] > 0
    again = graded("run", "--set size=5").ok()
    assert again.states == {"grades": "cached", "better": "cached", "chosen": "ran"}
    assert len(server.requests) == ROWS
    assert again.record["asked"][MODEL]["paid"] == 0


def test_a_plan_tells_the_price_and_asks_nothing(graded: Callable[..., Any], server: Server) -> None:
    plan = json.loads(graded("plan", "--json").ok().out)
    (ask,) = plan["asks"]
    assert (ask["path"], ask["model"], ask["calls"], ask["stored"]) == ("grades", MODEL, ROWS, 0)
    assert 0 < ask["dollars"] < 0.1
    assert ask["tokens_out"] == ROWS * 512
    assert re.search(r"grades +openai/gpt-4o-mini +12 .* \$0\.0", graded("plan").ok().out)
    assert "unknown" in graded("plan", "--set judge=openai/of-my-own").ok().out
    assert not server.requests
    graded("run").ok()
    assert json.loads(graded("plan", "--json").ok().out)["asks"] == []


def test_a_plan_counts_what_is_answered_already(graded: Callable[..., Any], server: Server) -> None:
    assert graded("run", "--max-calls 6").code == 1
    (ask,) = json.loads(graded("plan", "--json").ok().out)["asks"]
    assert ask["stored"] == pytest.approx(0.5)
    assert "\n6 of the calls are answered already" in graded("plan").ok().out


def test_what_is_answered_is_counted_exactly_where_the_rows_are_known(
    graded: Callable[..., Any], server: Server
) -> None:
    """A sample of the rows that a budget has yet to choose can only tell about how many."""
    p = graded.project  # type: ignore[attr-defined]
    rows = [{"instruction": f"question {i}", "output": f"answer {i}"} for i in range(300)]
    p.write({"pool.jsonl": rows})
    assert graded("run", "--max-calls 160").code == 1
    (ask,) = json.loads(graded("plan", "--json").ok().out)["asks"]
    assert (round(ask["calls"] * ask["stored"]), ask["read"], ask["most"]) == (160, True, False)
    assert "\n160 of the calls are answered already" in graded("plan").ok().out
    some = "  some: {budget: random, from: pool, size: 200}\n  grades: {judge: rubric, from: some,"
    p.write({"spec.yaml": SPEC.replace("  grades: {judge: rubric, from: pool,", some)})
    assert "\nby a sample of the rows, about " in graded("plan").ok().out


GRADES = "  grades: {judge: rubric, from: pool, model: $judge, max_failed: $most}\n"
TRAINS = """
import selectlang as sl
from pathlib import Path

@sl.train
def copies(rows: sl.Rows) -> sl.Model:
    "A folder."
    folder = Path("made")
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}")
    return sl.Model(folder)

@sl.hookimpl
def register_methods(register):
    register(copies)
"""


def test_a_plan_names_the_stage_that_trains_the_model_it_asks(graded: Callable[..., Any]) -> None:
    p = graded.project  # type: ignore[attr-defined]
    student = "  student: {train: copies, from: pool}\n"
    asks = student + "  grades: {judge: rubric, from: {rows: pool, model: student}}\n"
    head, _, tail = SPEC.partition(GRADES)
    p.write({"plugins/copies.py": TRAINS, "spec.yaml": head + asks + tail})
    p.write({"trains.yaml": f"{head}{student}outputs: {{student: student}}\n"})
    for _ in range(2):  # before it is trained, and after
        (ask,) = json.loads(graded("plan", "--plugins plugins --json").ok().out)["asks"]
        assert (ask["model"], ask["calls"], ask["dollars"]) == ("model of student", ROWS, 0)
        p.run("selectlang run trains.yaml --plugins plugins --out trained").ok()


def test_an_address_of_a_model_that_nothing_asks(graded: Callable[..., Any], server: Server) -> None:
    p = graded.project  # type: ignore[attr-defined]
    loop = "  again:\n    loop: 2\n    carry: {it: {next: grades}}\n    stages:\n      grades:"
    p.write({"looped.yaml": SPEC.replace("  grades:", loop).replace("[grades.scores]", "[again.it]")})
    said = (
        "selectlang: --api-base: no stage of the spec asks a model 'openai/gpt-4o-min', "
        "did you mean 'openai/gpt-4o-mini'? (the models that it asks: 'openai/gpt-4o-mini')\n"
    )
    for command in ("plan", "run"):
        wrong = graded(command, f"--api-base openai/gpt-4o-min={server.url}")
        assert (wrong.code, wrong.err) == (2, said)
    assert not server.requests
    looped = "selectlang plan looped.yaml --api-base openai/gpt-4o-{}=http://localhost:1"
    assert p.run(looped.format("mini")).ok()
    assert p.run(looped.format("min")).code == 2
    none = SPEC.replace(GRADES, "  grades: {score: length, from: pool}\n").replace("grades.scores", "grades")
    p.write({"none.yaml": none})
    assert "(it asks none)" in p.run(f"selectlang plan none.yaml --api-base a/b={server.url}").err


def test_a_folder_is_asked_as_local(graded: Callable[..., Any], server: Server) -> None:
    """Told by the check already, with what to write."""
    p = graded.project  # type: ignore[attr-defined]
    (p.folder / "toy").mkdir()
    wrong = p.run("selectlang check spec.yaml --set judge=toy")
    assert wrong.code == 1
    assert "'model' names a language model to ask, found the folder" in wrong.out
    assert f"give 'local/{p.folder}/toy'" in wrong.out
    p.run("selectlang check spec.yaml --set judge=local/toy").ok()


def test_a_cap_stops_a_run_and_a_higher_one_goes_on(graded: Callable[..., Any], server: Server) -> None:
    stopped = graded("run", "--max-calls 5")
    assert stopped.code == 1
    assert "stopped before max_calls 5 was passed" in stopped.err
    assert len(server.requests) == 5
    assert graded("run", "--max-calls 5").code == 1
    assert len(server.requests) == 5
    graded("run", "--max-calls 12").ok()
    assert len(server.requests) == ROWS


def test_the_smaller_of_two_caps_holds(graded: Callable[..., Any], server: Server) -> None:
    graded.project.write({"spec.yaml": SPEC + "limits: {max_calls: 7}\n"})  # type: ignore[attr-defined]
    assert graded("run", "--max-calls 9").code == 1
    assert len(server.requests) == 7
    assert "a run may stop at max_calls 7: it makes up to 12\n" in graded("plan").ok().out
    assert graded("run", "--max-calls 3").code == 1
    assert len(server.requests) == 7


SECOND = """  worth:  {judge: rubric, from: chosen, model: $judge, low: 0, max_failed: $most}
outputs: {chosen: chosen, worth: worth.scores}
"""


def test_a_plan_holds_a_cap_against_what_stages_took_that_have_run(
    graded: Callable[..., Any], server: Server
) -> None:
    """As the run does: the twelve calls of the first stage and the four of the second."""
    graded("run").ok()
    p = graded.project  # type: ignore[attr-defined]
    p.write({"spec.yaml": SPEC.replace("outputs: {chosen: chosen}\n", SECOND)})
    assert "may stop" not in graded("plan", "--max-calls 16").ok().out
    noted = graded("plan", "--max-calls 15 --max-cost 0.0001").ok().out
    took = "with what stages took that have run\n"
    assert f"a run may stop at max_calls 15: it makes up to 16 {took}" in noted
    assert re.search(rf"a run may stop at max_cost \$0.0001: it costs up to \$0.00\d+ {took}", noted)
    assert "calls made again come on top" in noted
    assert (
        "stopped before max_calls 15 was passed. This run took 15 calls"
        in graded("run", "--max-calls 15").err
    )
    graded("run", "--max-calls 16").ok()


def test_max_cost_needs_a_price(graded: Callable[..., Any], server: Server) -> None:
    refused = graded("run", "--max-cost 1 --set judge=openai/of-my-own")
    assert refused.code == 2
    assert "price" in refused.err
    assert not server.requests
    assert graded("run", "--max-cost 0.000001").code == 1
    assert not server.requests


def test_a_failed_call_is_made_again_and_what_it_changes_too(
    graded: Callable[..., Any], server: Server
) -> None:
    server.script = broken(3, 9)
    first = graded("run").ok()
    assert "2 of 12 calls to openai/gpt-4o-mini failed" in first.err
    assert "answer 9" not in str(first.rows())
    assert len(server.requests) == ROWS
    second = graded("run").ok()
    assert len(server.requests) == ROWS + 2
    assert second.states == {"grades": "ran", "better": "ran", "chosen": "ran"}
    assert second.rows()[0]["output"] == "answer 9"
    third = graded("run").ok()
    assert set(third.states.values()) == {"cached"}
    assert len(server.requests) == ROWS + 2
    assert third.bytes() == second.bytes()


def test_a_run_whose_failed_calls_were_made_again_is_not_read_as_if_nothing_had_happened(
    graded: Callable[..., Any], server: Server
) -> None:
    server.script = broken(3, 9)
    first = graded("run").ok()
    early = first.folder.parent / "early"
    shutil.copytree(first.folder, early)
    store = Store(first.folder.parent / "store")
    assert len(Opened.open(early, store).value("chosen").rows) == 4
    second = graded("run").ok()
    for path in ("grades", "better", "chosen"):
        with pytest.raises(DataError, match=f"stage '{path}': a later run made its result anew"):
            Opened.open(early, store).value(path)
        assert Opened.open(second.folder, store).value(path)


def test_what_a_failed_call_does_not_change_stands(graded: Callable[..., Any], server: Server) -> None:
    server.script = lambda prompt: ["500"] * 9 if "answer 3\n" in prompt else []
    first = graded("run").ok()
    second = graded("run").ok()
    assert second.states == {"grades": "ran", "better": "cached", "chosen": "cached"}
    assert len(server.requests) == ROWS + 1
    assert second.bytes() == first.bytes()
    assert "grades" in graded("plan").ok().out


def test_too_many_failures_stop_a_run_and_keep_the_answers(
    graded: Callable[..., Any], server: Server
) -> None:
    server.script = broken(1, 2, 3)
    stopped = graded("run", "--set most=0.1")
    assert stopped.code == 1
    assert "server_error" in stopped.err
    asked = len(server.requests)
    graded("run", "--set most=0.1").ok()
    answered = [request.prompt for request in server.requests if request.answered]
    assert len(answered) == len(set(answered)) == ROWS
    assert len(server.requests) > asked


def test_the_key_is_in_no_file(graded: Callable[..., Any], server: Server) -> None:
    server.status = 401
    assert graded("run").code == 1
    server.status = None
    run = graded("run").ok()
    files = [path for path in run.folder.parent.rglob("*") if path.is_file()]
    assert any(path.name == "calls.db" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


WATCH = """
import json
import selectlang as sl

@sl.hookimpl
def judge_called(path, model, calls, failed, cost):
    with open("told", "w") as file:
        json.dump([path, model, calls, failed, cost], file)
"""


def test_observers_are_told_of_calls(graded: Callable[..., Any], server: Server) -> None:
    graded.project.write({"plugins/watch.py": WATCH})  # type: ignore[attr-defined]
    server.script = broken(3)
    run = graded("run", "--plugins plugins").ok()
    told = json.loads((run.folder.parent / "told").read_text(encoding="utf-8"))
    assert told[:4] == ["grades", MODEL, ROWS - 1, 1]
    assert told[4] == pytest.approx(run.record["asked"][MODEL]["cost"])


def test_the_store_tells_of_answers_and_keeps_them(graded: Callable[..., Any], server: Server) -> None:
    graded("run").ok()
    p = graded.project  # type: ignore[attr-defined]
    assert re.search(r"12 answers of openai/gpt-4o-mini, \$0\.00", p.run("selectlang store list").ok().out)
    p.run("selectlang store prune --older-than 0d").ok()
    graded("run").ok()
    assert len(server.requests) == ROWS
    p.run("selectlang store verify").ok()
    (p.store / "calls.db-wal").unlink(missing_ok=True)
    (p.store / "calls.db").write_bytes(b"garbage" * 1000)
    broken_store = p.run("selectlang store verify")
    assert broken_store.code == 1
    assert "calls.db is damaged" in broken_store.out
    stopped = graded("run", "--set judge=openai/gpt-4o")
    assert stopped.code == 1
    assert "calls.db is damaged" in stopped.err


@pytest.mark.parametrize("bad", ["file:///etc/passwd", "localhost:8000", "m=ftp://x"])
def test_an_address_that_is_none_is_refused(project: Callable[..., Any], bad: str) -> None:
    found = project({}).run(f"selectlang plan random --api-base {bad}")
    assert found.code == 2
    assert "is no address" in found.err


def test_addresses_by_model() -> None:
    from argparse import ArgumentParser

    from selectlang.commands.common import add_model_options, options

    parser = ArgumentParser()
    add_model_options(parser)
    given = [
        "--api-base",
        "openai/a=http://one:1/v1?x=y",
        "--api-base",
        "http://two/v1",
        "--concurrency",
        "3",
    ]
    found = options(parser.parse_args(given))
    assert (found.base("openai/a"), found.base("openai/b")) == ("http://one:1/v1?x=y", "http://two/v1")
    assert (found.concurrency, found.max_cost) == (3, None)
