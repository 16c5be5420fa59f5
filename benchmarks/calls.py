"""LLM calls through selectlang against bare litellm: calls a second at one concurrency, and memory.

    python benchmarks/calls.py [--calls N] [--concurrency N] [--repeats N]
    python benchmarks/calls.py --flat [--calls 100000]

Both ask a server on loopback, a process of its own that answers at once, at temperature 0 with prompts that
differ; each in a process of its own, in turns. litellm is imported before the clock starts. Ours keeps every
answer on disk before it is used, counts tokens and money, and would try again; the control is
`litellm.acompletion` under a semaphore and keeps the texts.

With --flat, ours alone makes many calls, and the memory it takes is printed at every tenth of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from machine import machine

MODEL = "openai/gpt-4o-mini"
os.environ.setdefault("OPENAI_API_KEY", "none-is-needed-on-loopback")
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


def serve() -> None:
    """Answer every chat request at once; prints the port."""
    from aiohttp import web

    reply = {
        "id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "7"}}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 1, "total_tokens": 21},
    }  # fmt: skip
    body = json.dumps(reply).encode()

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=body, content_type="application/json")

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


@contextmanager
def server() -> Iterator[str]:
    words = [sys.executable, __file__, "--as", "server"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


def prompt(number: int) -> str:
    return f"Rate the answer to question {number} from 1 to 10. Say the number alone."


def bare(url: str, count: int, concurrency: int) -> None:
    """litellm alone."""
    import litellm

    async def main() -> float:
        gate = asyncio.Semaphore(concurrency)

        async def one(number: int) -> Any:
            async with gate:
                messages = [{"role": "user", "content": prompt(number)}]
                found = await litellm.acompletion(
                    MODEL, messages, api_base=url, max_tokens=4, temperature=0, timeout=60
                )
                return found.choices[0].message.content

        await one(-1)
        started = time.perf_counter()
        texts = await asyncio.gather(*map(one, range(count)))
        assert texts == ["7"] * count
        return time.perf_counter() - started

    print(json.dumps({"seconds": asyncio.run(main()), "cpu": time.process_time()}))


def ours(url: str, count: int, concurrency: int, flat: bool = False) -> None:
    """The door that methods ask through."""
    from selectlang.llm.calls import Calls
    from selectlang.llm.door import Door
    from selectlang.llm.library import litellm
    from selectlang.llm.options import Options

    litellm()
    done = 0

    def read(text: str) -> int:
        nonlocal done
        done += 1
        if flat and done % (count // 10) == 0:
            print(json.dumps({"calls": done, "MiB": resident() / 2**20}), flush=True)
        return int(text)

    options = Options({"": url}, concurrency=concurrency, timeout=60)
    with tempfile.TemporaryDirectory() as folder, Calls(Path(folder)) as calls, Door(calls, options) as door:
        door.stage("warm").ask(MODEL, [[("user", prompt(-1))]], int, total=1, max_tokens=4)
        prompts = ([("user", prompt(number))] for number in range(count))
        started = time.perf_counter()
        found = door.stage("judge").ask(MODEL, prompts, read, total=count, max_tokens=4)
        seconds = time.perf_counter() - started
    assert found == [7] * count
    print(json.dumps({"seconds": seconds, "cpu": time.process_time()}))


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def once(name: str, url: str, count: int, concurrency: int) -> dict[str, float]:
    words = [sys.executable, __file__, "--as", name, "--url", url, "--calls", str(count)]
    words += ["--concurrency", str(concurrency)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--flat", action="store_true", help="ours alone, with its memory")
    parser.add_argument(
        "--as", dest="part", choices=["server", "bare", "ours", "flat"], help=argparse.SUPPRESS
    )
    parser.add_argument("--url", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part == "server":
        return serve()
    if args.part == "bare":
        return bare(args.url, args.calls, args.concurrency)
    if args.part:
        return ours(args.url, args.calls, args.concurrency, args.part == "flat")
    print(machine())
    with server() as url:
        if args.flat:
            words = [sys.executable, __file__, "--as", "flat", "--url", url, "--calls", str(args.calls)]
            subprocess.run([*words, "--concurrency", str(args.concurrency)], check=True)
            return None
        found: dict[str, list[dict[str, float]]] = {"bare": [], "ours": []}
        for _ in range(args.repeats):
            for name, each in found.items():
                each.append(once(name, url, args.calls, args.concurrency))
    rates = {name: [args.calls / one["seconds"] for one in each] for name, each in found.items()}
    for name, each in rates.items():
        print(f"{name}: {median(each):.0f} calls/s ({min(each):.0f} to {max(each):.0f})")
    ratio = median(b / a for a, b in zip(rates["bare"], rates["ours"], strict=True))
    print(f"ours against bare litellm: {ratio:.2f}x the rate (median of {args.repeats} pairs)")
    return None


if __name__ == "__main__":
    main()
