"""A server on loopback that speaks the OpenAI chat protocol, with faults that are switched on.

It runs in a thread, so that a test can look at what it was asked and what it answered in full. A fault is
drawn for each request by its number, so a run meets the same mix again; `answer` says what a prompt gets.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

FAULTS = ("429", "500", "hang", "reset", "truncated", "empty", "language", "refusal", "scale")
TEXTS = {
    "empty": "",
    "language": "评分是七分，因为答案很完整。",
    "refusal": "I'm sorry, but I can't help with that.",
    "scale": '{"score": 470}',
}


@dataclass
class Request:
    """One request as it came in: `fault` is what it got, and None a plain answer."""

    prompt: str
    body: dict[str, Any]
    headers: dict[str, str]
    at: float
    fault: str | None
    answered: bool = False


@dataclass
class Server:
    """`with Server(...) as server:` and ask `server.url`.

    `faults` gives each fault its rate; `script` gives the faults of the first requests for a prompt, one by
    one. `requests` is all that came in; `answered` counts, for each prompt, the answers sent whole, and
    `faulty` the faults.
    """

    faults: dict[str, float] = field(default_factory=dict)
    script: Callable[[str], list[str | None]] = lambda prompt: []
    answer: Callable[[str], str] = lambda prompt: '{"score": 4}'
    latency: float = 0.0
    retry_after: str = "0.05"
    seed: int = 0
    status: int | None = None  # every request gets this error
    requests: list[Request] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    faulty: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve(ready)), daemon=True)
        self.thread.start()
        ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join()

    async def serve(self, ready: threading.Event) -> None:
        self.loop, self.stopped, self.open = (
            asyncio.get_running_loop(),
            asyncio.Event(),
            set[asyncio.Task[Any]](),
        )
        server = await asyncio.start_server(self.connected, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await self.stopped.wait()
        server.close()
        for task in self.open:
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        try:
            while await self.one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open.discard(task)
            writer.close()

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))))
        prompt = body["messages"][-1]["content"]
        request = Request(prompt, body, headers, time.monotonic(), self.fault(prompt))
        self.requests.append(request)
        if request.fault:
            self.faulty[request.fault] += 1
        await asyncio.sleep(self.latency)
        if self.status is not None:
            return await self.send(writer, self.status, error(f"no: {headers.get('authorization')}"))
        match request.fault:
            case "429":
                return await self.send(
                    writer, 429, error("slow down"), f"retry-after: {self.retry_after}\r\n"
                )
            case "500":
                return await self.send(writer, 500, error("the server fell over"))
            case "400":
                return await self.send(writer, 400, error("this prompt is not for me"))
            case "hang":
                await asyncio.sleep(3600)
        text = TEXTS.get(request.fault or "")
        reply = completion(body, self.answer(prompt) if text is None else text)
        if request.fault == "reset":
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(reply)}\r\n\r\n".encode() + reply[:40])
            await writer.drain()
            writer.transport.abort()
            return False
        if request.fault == "truncated":
            return await self.send(writer, 200, reply[:-40])
        request.answered = True  # before it goes out: who has read it may look here at once
        self.answered[prompt] += 1
        return await self.send(writer, 200, reply)

    async def send(self, writer: asyncio.StreamWriter, status: int, body: bytes, headers: str = "") -> bool:
        kind = "content-type: application/json\r\n"
        head = f"HTTP/1.1 {status} X\r\n{kind}content-length: {len(body)}\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        return True

    def fault(self, prompt: str) -> str | None:
        script = self.script(prompt)
        if script:
            before = sum(request.prompt == prompt for request in self.requests)
            return script[before] if before < len(script) else None
        draw = random.Random(self.seed * 1_000_003 + len(self.requests)).random()
        for name, rate in self.faults.items():
            if draw < rate:
                return name
            draw -= rate
        return None


def error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "error", "code": None}}).encode()


def completion(body: dict[str, Any], text: str) -> bytes:
    words = sum(len(message["content"].split()) for message in body["messages"])
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": words, "completion_tokens": len(text.split()), "total_tokens": 0}
    usage["total_tokens"] = sum(usage.values())
    named = {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"]}
    return json.dumps({**named, "choices": [choice], "usage": usage}).encode()
