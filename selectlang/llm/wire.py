"""The HTTP client that litellm is lent for all that speaks the protocol of OpenAI.

It goes nowhere but where it is sent, and reads no more than an answer can have.
"""

from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

LONGEST = 16 * 2**20  # bytes of a response: more than a million tokens

arrived: ContextVar[list[int]] = ContextVar("arrived")
"""The status of each response to a call, as soon as it has begun to arrive."""


class NoAnswer(Exception):
    """A response came, and no answer is in it."""


def wire() -> Any:
    """An `httpx.AsyncClient` with connections of its own for each event loop; `aclose` closes those of one.

    Litellm's own would carry prompts on to wherever a server redirects it, and read without end.
    """
    import httpx
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    class Wire(httpx.AsyncClient):
        def __init__(self) -> None:
            super().__init__()
            self.handlers: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

        async def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
            loop = asyncio.get_running_loop()
            if loop not in self.handlers:
                self.handlers[loop] = AsyncHTTPHandler()
            response = await self.handlers[loop].client.send(request, stream=True, follow_redirects=False)
            arrived.get([]).append(response.status_code)
            try:
                body = await _read(response)
            finally:
                await response.aclose()
            if response.has_redirect_location:
                body = f"it redirects to {response.headers['location']}".encode()
            framing = ("content-encoding", "content-length", "transfer-encoding")
            headers = [item for item in response.headers.multi_items() if item[0].lower() not in framing]
            return httpx.Response(response.status_code, headers=headers, content=body, request=request)

        async def aclose(self) -> None:
            if handler := self.handlers.pop(asyncio.get_running_loop(), None):
                await handler.close()

    return Wire()


async def _read(response: Any) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > LONGEST:
            raise NoAnswer(f"the response is longer than {LONGEST // 2**20} MB")
    return _counted(bytes(body))


def _counted(body: bytes) -> bytes:
    """The response without counts of tokens that are none, for litellm would refuse it whole."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(found, dict) or "usage" not in found:
        return body
    usage = found["usage"] if isinstance(found["usage"], dict) else {}
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    found["usage"] = {name: usage[name] for name in names if type(usage.get(name)) is int}
    return json.dumps(found).encode()
