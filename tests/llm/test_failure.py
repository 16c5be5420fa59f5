"""Kinds of failures, secrets in their texts, and the pace of calls."""

from __future__ import annotations

import asyncio
import math
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.llm import pace
from selectlang.llm.failure import failure, shown
from selectlang.llm.options import Options
from selectlang.llm.request import Asked

ASKED = Asked.of("openai/gpt-4o", 5, 0.0, 1.0, None, None)
LOCAL = Asked.of("local/some-model", 5, 0.0, 1.0, None, None)


class HTTPError(Exception):
    def __init__(self, status: int | None, text: str = "no", **headers: str) -> None:
        super().__init__(text)
        self.status_code = status
        self.litellm_response_headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    "status, kind, retry",
    [(429, "rate_limit", True), (500, "server_error", True), (529, "server_error", True),
     (None, "server_error", True), (408, "server_error", True), (400, "refused_request", False),
     (422, "refused_request", False)],
)  # fmt: skip
def test_the_kind_follows_from_the_status(status: int | None, kind: str, retry: bool) -> None:
    found = failure(HTTPError(status), ASKED)
    assert (found.kind, found.retry, found.advice) == (kind, retry, "")


def test_an_account_without_quota_is_not_asked_again() -> None:
    found = failure(HTTPError(429, "You exceeded your current quota (insufficient_quota)"), ASKED)
    assert not found.retry
    assert "billing" in found.advice


def test_a_model_of_this_process_is_not_asked_again() -> None:
    assert failure(HTTPError(500), LOCAL).advice
    assert not failure(HTTPError(500), LOCAL).retry
    assert failure(HTTPError(400), LOCAL) == failure(HTTPError(400), LOCAL).__class__("refused_request", "no")


def test_retry_after_is_seconds_or_a_date() -> None:
    assert failure(HTTPError(429, retry_after="1.5"), ASKED).wait == 1.5
    assert failure(HTTPError(503, retry_after="7"), ASKED).wait == 7
    assert failure(HTTPError(429, retry_after=formatdate(0)), ASKED).wait == 0  # long past
    assert failure(HTTPError(429, retry_after="soon"), ASKED).wait is None
    assert failure(HTTPError(429), ASKED).wait is None


@given(st.integers(0, 8), st.floats(0, 100, exclude_min=True))
def test_a_delay_is_never_shorter_than_asked_for_nor_endless(tried: int, wait: float) -> None:
    assert wait <= pace.delay(tried, wait) <= wait + 1
    assert 0.25 * 2 ** min(tried, 7) <= pace.delay(tried, None) <= min(60, 0.5 * 2**tried)


def test_a_server_that_asks_for_no_wait_gets_the_usual_one() -> None:
    """Else all tries were used up at once."""
    assert [pace.delay(tried, 0.0) >= 0.25 * 2**tried for tried in range(6)] == [True] * 6


@pytest.mark.parametrize(
    "text",
    ["{}", "Authorization: Bearer {} is bad", "url https://host/v1?key={}&x=1", "at https://me:{}@host/v1",
     "['{}']", "BEARER {}"],
)  # fmt: skip
@pytest.mark.parametrize("secret", ["s3cr3t-0123456789", "sk-proj-abcdefghij_0123"])
def test_secrets_are_not_shown(text: str, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "s3cr3t-0123456789")
    for found in (shown(text.format(secret)), shown(text.format(secret.upper()))):
        assert secret.lower() not in found.lower()
        assert "***" in found


def test_what_is_shown_is_one_short_line() -> None:
    assert shown("a\n b\tc") == "a b c"
    assert shown("no\nTraceback (most recent call last):\n File") == "no"
    assert len(shown("x" * 1000)) == 300


@given(st.integers(1, 600), st.lists(st.tuples(st.floats(0, 3), st.integers(1, 5)), max_size=60))
@settings(deadline=None)
def test_no_minute_sees_more_than_its_share(per_minute: int, calls: list[tuple[float, int]]) -> None:
    """By a clock of the test: units that passed within any 60 s are at most those of a minute, and one."""
    now = 0.0
    passed: list[tuple[float, int]] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    async def run() -> None:
        nonlocal now
        limit = pace.Pace(per_minute)
        for idle, units in calls:
            now += idle
            await limit.wait(units)
            passed.append((now, units))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pace, "asyncio", type("Fake", (), {"sleep": staticmethod(sleep)}))
        patch.setattr(pace, "time", type("Fake", (), {"monotonic": staticmethod(lambda: now)}))
        asyncio.run(run())
    for start, first in passed:
        within = sum(units for at, units in passed if start <= at < start + 60 - 1e-6)
        assert within <= per_minute + max(first, 5)


@pytest.mark.parametrize(
    "wrong",
    [{"concurrency": 0}, {"timeout": 0.0}, {"retries": -1}, {"max_cost": -1.0}, {"max_cost": math.nan}],
)
def test_options_that_make_no_sense_are_named(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(sl.UsageError, match=name.replace("_", "-")):
        Options(**wrong)
    Options(retries=0, max_calls=0, max_cost=0)
