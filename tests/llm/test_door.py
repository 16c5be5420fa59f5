"""The door, against a real server: what is asked, what is kept, and what is never asked again."""

from __future__ import annotations

import _thread
import asyncio
import gc
import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import selectlang as sl
from selectlang.errors import CapReached
from selectlang.llm.calls import Answer, Calls
from selectlang.llm.claims import Claims
from selectlang.llm.door import Door
from selectlang.llm.options import Options
from selectlang.llm.pace import Pace
from selectlang.llm.price import tokens
from selectlang.llm.request import Asked, Request
from selectlang.llm.tally import Tally

from .conftest import KEY, MODEL, ask, prompts
from .server import Server

TEXTS = [f"question {i}" for i in range(40)]


def score(text: str) -> int:
    found = json.loads(text)["score"]
    if not 1 <= found <= 10:
        raise ValueError(f"{found} is not from 1 to 10")
    return int(found)


def own(prompt: str) -> str:
    """A score that only this prompt gets, so that a mix-up shows."""
    return json.dumps({"score": 1 + int(prompt.split()[1]) % 10})


def test_answers_are_those_of_their_prompts(door: Callable[..., Door]) -> None:
    with Server(answer=own, latency=0.01) as server:
        stage = door(server.url).stage("judge")
        assert ask(stage, TEXTS, score) == [1 + i % 10 for i in range(40)]
        assert stage.calls == 40
        words, answer = len("You are a judge. question 1".split()), 2
        assert stage.cost == pytest.approx(40 * (words * 0.15e-6 + answer * 0.6e-6))
        assert server.requests[0].headers["authorization"] == f"bearer {KEY}"
        body = server.requests[0].body
        assert body["messages"][0] == {"role": "system", "content": "You are a judge."}
        assert (body["model"], body["max_tokens"], body["temperature"]) == ("gpt-4o-mini", 20, 0)
        assert not {"seed", "top_p", "response_format"} & body.keys()


def test_nothing_is_asked_twice_in_any_run_or_stage(door: Callable[..., Door]) -> None:
    with Server(answer=own) as server:
        ask(door(server.url).stage("judge"), TEXTS[:20], score)
        again = door(server.url)
        stage = again.stage("another")
        assert ask(stage, TEXTS, score) == [1 + i % 10 for i in range(40)]
        assert (stage.tallies[MODEL].stored, stage.tallies[MODEL].paid) == (20, 20)
        spent = stage.tallies[MODEL].spent
        assert 0 < spent < stage.cost
        assert stage.record()[0]["spent"] == round(spent, 9)
        assert set(server.answered.values()) == {1}
        third = again.stage("third")
        assert ask(third, TEXTS, score) == [1 + i % 10 for i in range(40)]
        assert (third.tallies[MODEL].paid, third.tallies[MODEL].spent) == (0, 0)
        assert third.cost == stage.cost  # what the answers took, whenever it was paid
        assert len(server.requests) == 40


def test_an_answer_that_another_run_got_meanwhile_is_taken(tmp_path: Path) -> None:
    class Overtaken(Claims):
        """Another run answers between the look into the store and the claim."""

        def take(self, key: str) -> bool:
            kept = threading.Event()
            other.keep(key, MODEL, Answer("theirs", 1, 1, 0.1, "stop"), lambda error: kept.set())
            kept.wait()
            return super().take(key)

    with Server() as server, Calls(tmp_path) as other, Calls(tmp_path) as calls:
        calls.claims = Overtaken(tmp_path / "calls.lock")
        with Door(calls, Options({"": server.url})) as run:
            stage = run.stage("judge")
            assert ask(stage, TEXTS[:3]) == ["theirs"] * 3
        assert server.requests == []
        assert stage.tallies[MODEL].stored == 3


def test_the_same_prompt_is_asked_once_and_answers_all_its_rows(door: Callable[..., Door]) -> None:
    with Server(latency=0.05) as server:
        stage = door(server.url).stage("judge")
        assert ask(stage, ["the same"] * 700, score) == [4] * 700
        assert len(server.requests) == 1
        assert stage.calls == 1
        assert stage.tallies[MODEL].done == 700


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0.5, "seed": 1}, {"top_p": 0.9}, {"max_tokens": 21}, {"form": {"type": "object"}},
     {"model": "openai/gpt-4o"}],
)  # fmt: skip
def test_what_decides_an_answer_is_in_its_key(door: Callable[..., Door], change: dict[str, Any]) -> None:
    with Server() as server:
        for more in ({}, {}, change, change, {"seed": 3}):  # a seed means nothing at temperature 0
            ask(door(server.url).stage("judge"), ["question 1"], **more)
        assert len(server.requests) == 2


def test_a_seed_is_sent_with_a_temperature_and_moves_with_each_attempt(door: Callable[..., Door]) -> None:
    with Server() as server:
        more = {"temperature": 1.0, "top_p": 0.9, "seed": 5, "again": 2, "max_failed": 1}
        assert ask(door(server.url).stage("judge"), ["question 1"], int, **more) == [None]
        assert [request.body["seed"] for request in server.requests] == [5, 6, 7]
        assert {request.body["top_p"] for request in server.requests} == {0.9}


def test_a_form_goes_to_models_that_can_be_held_to_one(door: Callable[..., Door]) -> None:
    form = {"type": "object", "properties": {"score": {"type": "integer"}}, "additionalProperties": False}
    with Server() as server:
        for model in (MODEL, "openai/a-model-of-mine"):
            ask(door(server.url).stage("judge"), ["question 1"], model=model, form=form)
        held, free = (request.body for request in server.requests)
    assert held["response_format"]["json_schema"] == {"name": "answer", "schema": form, "strict": True}
    assert "response_format" not in free


def test_an_answer_that_cannot_be_read_is_asked_for_again_and_kept(door: Callable[..., Door]) -> None:
    with Server(script=lambda prompt: ["scale", "language", None]) as server:
        stage = door(server.url).stage("judge")
        assert ask(stage, ["question 1"], score, again=1, max_failed=1) == [None]
        tally = stage.tallies[MODEL]
        assert (tally.calls, dict(tally.failed)) == (2, {"unparsed": 1})
        assert "评分是七分" in tally.examples[0]
        assert "评分是七分" in stage.notes()[0]
        # What was paid for is not asked again; one more attempt is.
        assert ask(door(server.url).stage("judge"), ["question 1"], score, again=1, max_failed=1) == [None]
        assert len(server.requests) == 2
        assert ask(door(server.url).stage("judge"), ["question 1"], score, again=2) == [4]
        assert len(server.requests) == 3


def test_a_changed_parser_reads_what_is_kept(door: Callable[..., Door]) -> None:
    with Server(answer=lambda prompt: "Score: 7/10") as server:
        stage = door(server.url).stage("judge")
        assert ask(stage, TEXTS, score, again=0, max_failed=1) == [None] * 40
    # The server is gone, and litellm is not needed.
    stage = door("http://127.0.0.1:9/v1").stage("judge")
    assert ask(stage, TEXTS, lambda text: int(text[7]), again=0) == [7] * 40
    assert stage.tallies[MODEL].paid == 0


@pytest.mark.parametrize("fault", ["429", "500", "reset", "truncated", "hang"])
def test_a_failed_try_is_made_again(door: Callable[..., Door], fault: str) -> None:
    kinds = {"429": "rate_limit", "reset": "connection", "truncated": "bad_answer", "hang": "timeout"}
    with Server(script=lambda prompt: [fault, None]) as server:
        stage = door(server.url, timeout=0.7).stage("judge")
        assert ask(stage, ["question 1"], score) == [4]
        assert dict(stage.tallies[MODEL].retried) == {kinds.get(fault, "server_error"): 1}
        assert len(server.requests) == 2


def test_only_what_failed_is_asked_by_the_next_run(door: Callable[..., Door]) -> None:
    broken = set(TEXTS[::7])
    with Server(script=lambda prompt: ["500", "500"] if prompt in broken else []) as server:
        stage = door(server.url, retries=1).stage("judge")
        found = ask(stage, TEXTS, score, max_failed=0.2)
        assert [text for text, value in zip(TEXTS, found, strict=True) if value is None] == TEXTS[::7]
        assert dict(stage.tallies[MODEL].failed) == {"server_error": len(broken)}
        assert stage.tallies[MODEL].done == 40
        before = len(server.requests)
        assert ask(door(server.url, retries=1).stage("judge"), TEXTS, score) == [4] * 40
        assert {request.prompt for request in server.requests[before:]} == broken


def test_an_empty_answer_is_no_answer(door: Callable[..., Door]) -> None:
    with Server(script=lambda prompt: ["empty", "empty"]) as server:
        stage = door(server.url).stage("judge")
        assert ask(stage, ["question 1"], max_failed=1) == [None]
        assert dict(stage.tallies[MODEL].failed) == {"bad_answer": 1}
        assert len(server.requests) == 2


def test_too_many_failures_end_it_early(door: Callable[..., Door]) -> None:
    with Server(answer=lambda prompt: "I cannot say.") as server:
        stage = door(server.url, concurrency=2).stage("judge")
        texts = [f"question {i}" for i in range(3000)]
        with pytest.raises(sl.DataError, match=r"(?s)1 of 3,000 calls to .*1 unparsed.*I cannot say"):
            ask(stage, texts, score, again=0)
        assert len(server.requests) < 100
        assert stage.calls == sum(server.answered.values())  # what was on its way is kept


@pytest.mark.parametrize(
    "status, advice", [(401, "valid key"), (404, "--api-base"), (402, "billing"), (403, "allowed")]
)
def test_a_refusal_that_is_for_all_stops_at_once(
    door: Callable[..., Door], status: int, advice: str, tmp_path: Path
) -> None:
    with Server(status=status) as server:
        stage = door(server.url, concurrency=4).stage("judge")
        with pytest.raises(sl.DataError) as error:
            ask(stage, TEXTS, score, max_failed=1)
        assert len(server.requests) < len(TEXTS)
    assert MODEL in str(error.value)
    assert advice in str(error.value)
    shown = "".join(map(str, (error.value, *_causes(error.value), stage.record(), stage.notes())))
    assert KEY not in shown  # the server gave it back in its message


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_a_refusal_of_one_prompt_is_its_own(door: Callable[..., Door]) -> None:
    def answer(prompt: str) -> str:
        return own(prompt)

    with Server(answer=answer, script=lambda prompt: ["400"] if prompt == TEXTS[3] else []) as server:
        stage = door(server.url).stage("judge")
        found = ask(stage, TEXTS, score, max_failed=0.1)
        assert [i for i, value in enumerate(found) if value is None] == [3]
        assert dict(stage.tallies[MODEL].failed) == {"refused_request": 1}
        assert len(server.requests) == 40  # not tried again


@pytest.mark.parametrize("model", ["gpt-that-never-was", "nowhere/model"])
def test_an_unknown_model_is_named(door: Callable[..., Door], model: str) -> None:
    with pytest.raises(sl.DataError, match=model):
        ask(door().stage("judge"), TEXTS, model=model)


def test_a_server_of_ones_own_needs_no_key(
    door: Callable[..., Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with Server() as server:
        stage = door({"openai/mine": server.url}).stage("generate")
        assert ask(stage, ["question 1"], score, model="openai/mine") == [4]
        assert stage.cost != stage.cost  # unknown is not 0
        assert stage.record()[0]["cost"] is None


def test_retry_after_is_honoured_and_holds_the_others(door: Callable[..., Door]) -> None:
    with Server(script=lambda prompt: ["429"] if prompt == TEXTS[0] else [], retry_after="0.4") as server:
        ask(door(server.url, concurrency=1).stage("judge"), TEXTS[:3])
        first, *others = server.requests
        assert all(other.at - first.at >= 0.4 for other in others)


def test_a_server_that_asks_for_an_hour_is_not_waited_for(door: Callable[..., Door]) -> None:
    with Server(faults={"429": 1}, retry_after="3600") as server:
        stage = door(server.url).stage("judge")
        assert ask(stage, TEXTS[:1], max_failed=1) == [None]
        assert dict(stage.tallies[MODEL].failed) == {"rate_limit": 1}


def test_rate_limits_hold(door: Callable[..., Door]) -> None:
    with Server() as server:
        started = time.monotonic()
        ask(door(server.url, requests_per_minute=1800).stage("judge"), TEXTS[:20])
        assert time.monotonic() - started >= 19 * 60 / 1800
        started = time.monotonic()
        ask(door(server.url, tokens_per_minute=60_000).stage("judge"), TEXTS[:20], max_tokens=50)
        # 9 tokens are used of about 66 that each might use: the rest is given back.
        assert time.monotonic() - started >= 20 * 9 * 60 / 60_000
        assert len(server.requests) == 40


def test_tokens_that_an_answer_took_are_not_given_back(
    door: Callable[..., Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    monkeypatch.setattr(Pace, "give_back", lambda self, units: given.append(units))
    with Server() as server:
        stage = door(server.url, tokens_per_minute=10**9).stage("judge")
        ask(stage, TEXTS[:1], max_tokens=50)
    (most,) = {tokens([*prompt]) + 50 for prompt in prompts(TEXTS[:1])}
    assert given == [most - stage.tallies[MODEL].tokens_in - stage.tallies[MODEL].tokens_out]
    assert 0 < given[0] < most


def test_max_calls_stops_cleanly_and_goes_on_when_raised(door: Callable[..., Door]) -> None:
    with Server(answer=own, latency=0.01, faults={"500": 0.1}) as server:
        for cap in (15, 15, 30):
            stage = door(server.url, max_calls=cap, concurrency=8).stage("judge")
            with pytest.raises(CapReached, match=rf"max_calls {cap} .* took {cap} calls"):
                ask(stage, TEXTS, score)
            assert sum(server.answered.values()) == cap
        assert CapReached.exit_code == 1
        assert ask(door(server.url, max_calls=40).stage("judge"), TEXTS, score) == [
            1 + i % 10 for i in range(40)
        ]
        # Answers of the store never stop a run.
        assert ask(door(server.url, max_calls=1).stage("judge"), TEXTS, score) == [
            1 + i % 10 for i in range(40)
        ]
        assert set(server.answered.values()) == {1}


def test_caps_bound_all_stages_of_a_run_and_what_their_results_took(door: Callable[..., Door]) -> None:
    with Server() as server:
        run = door(server.url, max_calls=50)
        run.count({"asked": [{"calls": 5, "cost": 0.1}]})
        ask(run.stage("one"), TEXTS[:20])
        with pytest.raises(CapReached):
            ask(run.stage("two"), [f"another {text}" for text in TEXTS])
        assert len(server.requests) == 45


def test_max_cost_is_never_passed(door: Callable[..., Door]) -> None:
    with Server(answer=lambda prompt: "word " * 20) as server:
        for cap in (1e-4, 3e-4):
            run = door(server.url, max_cost=cap, concurrency=8)
            with pytest.raises(CapReached, match=r"max_cost \$"):
                ask(run.stage("judge"), TEXTS)
            assert cap - 2e-5 < run.caps.cost <= cap
        spent = len(server.requests)
        assert ask(door(server.url, max_cost=1).stage("judge"), TEXTS)
        assert len(server.requests) == 40 > spent


def test_max_cost_needs_a_price(door: Callable[..., Door]) -> None:
    with Server() as server:
        stage = door(server.url, max_cost=1).stage("judge")
        with pytest.raises(sl.UsageError, match="price of openai/mine is not known"):
            ask(stage, TEXTS, model="openai/mine")
        assert server.requests == []


def test_an_interrupt_keeps_what_arrived(door: Callable[..., Door]) -> None:
    with Server(answer=own, latency=0.02) as server:
        run = door(server.url, concurrency=4)

        def interrupt(tally: Tally) -> None:
            if tally.done >= 8:
                _thread.interrupt_main()

        stage = run.stage("judge", interrupt)
        texts = [f"question {i}" for i in range(5000)]
        with pytest.raises(KeyboardInterrupt):
            ask(stage, texts, score)
        ended = len(server.requests)
        time.sleep(0.1)
        assert len(server.requests) == ended  # nothing goes on
        run.close()
        answered = {prompt for prompt, _ in server.answered.items()}
        assert 8 <= len(answered) < 5000
        before = len(server.requests)
        ask(door(server.url).stage("judge"), texts[:100], score)
        again = {request.prompt for request in server.requests[before:]} & answered
        assert len(again) <= 4  # those that were on the wire


@pytest.mark.parametrize("now", [True, False])
def test_what_is_called_off_at_once_arrives_too(door: Callable[..., Door], now: bool) -> None:
    asked = Asked.of(MODEL, 5, 0.0, 1.0, None, None)
    with Server() as server:
        line = door(server.url).line(asked)
        for i in range(20):
            line.send([(Request.of(asked, i, [("user", f"question {i}")]), 0)])
        line.end(now=now)
        line.send([(Request.of(asked, 20, [("user", "question 20")]), 0)])
        arrived = [line.arrived.get(timeout=20) for _ in range(21)]
        assert sorted(request.index for request, _ in arrived if request) == list(range(21))
        assert len(server.requests) == sum(isinstance(outcome, Answer) for _, outcome in arrived) < 20


def test_prompts_are_read_as_they_are_needed(door: Callable[..., Door]) -> None:
    read = 0

    def endless() -> Iterator[list[tuple[str, str]]]:
        nonlocal read
        for i in itertools.count():
            read += 1
            yield [("user", f"question {i}")]

    with Server() as server:
        stage = door(server.url, max_calls=50, concurrency=4).stage("judge")
        with pytest.raises(CapReached):
            stage.ask(MODEL, endless(), str, total=10**6, max_tokens=5)
        assert read <= 50 + 2 * 256


@pytest.mark.parametrize("total", [39, 41])
def test_a_wrong_total_is_a_fault_of_the_method(door: Callable[..., Door], total: int) -> None:
    with Server() as server, pytest.raises(ValueError, match=f"told of {total} prompts"):
        door(server.url).stage("judge").ask(MODEL, prompts(TEXTS), str, total=total, max_tokens=5)


class Late(Server):
    """All answers but the first are long on their way, when they have to be paid for."""

    async def send(self, *given: Any) -> bool:
        if len(self.answered) > 1:
            await asyncio.sleep(0.3)
        return await super().send(*given)


def test_an_exception_of_a_parser_keeps_what_was_paid(door: Callable[..., Door]) -> None:
    def broken(text: str) -> str:
        raise KeyError("score")

    with Late() as server:
        with pytest.raises(KeyError):
            ask(door(server.url, concurrency=8).stage("judge"), TEXTS, broken)
        assert 1 < len(server.answered) < len(TEXTS)
        ask(door(server.url).stage("judge"), TEXTS)
        assert set(server.answered.values()) == {1}


def test_it_tells_how_far_it_is(door: Callable[..., Door]) -> None:
    told: list[tuple[int, int]] = []
    with Server() as server:
        stage = door(server.url).stage("judge", lambda tally: told.append((tally.done, tally.total)))
        ask(stage, TEXTS)
    assert told[-1] == (40, 40)
    assert told == sorted(told)
    record = stage.record()[0]
    assert record["stage"] == "judge"
    assert (record["calls"], record["paid"], record["stored"], record["failed"]) == (40, 40, 0, {})
    assert json.loads(json.dumps(record)) == record


def test_models_of_this_process_are_asked_like_any_other(door: Callable[..., Door]) -> None:
    run = door(concurrency=4, max_cost=0)
    stage = run.stage("generate")
    assert ask(stage, TEXTS, model="fake/echo") == TEXTS
    assert (stage.calls, stage.cost) == (40, 0)
    with pytest.raises(sl.DataError, match=r"fake/nobody"):
        ask(stage, TEXTS, model="fake/nobody")


def test_a_trained_model_is_what_its_files_hold(
    door: Callable[..., Door], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from litellm.llms.custom_llm import CustomLLM

    from selectlang.llm import local
    from selectlang.llm.library import reply

    asked: list[tuple[str, float]] = []

    class Stub(CustomLLM):
        async def acompletion(self, *_: Any, **given: Any) -> Any:
            asked.append((given["model"], given["optional_params"]["temperature"]))
            return reply(given["model_response"], given["model"], f"from {given['model']}", 3, 2)

    monkeypatch.setattr(local, "provider", Stub)
    for name, weights in (("one", "a"), ("two", "a"), ("three", "b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(weights)
    models = [sl.Model(tmp_path / name) for name in ("one", "two", "three")]
    found = [ask(door().stage("generate"), ["question 1"], model=model) for model in models]
    path = str(tmp_path / "one")
    assert found == [[f"from {path}"], [f"from {path}"], [f"from {tmp_path / 'three'}"]]
    assert ask(door().stage("generate"), ["question 1"], model=f"local/{path}") == [f"from {path}"]
    assert asked == [(path, 0.0), (str(tmp_path / "three"), 0.0)]


def test_texts_that_are_no_unicode_pass(door: Callable[..., Door]) -> None:
    with Server(answer=lambda prompt: "half \ud83d of a pair") as server:
        assert ask(door(server.url).stage("judge"), ["question \ud83d"]) == ["half \ufffd of a pair"]
        assert ask(door(server.url).stage("judge"), ["question \ud83d"]) == ["half \ufffd of a pair"]
        assert len(server.requests) == 1


def test_no_key_and_no_address_is_kept(door: Callable[..., Door], tmp_path: Path) -> None:
    with Server(faults={"500": 0.3}) as server:
        run = door(server.url, retries=0)
        stage = run.stage("judge")
        ask(stage, TEXTS, max_failed=1)
        run.close()
        run.calls.close()
        kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        kept += json.dumps(stage.record()).encode()
        assert len(kept) > 1000
        for secret in (KEY, server.url, server.url.split("/")[2], "authorization"):
            assert secret.lower().encode() not in kept.lower()


def test_nothing_is_printed_and_litellm_comes_late() -> None:
    """In a process of its own: what litellm prints of an error goes nowhere; the door is cheap to import."""
    code = """
import sys, tempfile, pathlib
import selectlang, selectlang.llm.door, selectlang.llm.price
from selectlang.llm.door import Door, Calls, Options
assert "litellm" not in sys.modules and "numpy" not in sys.modules and "sqlite3" in sys.modules
options = Options({"": "http://127.0.0.1:9/v1"}, retries=0)
with Calls(pathlib.Path(tempfile.mkdtemp())) as calls, Door(calls, options) as door:
    for model in "openai/gpt-4o", "nowhere/model":
        try:
            door.stage("judge").ask(model, [[("user", "x")]], str, total=1, max_tokens=5)
        except selectlang.DataError:
            pass
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("usage", [{"prompt_tokens": 10**19}, {"prompt_tokens": -(10**9)}, {}, None])
def test_counts_of_tokens_that_make_no_sense_cost_no_less(
    door: Callable[..., Door], monkeypatch: pytest.MonkeyPatch, usage: Any
) -> None:
    """Nor do they lose an answer."""
    from . import server as module

    plain = module.completion

    def odd(body: Any, text: str) -> bytes:
        found = json.loads(plain(body, text))
        found["usage"] = {**found["usage"], **usage} if usage else usage
        if not usage:
            found.pop("usage")
        return json.dumps(found).encode()

    monkeypatch.setattr(module, "completion", odd)
    with module.Server() as server:
        stage = door(server.url).stage("judge")
        assert ask(stage, TEXTS[:3], score) == [4, 4, 4]
    (tally,) = stage.tallies.values()
    assert 3 * 5 < tally.tokens_in < 1000
    assert stage.cost > 0


def test_a_key_that_a_server_sends_back_is_not_kept(
    door: Callable[..., Door], key: str, tmp_path: Path
) -> None:
    with Server(answer=lambda prompt: f"you sent {key}") as server:
        assert ask(door(server.url).stage("judge"), TEXTS[:2]) == ["you sent ***"] * 2
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]


@pytest.mark.parametrize("model", ["fake/nobody", "nonsense"])
def test_a_model_that_cannot_be_is_found_by_a_plan(model: str, tmp_path: Path) -> None:
    from selectlang.llm.price import DryDoor

    with pytest.raises(sl.DataError, match=r"expected fake/judge or fake/echo|names no service"):
        DryDoor(Calls(tmp_path)).ask(model, [[("user", "hello")]], str, total=1, max_tokens=5)


def test_no_more_answers_wait_for_the_disk_than_are_asked_for_at_once(tmp_path: Path) -> None:
    """However slow it is: they are what a kill can lose."""
    asked: list[int] = []

    class Slow(Calls):
        def _write(self) -> None:
            time.sleep(0.5)
            asked.append(len(server.requests))
            super()._write()

    with (
        Server() as server,
        Slow(tmp_path) as calls,
        Door(calls, Options({"": server.url}, concurrency=4)) as run,
    ):
        ask(run.stage("judge"), TEXTS)
        assert asked == [4]
        assert len(server.requests) == 40


def test_nothing_of_a_call_outlives_its_result(door: Callable[..., Door]) -> None:
    """Memory is flat over any number of calls: requests, answers and tasks are those on the way."""
    count, alive, done = 2000, Counter[type](), 0

    def parse(text: str) -> int:
        nonlocal done
        done += 1
        if done == count - 1:
            alive.update(map(type, gc.get_objects()))
        return 1

    with Server() as server:
        assert (
            ask(door(server.url).stage("judge"), [f"question {i}" for i in range(count)], parse)
            == [1] * count
        )
    for kind in (Request, Answer, asyncio.Task, asyncio.Future):
        assert alive[kind] < 600, kind
