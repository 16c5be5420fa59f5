"""Responses that no honest server gives: each is a failure or an answer, in little memory, with no detour."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from selectlang.errors import CapReached, DataError
from selectlang.llm import wire
from selectlang.llm.door import Door

from .conftest import MODEL, ask
from .server import Server, completion

NAMED = {"model": "m", "messages": []}


class Raw:
    """A server that answers everything by the same bytes, again and again where there are `pieces`."""

    def __init__(self, response: bytes, pieces: bytes = b"") -> None:
        self.response, self.pieces, self.requests = response, pieces, list[bytes]()
        self.sent = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/v1"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:  # closed
                return
            with connection:
                connection.settimeout(10)
                try:
                    self.requests.append(self.request(connection))
                    connection.sendall(self.response)
                    while self.pieces and self.sent < 200e6:
                        connection.sendall(self.pieces)
                        self.sent += len(self.pieces)
                except OSError:  # the other end has had enough
                    pass

    def request(self, connection: socket.socket) -> bytes:
        """Read one whole."""
        found = b""
        while b"\r\n\r\n" not in found:
            found += connection.recv(65536)
        head, _, body = found.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"-length:" in line)
        while len(body) < length:
            body += connection.recv(65536)
        return head + body


@contextmanager
def raw(response: bytes, pieces: bytes = b"") -> Iterator[Raw]:
    server = Raw(response, pieces)
    try:
        yield server
    finally:
        server.socket.shutdown(socket.SHUT_RDWR)
        server.socket.close()


def http(body: bytes, status: int = 200, kind: str = "application/json", more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
    )
    return f"{head}{more}\r\n".encode() + body


def reply(**changes: Any) -> bytes:
    return json.dumps(json.loads(completion(NAMED, "7 3")) | changes).encode()


def message(content: Any) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    return reply(choices=[choice])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused(door: Callable[..., Door], status: int) -> None:
    """Nobody but whom the person has named hears of a prompt."""
    with ExitStack() as stack:
        other = stack.enter_context(raw(http(reply())))
        away = f"location: {other.url}/chat/completions\r\n"
        server = stack.enter_context(raw(http(b"", status, more=away)))
        with pytest.raises(
            DataError, match=rf"redirects to {other.url}/chat.* give it as --api-base"
        ) as error:
            ask(door(server.url).stage("judge"), ["a", "b"], max_failed=1)
        assert "Prompts go to no address but the one that was given" in str(error.value)
        assert len(server.requests) <= 2
        assert other.requests == []


ENDLESS = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(100 * 2**20), 1)


@pytest.mark.parametrize(
    "response, pieces",
    [
        (http(reply() + b" " * wire.LONGEST), b""),
        (ENDLESS, b"10000\r\n" + b" " * 65536 + b"\r\n"),
        (http(BOMB, more="content-encoding: gzip\r\n"), b""),
    ],
    ids=["long", "endless", "bomb"],
)
def test_a_response_is_read_as_far_as_an_answer_can_go(
    door: Callable[..., Door], response: bytes, pieces: bytes
) -> None:
    with raw(response, pieces) as server:
        stage = door(server.url, retries=1).stage("judge")
        assert ask(stage, ["a"], max_failed=1) == [None]
        assert stage.tallies[MODEL].examples == ["Call 1: bad_answer: the response is longer than 16 MB"]
        assert len(server.requests) == 2
        assert server.sent < 10 * wire.LONGEST


ODD = [
    None, 5, "many", [1, 2], {}, {"prompt_tokens": "five", "completion_tokens": None, "total_tokens": {}},
    {"prompt_tokens": 5.5, "completion_tokens": True, "total_tokens": 8},
    {"prompt_tokens": -5, "completion_tokens": 0},
    {"prompt_tokens": 10**30}, {"prompt_tokens_details": "x", "completion_tokens_details": [1]},
]  # fmt: skip


@pytest.mark.parametrize("usage", ODD, ids=str)
def test_an_answer_with_odd_counts_is_kept_and_counted_here(door: Callable[..., Door], usage: Any) -> None:
    with raw(http(reply(usage=usage))) as server:
        stage = door(server.url).stage("judge")
        assert ask(stage, ["a"]) == ["7 3"]
        tally = stage.tallies[MODEL]
        assert (tally.tokens_in, tally.tokens_out) == (17, 10)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "response",
    [
        http(reply(), kind="text/html"),
        http(reply(), 201, "application/octet-stream"),
        http(gzip.compress(reply()), more="content-encoding: gzip\r\n"),
        http(reply(id=None, object=5, created="x")),
    ],
    ids=["html", "201", "gzip", "odd fields"],
)
def test_an_answer_is_taken_as_it_comes(door: Callable[..., Door], response: bytes) -> None:
    with raw(response) as server:
        assert ask(door(server.url).stage("judge"), ["a"]) == ["7 3"]


BROKEN = {
    "page": http(b"<html>Please log in</html>", kind="text/html"),
    "events": http(b'data: {"choices": []}\n\ndata: [DONE]\n\n', kind="text/event-stream"),
    "error": http(b'{"error": {"message": "the model is overloaded", "code": 500}}'),
    "nothing": http(b""),
    "null": http(b"null"),
    "list": http(b"[1, 2]"),
    "deep": http(b"[" * 100_000),
    "no choices": http(reply(choices=None)),
    "message": http(reply(choices=[{"index": 0, "message": "7 3"}])),
    "number": http(message(7)),
    "parts": http(message([{"type": "text", "text": "7 3"}])),
    "bytes": http(reply().replace(b"7 3", b"\xff\xfe")),
    "long number": http(reply().replace(b'"created": 1', b'"created": ' + b"9" * 5000)),
}


@pytest.mark.parametrize("response", BROKEN.values(), ids=BROKEN)
def test_what_is_no_answer_is_tried_again_and_then_reported(
    door: Callable[..., Door], response: bytes
) -> None:
    with raw(response) as server:
        stage = door(server.url, retries=1).stage("judge")
        assert ask(stage, ["a"], max_failed=1) == [None]
        assert dict(stage.tallies[MODEL].failed) == dict(stage.tallies[MODEL].retried) == {"bad_answer": 1}
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "response", [bytes(range(256)), b"HTTP/1.1 200 OK\r\n\r\n"[:9], ENDLESS + b"ZZZ\r\n"]
)
def test_what_is_no_http_is_a_broken_connection(door: Callable[..., Door], response: bytes) -> None:
    with raw(response) as server:
        stage = door(server.url, retries=1).stage("judge")
        assert ask(stage, ["a"], max_failed=1) == [None]
        assert dict(stage.tallies[MODEL].failed) == {"connection": 1}


def test_an_answer_that_drips_in_times_out(door: Callable[..., Door]) -> None:
    """Each piece of it is in time; the whole is not."""
    with raw(ENDLESS) as server:
        drip = threading.Event()

        def slow(connection: socket.socket) -> bytes:
            found = Raw.request(server, connection)
            connection.sendall(ENDLESS)
            while not drip.wait(0.05):
                connection.sendall(b"1\r\n \r\n")
            return found

        server.request = slow  # type: ignore[method-assign]
        stage = door(server.url, timeout=0.4, retries=0).stage("judge")
        assert ask(stage, ["a"], max_failed=1) == [None]
        drip.set()
        assert dict(stage.tallies[MODEL].failed) == {"timeout": 1}


@pytest.mark.parametrize("cap", [{"max_calls": 5}, {"max_cost": 0.000075}])
def test_what_may_be_billed_counts_towards_a_cap(door: Callable[..., Door], cap: dict[str, float]) -> None:
    """Each try that a response came for: broken answers cannot take more than a cap allows."""
    with Server(faults={"truncated": 1}) as server:
        run = door(server.url, concurrency=2, retries=5, **cap)
        with pytest.raises(CapReached, match=r"stopped before max_.* was passed. This run took 5 calls"):
            ask(run.stage("judge"), ["a", "b", "c"], max_failed=1)
        assert len(server.requests) == 5


def test_what_was_not_answered_is_no_call(door: Callable[..., Door]) -> None:
    with Server(script=lambda prompt: ["500", "429", "500"]) as server:
        assert ask(door(server.url, max_calls=2).stage("judge"), ["a", "b"]) == ['{"score": 4}'] * 2
        assert len(server.requests) == 8


def test_it_is_tried_again_no_more_often_than_was_said(door: Callable[..., Door]) -> None:
    with Server(script=lambda prompt: ["truncated"] * 9) as server:
        stage = door(server.url, retries=2).stage("judge")
        assert ask(stage, ["a"], max_failed=1) == [None]
        assert len(server.requests) == 3
        assert stage.tallies[MODEL].retried == {"bad_answer": 2}


def test_nothing_is_asked_that_cannot_be_kept(door: Callable[..., Door], tmp_path: Path) -> None:
    (tmp_path / "calls.db").symlink_to(tmp_path / "gone" / "calls.db")
    with Server() as server, pytest.raises(DataError, match="calls.db cannot be used: unable to open"):
        ask(door(server.url).stage("judge"), ["a", "b"])
    assert server.requests == []


@pytest.mark.parametrize(
    "texts, faults, said",
    [
        (["a"], {"language": 1}, "One that cannot be read is not asked for again: change prompt or model"),
        (["a"], {"empty": 1}, "One that cannot be read is not asked for again: change prompt or model"),
        (["a"], {"500": 1}, "Run it again to ask for those that did not come. Or"),
    ],
)
def test_the_end_says_what_another_run_does(
    door: Callable[..., Door], texts: list[str], faults: dict[str, float], said: str
) -> None:
    """And it does that."""
    with Server(faults=faults) as server:
        with pytest.raises(DataError, match="1 of 1 calls to .* failed") as error:
            ask(door(server.url, retries=0).stage("judge"), texts, json.loads)
        assert said in str(error.value)
        assert ("Run it again" in said) == ("Run it again" in str(error.value))
        before, server.faults = len(server.requests), {}
        found = ask(door(server.url).stage("judge"), texts, json.loads, max_failed=1)
        again = "Run it again" in said
        assert (found == [{"score": 4}], len(server.requests) > before) == (again, again)
