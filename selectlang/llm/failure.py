"""What became of a call that gave no answer: its kind, whether to try again, and a reason safe to show."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

from selectlang.llm.request import Asked
from selectlang.llm.wire import NoAnswer

LONGEST = 300  # characters of a reason
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.I)
_SECRET = re.compile(
    r"(?i)(?<=bearer )\S+|(?<=basic )[\w+/=]{8,}|\bsk-[\w*.-]{6,}|(?<=[?&]key=)[^&\s'\"]+|(?<=://)[^/@\s]+(?=@)"
)

_NO_KEY = re.compile(r"missing credentials|missing .*api key|api_key client option must be set", re.I)


@dataclass(frozen=True)
class Failure:
    """A call without an answer.

    `wait` is the seconds after which the server wants to be asked again. `advice` is what to do where no
    other call to the model can do better, such as with a wrong key: then all asking stops. `answered` says
    that a response came which spoke of success, so that the call may have to be paid for.
    """

    kind: str
    reason: str
    retry: bool = False
    wait: float | None = None
    advice: str = ""
    status: int | None = None
    answered: bool = False


def failure(error: BaseException, asked: Asked, status: int | None = None) -> Failure:
    """The kind of an exception that litellm raised, after a response with a status, or with none."""
    ours = next((str(each) for each in _chain(error) if isinstance(each, NoAnswer)), "")
    reason = shown(ours or str(error) or type(error).__name__)
    if asked.in_process:
        return _in_process(error, reason)
    found = _of_a_service(error, reason)
    if found.kind != "bad_answer" and not (status and 200 <= status < 300):
        return found
    if found.kind == "server_error":  # litellm's word for what it cannot read
        found = Failure("bad_answer", reason, retry=True)
    return replace(found, answered=True)


def _of_a_service(error: BaseException, reason: str) -> Failure:
    status = getattr(error, "status_code", None)
    if _NO_KEY.search(str(error)):  # its library says so before it asks; litellm makes that a 500
        return Failure("refused_request", reason, advice=_ADVICE[401], status=401)
    names = {kind.__name__ for each in _chain(error) for kind in type(each).__mro__}
    if isinstance(error, TimeoutError) or "APITimeoutError" in names:
        return Failure("timeout", reason, retry=True)
    if status == 429:
        if "insufficient_quota" in str(error):
            return Failure("rate_limit", reason, advice="The account has no quota left: check its billing")
        return Failure("rate_limit", reason, retry=True, wait=_retry_after(error))
    if names & {"NoAnswer", "JSONDecodeError", "APIResponseValidationError"}:
        return Failure("bad_answer", reason, retry=True)
    if names & {"APIConnectionError", "TransportError", "ClientError", "ConnectionError"}:
        *_, root = _chain(error)  # litellm may say no more than that it is one
        return Failure("connection", shown(reason if str(root) in reason else f"{reason} {root}"), retry=True)
    if status is None or status >= 500 or status in (408, 409, 425):
        return Failure("server_error", reason, retry=True, wait=_retry_after(error))
    return Failure("refused_request", reason, advice=_ADVICE.get(status, ""), status=status)


_ADVICE = {
    401: "Give a valid key in the environment variable of its service",
    402: "The account cannot pay: check its billing",
    403: "The key may not use it: check what the key is allowed",
    404: "There is no such model: check its name, and --api-base where a server of your own is asked",
    **dict.fromkeys(
        (301, 302, 303, 307, 308),
        "Prompts go to no address but the one that was given; if the new one is right, give it as --api-base",
    ),
}


def _in_process(error: BaseException, reason: str) -> Failure:
    """Of a model in this process nothing changes by asking again."""
    status = getattr(error, "status_code", 500)
    if status in (400, 413, 422):
        return Failure("refused_request", reason)
    return Failure(
        "server_error", reason, advice="It answers in this process, so asking again changes nothing"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _retry_after(error: BaseException) -> float | None:
    """Seconds, from the header Retry-After, which gives seconds or a date."""
    for each in _chain(error):
        for headers in (
            getattr(each, "litellm_response_headers", None),
            getattr(getattr(each, "response", None), "headers", None),
        ):
            if headers and (value := headers.get("retry-after")):
                return _seconds(value)
    return None


def _seconds(value: str) -> float | None:
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def shown(text: Any) -> str:
    """A text from outside as one line that may be shown and kept: short, and without secrets.

    Secrets are the values of environment variables with names like those of keys, and what stands where
    keys stand in headers and addresses.
    """
    line = " ".join(str(text).split("Traceback (most recent call last)")[0].split())
    line = without_secrets(line, secrets())
    line = _SECRET.sub("***", line)
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def secrets() -> list[str]:
    """The values of environment variables that have names like those of keys."""
    return [value for name, value in os.environ.items() if len(value) >= 8 and _SECRET_NAME.search(name)]


def without_secrets(text: str, known: list[str]) -> str:
    """A text without what `secrets` found."""
    for value in known:
        text = re.sub(re.escape(value), "***", text, flags=re.I)
    return text


def quoted(text: str) -> str:
    """An answer as it may be quoted."""
    return json.dumps(shown(text), ensure_ascii=False)
